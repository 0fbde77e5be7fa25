// @ts-check
// A session as it is stored (E2EE.md §10.3): JSON, byte strings in base64, absent values null. To be
// sealed before it reaches a disk.

/** @import { Session } from "./session.js" */
import { fromBase64, toBase64 } from "./bytes.js";
import { pairOf } from "./agreement.js";
import { Refusal } from "./refusal.js";

/** @typedef {Record<string, any>} SessionRecord */

/** @param {Session} session @returns {SessionRecord} */
export function writeSession(session) {
  const { ratchet } = session;
  return {
    v: 1,
    role: session.role,
    ad: toBase64(session.associated),
    base_key: toBase64(session.baseKey),
    prefix: optional(toBase64, session.prefix),
    rk: toBase64(ratchet.root),
    dhs: toBase64(ratchet.own),
    dhr: toBase64(ratchet.their),
    cks: toBase64(ratchet.sending),
    ckr: optional(toBase64, ratchet.receiving),
    ns: ratchet.sent,
    nr: ratchet.received,
    pn: ratchet.previous,
    skipped: ratchet.skipped.map((one) => [toBase64(one.chain), one.number, toBase64(one.key), one.since]),
    created: session.created,
    last_received: session.lastReceived,
  };
}

/** @param {SessionRecord} record @returns {Promise<Session>} */
export async function readSession(record) {
  if (record.v !== 1) throw new Refusal("malformed", "a session record of version 1");
  const own = fromBase64(record.dhs);
  /** @type {any[][]} */
  const skipped = record.skipped;
  return {
    role: record.role,
    associated: fromBase64(record.ad),
    baseKey: fromBase64(record.base_key),
    prefix: optional(fromBase64, record.prefix),
    ratchet: {
      root: fromBase64(record.rk),
      own,
      ownPublic: (await pairOf(own)).public,
      their: fromBase64(record.dhr),
      sending: fromBase64(record.cks),
      receiving: optional(fromBase64, record.ckr),
      sent: record.ns,
      received: record.nr,
      previous: record.pn,
      skipped: skipped.map(([chain, number, key, since]) => ({
        chain: fromBase64(chain),
        number,
        key: fromBase64(key),
        since,
      })),
    },
    created: record.created,
    lastReceived: record.last_received,
  };
}

/** @template From, To @param {(from: From) => To} turn @param {From | null} from @returns {To | null} */
const optional = (turn, from) => (from === null ? null : turn(from));
