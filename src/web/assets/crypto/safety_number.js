// @ts-check
// Safety numbers (E2EE.md §9.2): what two people compare to know that nobody stands between them.

/** @import { Bytes } from "./bytes.js" */
import { concat, equal, fromBase64Url, toBase64Url, toHex, uuidBytes } from "./bytes.js";
import { sha512 } from "./primitives.js";
import { Refusal } from "./refusal.js";

/** @typedef {{ identity: Bytes, user: string }} Side */
/** @typedef {{ own: Half, peer: Half }} Safety */
/** @typedef {{ user: Bytes, hash: Bytes }} Half */

const ROUNDS = 5199;
const QR = "privcomm:sn1:";
const QR_BYTES = 97;

/** Slow on purpose: thousands of hashes. @param {Side} own @param {Side} peer @returns {Promise<Safety>} */
export async function safetyBetween(own, peer) {
  const [ownHalf, peerHalf] = await Promise.all([half(own), half(peer)]);
  return { own: ownHalf, peer: peerHalf };
}

/** Sixty digits, the same on both sides, in twelve groups. @param {Safety} safety */
export function digitsOf({ own, peer }) {
  const both = [digits(own), digits(peer)].sort().join("");
  return /** @type {string[]} */ (both.match(/.{5}/g)).join(" ");
}

/** What this side shows as a QR code. @param {Safety} safety */
export const qrOf = ({ own, peer }) => QR + toBase64Url(qrBytes(own, peer));

/** Refuses what isn't the code that the peer's side shows. @param {Safety} safety @param {string} scanned */
export function checkQr({ own, peer }, scanned) {
  if (!scanned.startsWith(QR)) throw new Refusal("malformed", "the code of a safety number");
  const bytes = fromBase64Url(scanned.slice(QR.length));
  if (bytes.length !== QR_BYTES || bytes[0] !== 1) throw new Refusal("malformed", "the code of a safety number");
  if (!equal(qrBytes(peer, own), bytes)) throw new Refusal("other_safety_number");
}

/** @param {Side} side @returns {Promise<Half>} */
export async function half({ identity, user }) {
  const id = uuidBytes(user);
  let hash = await sha512(concat(new Uint8Array(2), identity, id, identity));
  for (let round = 0; round < ROUNDS; round += 1) hash = await sha512(concat(hash, identity));
  return { user: id, hash: hash.slice(0, 32) };
}

/** @param {Half} half */
export function digits({ hash }) {
  const group = (/** @type {number} */ at) => {
    const number = Number(BigInt(`0x${toHex(hash.subarray(at, at + 5))}`) % 100000n);
    return String(number).padStart(5, "0");
  };
  return [0, 5, 10, 15, 20, 25].map(group).join("");
}

/** @param {Half} first @param {Half} second */
const qrBytes = (first, second) => concat(Uint8Array.of(1), first.user, first.hash, second.user, second.hash);
