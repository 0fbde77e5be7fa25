// @ts-check
// How a connection does, by what WebRTC counts of it.

/** @typedef {{ received: number, lost: number }} Count */
/** @typedef {{ quality: "good" | "poor" | "bad", relayed: boolean, count: Count }} Measured */

const BAD = { loss: 0.1, trip: 0.8, jitter: 0.15 }; // seconds
const POOR = { loss: 0.03, trip: 0.4, jitter: 0.05 };

/** Since `before`. @param {RTCPeerConnection} connection @param {Count} before @returns {Promise<Measured>} */
export async function measure(connection, before) {
  const stats = [...(await connection.getStats()).values()];
  const inbound = stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  const remote = stats.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio");
  const transport = stats.find(({ type }) => type === "transport");
  const pair = stats.find(({ id }) => id === transport?.selectedCandidatePairId);
  const ends = [pair?.localCandidateId, pair?.remoteCandidateId].map((end) => stats.find(({ id }) => id === end));
  const count = { received: inbound?.packetsReceived ?? 0, lost: inbound?.packetsLost ?? 0 };
  const [received, lost] = [count.received - before.received, Math.max(0, count.lost - before.lost)];
  const seen = {
    loss: Math.max(received + lost > 0 ? lost / (received + lost) : 1, remote?.fractionLost ?? 0),
    trip: pair?.currentRoundTripTime ?? remote?.roundTripTime ?? 0,
    jitter: inbound?.jitter ?? 0,
  };
  return { quality: judge(seen), relayed: ends.some((end) => end?.candidateType === "relay"), count };
}

/** @param {typeof BAD} seen @returns {Measured["quality"]} */
function judge(seen) {
  const exceeds = (/** @type {typeof BAD} */ limit) =>
    seen.loss > limit.loss || seen.trip > limit.trip || seen.jitter > limit.jitter;
  return exceeds(BAD) ? "bad" : exceeds(POOR) ? "poor" : "good";
}
