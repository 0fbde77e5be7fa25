// @ts-check
// The Double Ratchet (E2EE.md §5). A state is never changed: each step gives the next one, so that
// what is refused leaves everything as it was.

/** @import { Bytes } from "./bytes.js" */
/** @import { Header, Message } from "./message.js" */
import { concat, equal, random } from "./bytes.js";
import { agree, importSecret, pairOf } from "./agreement.js";
import { advanceChain, advanceRoot, messageKey } from "./kdf.js";
import { writeHeader } from "./message.js";
import { pad, unpad } from "./padding.js";
import { open, seal } from "./primitives.js";
import { Refusal } from "./refusal.js";

/** @typedef {() => Bytes} Draw 32 random bytes: a private key */
/** @typedef {{ chain: Bytes, number: number, key: Bytes, since: number }} Skipped the key of a message that hasn't come */
/**
 * @typedef {object} Ratchet
 * @property {Bytes} root
 * @property {Bytes} own private key; a record of §10.3 holds it, so it can be read
 * @property {Bytes} ownPublic
 * @property {Bytes} their
 * @property {Bytes} sending
 * @property {Bytes | null} receiving
 * @property {number} sent
 * @property {number} received
 * @property {number} previous
 * @property {Skipped[]} skipped the oldest first
 */

const MAX_SKIP = 1000;
const MAX_STORED = 2000;
const LIFETIME = 45 * 24 * 3600_000;
const END_OF_CHAIN = 2 ** 31;

/** @type {Draw} */
export const draw = () => random(32);

/** Alice's. @param {Bytes} secret @param {Bytes} signedPrekey @param {Draw} draw @returns {Promise<Ratchet>} */
export async function initiate(secret, signedPrekey, draw) {
  const { own, ownPublic, root, chain } = await turnSending(secret, signedPrekey, draw);
  const counters = { sent: 0, received: 0, previous: 0 };
  return { root, own, ownPublic, their: signedPrekey, sending: chain, receiving: null, ...counters, skipped: [] };
}

/** Bob's, once the first message names Alice's key. @param {Bytes} secret @param {CryptoKey} signedPrekey @param {Bytes} their @param {Draw} draw @returns {Promise<Ratchet>} */
export async function respond(secret, signedPrekey, their, draw) {
  const turned = await turn(secret, signedPrekey, their, draw);
  return { ...turned, sent: 0, received: 0, previous: 0, skipped: [] };
}

/** @param {Ratchet} ratchet */
export const isExhausted = (ratchet) => ratchet.sent >= END_OF_CHAIN;

/** @param {Ratchet} ratchet @param {Bytes} associated @param {Bytes} prefix @param {Bytes} message @returns {Promise<{ ratchet: Ratchet, body: Bytes }>} */
export async function sealNext(ratchet, associated, prefix, message) {
  if (isExhausted(ratchet)) throw new Refusal("chain_exhausted");
  const header = { their: ratchet.ownPublic, previous: ratchet.previous, number: ratchet.sent };
  const front = concat(prefix, writeHeader(header));
  const step = await advanceChain(ratchet.sending);
  const { key, nonce } = await messageKey(step.message);
  const sealed = await seal(key, nonce, pad(message), concat(associated, front));
  const next = { ...ratchet, sending: step.chain, sent: ratchet.sent + 1 };
  return { ratchet: next, body: concat(front, sealed) };
}

/** @param {Ratchet} ratchet @param {Bytes} associated @param {Message} message @param {Draw} draw @param {number} now @returns {Promise<{ ratchet: Ratchet, opened: Bytes }>} */
export async function openNext(ratchet, associated, message, draw, now) {
  const { header, front, sealed } = message;
  const kept = ratchet.skipped.find((one) => one.number === header.number && equal(one.chain, header.their));
  if (kept && now - kept.since <= LIFETIME) {
    const opened = await unseal(kept.key, sealed, concat(associated, front));
    const skipped = ratchet.skipped.filter((one) => one !== kept && now - one.since <= LIFETIME);
    return { ratchet: { ...ratchet, skipped }, opened };
  }
  const { next, key } = await advance(ratchet, header, draw, now);
  return { ratchet: next, opened: await unseal(key, sealed, concat(associated, front)) };
}

/** Where the ratchet stands after this message, and the message's key. @param {Ratchet} ratchet @param {Header} header @param {Draw} draw @param {number} now */
async function advance(ratchet, header, draw, now) {
  let next = ratchet;
  if (!equal(header.their, ratchet.their)) {
    const fits = header.previous <= ratchet.received + MAX_SKIP;
    if (ratchet.receiving && fits) next = await skip(next, header.previous, now);
    const turned = await turn(next.root, await importSecret(next.own), header.their, draw);
    next = { ...next, ...turned, previous: ratchet.sent, sent: 0, received: 0 };
  }
  if (!next.receiving) throw new Refusal("no_session");
  if (header.number < next.received) throw new Refusal("duplicate");
  if (header.number > next.received + MAX_SKIP) throw new Refusal("too_far_ahead");
  next = await skip(next, header.number, now);
  const step = await advanceChain(/** @type {Bytes} */ (next.receiving));
  const skipped = next.skipped.slice(-MAX_STORED).filter((one) => now - one.since <= LIFETIME);
  next = { ...next, receiving: step.chain, received: header.number + 1, skipped };
  return { next, key: step.message };
}

/** Keeps the keys up to message `until`. @param {Ratchet} ratchet @param {number} until @param {number} now @returns {Promise<Ratchet>} */
async function skip(ratchet, until, now) {
  let { receiving, received } = ratchet;
  const skipped = [...ratchet.skipped];
  for (; receiving && received < until; received += 1) {
    const step = await advanceChain(receiving);
    skipped.push({ chain: ratchet.their, number: received, key: step.message, since: now });
    receiving = step.chain;
  }
  return { ...ratchet, receiving, received, skipped };
}

/** The asymmetric step: a chain to receive on, then an own key and a chain to send on. @param {Bytes} root @param {CryptoKey} own @param {Bytes} their @param {Draw} draw */
async function turn(root, own, their, draw) {
  const heard = await advanceRoot(root, await agree(own, their));
  const said = await turnSending(heard.root, their, draw);
  return {
    root: said.root,
    own: said.own,
    ownPublic: said.ownPublic,
    their,
    sending: said.chain,
    receiving: heard.chain,
  };
}

/** @param {Bytes} root @param {Bytes} their @param {Draw} draw */
async function turnSending(root, their, draw) {
  const own = draw();
  const pair = await pairOf(own);
  return { own, ownPublic: pair.public, ...(await advanceRoot(root, await agree(pair.secret, their))) };
}

/** @param {Bytes} key @param {Bytes} sealed @param {Bytes} associated */
async function unseal(key, sealed, associated) {
  const { key: aes, nonce } = await messageKey(key);
  return unpad(await open(aes, nonce, sealed, associated));
}
