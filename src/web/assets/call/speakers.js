// @ts-check
// What a call can be heard on, where the browser lets one choose.

/** @typedef {{ id: string, label: string }} Speaker */

/** Empty where there is nothing to choose. @returns {Promise<Speaker[]>} */
export async function listSpeakers() {
  if (!("setSinkId" in HTMLMediaElement.prototype)) return [];
  try {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices
      .filter(({ kind, deviceId }) => kind === "audiooutput" && deviceId)
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  } catch {
    return [];
  }
}
