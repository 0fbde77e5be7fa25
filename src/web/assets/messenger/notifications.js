// @ts-check
// Being woken by a push that says nothing (PROTOCOL.md §4): subscribed to in this browser, told to
// the server, and taken back again.

/** @import { Settings } from "../model.js" */
/** @import { Api } from "../net/api.js" */
/** @import { Store } from "../store/store.js" */
import { equal, fromBase64 } from "../crypto/bytes.js";
import { Trouble } from "../net/trouble.js";

/** @typedef {{ endpoint: string }} Subscribed what the server was told */

const PATIENCE = 5000; // milliseconds for the service worker to be there

/** What can be had here, given what was chosen. @param {Settings["notifications"]} chosen @returns {Settings["notifications"]} */
export function possible(chosen) {
  if (!("Notification" in globalThis)) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return chosen === "on" && Notification.permission === "granted" ? "on" : "off";
}

/** Asks the person, in the tab that they look at. @returns {Promise<Settings["notifications"]>} */
export async function askPermission() {
  if (!("Notification" in globalThis)) return "unsupported";
  return (await Notification.requestPermission()) === "granted" ? "on" : "denied";
}

/** Makes the subscription what it should be. Where that fails, it is tried again with the next socket. @param {Api} api @param {Store} store @param {boolean} isWanted @returns {Promise<void>} */
export function subscribe(api, store, isWanted) {
  return navigator.locks.request("push", () => settle(api, store, isWanted));
}

/** @param {Api} api @param {Store} store @param {boolean} isWanted */
async function settle(api, store, isWanted) {
  try {
    const manager = await pushManager();
    if (!manager) return;
    /** @type {Subscribed | undefined} */
    const told = await store.read("push");
    const endpoint = isWanted ? await endpointOf(manager, api) : await endEndpoint(manager);
    if (told && told.endpoint !== endpoint) await tell(api, "DELETE", told.endpoint);
    if (endpoint) await tell(api, "PUT", endpoint);
    const batch = store.batch();
    if (endpoint) batch.record("push", { endpoint });
    else batch.removeRecord("push");
    await batch.commit();
  } catch (error) {
    // The browser's push service can't be reached, or the server has none.
    if (!(error instanceof Trouble) && !(error instanceof DOMException)) throw error;
  }
}

/** @param {PushManager} manager @param {Api} api @returns {Promise<string>} */
async function endpointOf(manager, api) {
  const { vapid_key: base64 } = await api.asMember("GET", "/push-tokens/vapid-key");
  const key = fromBase64(base64);
  const known = await manager.getSubscription();
  const knownKey = known?.options.applicationServerKey;
  if (known && knownKey && equal(new Uint8Array(knownKey), key)) return known.endpoint;
  // Made for another key of the server's, it would be refused.
  await known?.unsubscribe();
  return (await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key })).endpoint;
}

/** @param {PushManager} manager @returns {Promise<null>} */
async function endEndpoint(manager) {
  await (await manager.getSubscription())?.unsubscribe();
  return null;
}

/** @param {Api} api @param {"PUT" | "DELETE"} method @param {string} endpoint */
async function tell(api, method, endpoint) {
  await api.asMember(method, "/push-tokens", { platform: "webpush", token: endpoint });
}

/** @returns {Promise<PushManager | null>} */
async function pushManager() {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) return null;
  const late = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE));
  const registration = /** @type {ServiceWorkerRegistration | null} */ (
    await Promise.race([navigator.serviceWorker.ready, late])
  );
  return registration?.pushManager ?? null;
}
