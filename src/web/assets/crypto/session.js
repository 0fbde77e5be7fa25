// @ts-check
// A session: one ratchet between two accounts, and what it is recognized by (E2EE.md §8.1).

/** @import { Bytes } from "./bytes.js" */
/** @import { Draw, Ratchet } from "./ratchet.js" */
/** @import { Message, Prefix, Type } from "./message.js" */
/** @import { Account, Bundle } from "./x3dh.js" */
import { equal } from "./bytes.js";
import { pairOf } from "./agreement.js";
import { writePrefix } from "./message.js";
import { initiate, isExhausted, openNext, respond, sealNext } from "./ratchet.js";
import { initiateAgreement, respondAgreement } from "./x3dh.js";

/**
 * @typedef {object} Session never changed: a step gives the next one
 * @property {"a" | "b"} role who began it: `a` is this side
 * @property {Bytes} associated
 * @property {Bytes} baseKey EK's public key
 * @property {Bytes | null} prefix goes before every message until the peer has answered
 * @property {Ratchet} ratchet
 * @property {number} created ms
 * @property {number | null} lastReceived ms
 */

const UNANSWERED = 30 * 24 * 3600_000;

/** Begins a session with a bundle's owner. Draws EK, then a ratchet key. @param {Account} own @param {Bundle} bundle @param {Draw} draw @param {number} now @returns {Promise<Session>} */
export async function begin(own, bundle, draw, now) {
  const ephemeral = await pairOf(draw());
  const { secret, associated, prefix } = await initiateAgreement(own, bundle, ephemeral);
  return {
    role: "a",
    associated,
    baseKey: ephemeral.public,
    prefix: writePrefix(prefix),
    ratchet: await initiate(secret, bundle.signedPrekey, draw),
    created: now,
    lastReceived: null,
  };
}

/** @typedef {{ signed: CryptoKey, oneTime: CryptoKey | null }} Keys those that a first message names */

/** Takes up a session that a first message begins, and opens that message. @param {Account} own @param {string} peer @param {Prefix} prefix @param {Keys} keys @param {Message} message @param {Draw} draw @param {number} now */
export async function accept(own, peer, prefix, keys, message, draw, now) {
  const agreed = await respondAgreement(own, peer, prefix, keys.signed, keys.oneTime);
  /** @type {Session} */
  const session = {
    role: "b",
    associated: agreed.associated,
    baseKey: prefix.ephemeral,
    prefix: null,
    ratchet: await respond(agreed.secret, keys.signed, message.header.their, draw),
    created: now,
    lastReceived: null,
  };
  return openIn(session, message, draw, now);
}

/** @param {Session} session @param {Bytes} message @returns {Promise<{ session: Session, type: Type, body: Bytes }>} */
export async function sealIn(session, message) {
  const prefix = session.prefix ?? new Uint8Array(0);
  const { ratchet, body } = await sealNext(session.ratchet, session.associated, prefix, message);
  return { session: { ...session, ratchet }, type: session.prefix ? 1 : 2, body };
}

/** @param {Session} session @param {Message} message @param {Draw} draw @param {number} now @returns {Promise<{ session: Session, opened: Bytes }>} */
export async function openIn(session, message, draw, now) {
  const { ratchet, opened } = await openNext(session.ratchet, session.associated, message, draw, now);
  return { session: { ...session, ratchet, prefix: null, lastReceived: now }, opened };
}

/** Whether something may still be sent in it (§8.2). @param {Session} session @param {number} now */
export function maySend(session, now) {
  const isUnanswered = session.prefix !== null && now - session.created > UNANSWERED;
  return !isUnanswered && !isExhausted(session.ratchet);
}

/** Whether it is a session with this identity. @param {Session} session @param {Bytes} identity */
export function isWith(session, identity) {
  const at = session.role === "a" ? 33 : 1;
  return equal(session.associated.subarray(at, at + 32), identity);
}

/** Whether a first message with this key began it. @param {Session} session @param {Bytes} baseKey */
export const answers = (session, baseKey) => session.role === "b" && equal(session.baseKey, baseKey);
