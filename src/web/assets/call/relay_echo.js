// @ts-check
// Proves one media relay: packets go through it to a second end in the same page, and back.

const ECHOES = 10; // packets that go through the relay and back
const PATIENCE = 15_000; // milliseconds that anything may take

/** @typedef {{ urls: string[], username?: string, credential?: string }} IceServer */

/** Through the relay and no other way. @param {IceServer} server @returns {Promise<{ packets: number, median: number }>} `median`: milliseconds there and back */
export async function echoThrough(server) {
  /** @type {RTCConfiguration} */
  const options = { iceServers: [server], iceTransportPolicy: "relay" };
  const here = new RTCPeerConnection(options);
  const there = new RTCPeerConnection(options);
  const found = { any: false };
  try {
    const heard = exchangeCandidates(here, there, found);
    there.ondatachannel = ({ channel }) => {
      channel.onmessage = ({ data }) => channel.send(data);
    };
    const channel = here.createDataChannel("echo");
    const opened = new Promise((resolve) => (channel.onopen = resolve));
    await here.setLocalDescription();
    await there.setRemoteDescription(/** @type {RTCSessionDescription} */ (here.localDescription));
    heard.there.resolve(null);
    await there.setLocalDescription();
    await here.setRemoteDescription(/** @type {RTCSessionDescription} */ (there.localDescription));
    heard.here.resolve(null);
    const median = await within(opened.then(() => echo(channel)), PATIENCE).catch(() => {
      throw new Error(found.any ? "packets don't come back" : "the relay doesn't answer");
    });
    return { packets: ECHOES, median };
  } finally {
    here.close();
    there.close();
  }
}

/** The first server of each transport, as an entry of its own. @param {IceServer[]} servers @returns {Map<"udp" | "tcp" | "tls", IceServer>} */
export function byTransport(servers) {
  /** @type {Map<"udp" | "tcp" | "tls", IceServer>} */
  const found = new Map();
  for (const { urls, username, credential } of servers) {
    for (const url of urls) {
      const transport = url.startsWith("turns:") ? "tls" : url.endsWith("transport=tcp") ? "tcp" : "udp";
      if (!/^turns?:/.test(url) || found.has(transport)) continue;
      found.set(transport, { urls: [url], username, credential });
    }
  }
  return found;
}

/** @param {RTCPeerConnection} here @param {RTCPeerConnection} there @param {{ any: boolean }} found */
function exchangeCandidates(here, there, found) {
  const heard = { here: Promise.withResolvers(), there: Promise.withResolvers() };
  here.onicecandidate = ({ candidate }) => {
    found.any ||= Boolean(candidate?.candidate);
    if (candidate) heard.there.promise.then(() => there.addIceCandidate(candidate)).catch(() => {});
  };
  there.onicecandidate = ({ candidate }) => {
    if (candidate) heard.here.promise.then(() => here.addIceCandidate(candidate)).catch(() => {});
  };
  return heard;
}

/** Each packet goes when the last is back. @param {RTCDataChannel} channel */
async function echo(channel) {
  const took = [];
  for (let count = 0; count < ECHOES; count += 1) {
    const begin = performance.now();
    await new Promise((resolve) => {
      channel.onmessage = resolve;
      channel.send(String(count));
    });
    took.push(performance.now() - begin);
  }
  return took.sort((one, other) => one - other)[ECHOES >> 1];
}

/** @template T @param {Promise<T>} promise @param {number} milliseconds @returns {Promise<T>} */
function within(promise, milliseconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
