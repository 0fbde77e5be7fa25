// @ts-check
// A peer as it is stored: JSON, to be sealed before it reaches a disk.

/** @import { Peer } from "./peer.js" */
import { fromBase64, toBase64 } from "./bytes.js";
import { Refusal } from "./refusal.js";
import { readSession, writeSession } from "./session_record.js";

/** @param {Peer} peer */
export function writePeer({ user, pin, active, archived, lastReset, spent }) {
  return {
    v: 1,
    user,
    pin: pin && {
      key: toBase64(pin.pinned),
      verified: pin.verified,
      changed: pin.changed && toBase64(pin.changed),
    },
    active: active && writeSession(active),
    archived: archived.map(writeSession),
    last_reset: lastReset,
    spent: spent && toBase64(spent),
  };
}

/** @param {any} record @returns {Promise<Peer>} */
export async function readPeer(record) {
  if (record.v !== 1) throw new Refusal("malformed", "a record of a peer of version 1");
  const { user, pin, active, archived, last_reset: lastReset, spent } = record;
  return {
    user,
    pin: pin && {
      pinned: fromBase64(pin.key),
      verified: pin.verified,
      changed: pin.changed && fromBase64(pin.changed),
    },
    active: active && (await readSession(active)),
    archived: await Promise.all(archived.map(readSession)),
    lastReset,
    spent: spent ? fromBase64(spent) : null,
  };
}
