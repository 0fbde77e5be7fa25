// @ts-check
// Somebody to write with: the pin, one active session and the archived ones (E2EE.md §8, §9.1).
//
// Everything here is worked out in memory, and a peer is never changed: each step gives the next
// one. §8.4 is the caller's to keep: what changed is stored together with what is to be sent or
// shown, in one transaction, and only then does a message leave or an acknowledgement go out.

/** @import { Bytes } from "./bytes.js" */
/** @import { Draw } from "./ratchet.js" */
/** @import { Envelope } from "./envelope.js" */
/** @import { Meeting, Pin } from "./pin.js" */
/** @import { Keys, Session } from "./session.js" */
/** @import { Account, Bundle } from "./x3dh.js" */
/** @import { Message, Prefix } from "./message.js" */
import { equal } from "./bytes.js";
import { readMessage, readPrefix } from "./message.js";
import { keepPinned, meet, present } from "./pin.js";
import { Refusal } from "./refusal.js";
import { accept, answers, begin, isWith, maySend, openIn, sealIn } from "./session.js";

/**
 * @typedef {object} Peer
 * @property {string} user
 * @property {Pin | null} pin
 * @property {Session | null} active
 * @property {Session[]} archived the newest first, at most four
 * @property {number | null} lastReset ms
 * @property {Bytes | null} spent the peer's one-time prekey that a session was begun with here last
 */

/** @typedef {{ peer: Peer, opened: Bytes, meeting: Meeting, begun: Prefix | null }} Opened */
/** @typedef {(prefix: Prefix) => Promise<Keys>} FindKeys the private prekeys; refuses unknown ones and replays */

const MAX_ARCHIVED = 4;
const BETWEEN_RESETS = 3600_000;

/** Somebody of whom nothing is known. @param {string} user @returns {Peer} */
export const unknownPeer = (user) => ({ user, pin: null, active: null, archived: [], lastReset: null, spent: null });

/** Shows the pin an identity key. One that changed archives the sessions. @param {Peer} peer @param {Bytes} key @returns {{ peer: Peer, meeting: Meeting }} */
export function meetPeer(peer, key) {
  const { pin, meeting } = meet(peer.pin, key);
  const next = { ...peer, pin };
  return { peer: meeting === "changed" ? archive(next) : next, meeting };
}

/** The person keeps to the key before the one that turned up: a session with it stands again. @param {Peer} peer @returns {Peer} */
export function keepOld(peer) {
  if (!peer.pin?.changed) return peer;
  const kept = { ...archive(peer), pin: keepPinned(peer.pin) };
  const active = kept.archived.find((session) => isWith(session, kept.pin.pinned)) ?? null;
  return { ...kept, active, archived: kept.archived.filter((session) => session !== active) };
}

/** Whether a bundle must be fetched before anything can be sent (§8.2). @param {Peer} peer @param {number} now */
export const needsBundle = (peer, now) => !sendable(peer, now);

/** Begins a session with the bundle's owner. Show its key to `meetPeer` first. A one-time prekey that comes a second time is left out: the server hands it out again to who asks again soon, and its owner may have deleted it. @param {Peer} peer @param {Account} own @param {Bundle} bundle @param {Draw} draw @param {number} now @returns {Promise<Peer>} */
export async function beginWith(peer, own, bundle, draw, now) {
  const pin = settled(peer);
  if (bundle.user !== peer.user || !equal(pin.pinned, bundle.identity)) throw new Refusal("other_identity");
  const isSpent = bundle.oneTime && peer.spent && equal(bundle.oneTime.public, peer.spent);
  const oneTime = isSpent ? null : bundle.oneTime;
  const session = await begin(own, { ...bundle, oneTime }, draw, now);
  return activate({ ...peer, spent: oneTime ? oneTime.public : peer.spent }, session);
}

/** @param {Peer} peer @param {number} registration @param {Bytes} message @param {number} now @returns {Promise<{ peer: Peer, envelope: Envelope }>} */
export async function sealFor(peer, registration, message, now) {
  settled(peer);
  const session = sendable(peer, now);
  if (!session) throw new Refusal("no_session");
  const sealed = await sealIn(session, message);
  const envelope = { type: sealed.type, registration, device: 1, body: sealed.body };
  return { peer: { ...peer, active: sealed.session }, envelope };
}

/** Opens a message from the peer (§8.3). What opened it is the active session. @param {Peer} peer @param {Account} own @param {Envelope} envelope @param {FindKeys} findKeys @param {Draw} draw @param {number} now @returns {Promise<Opened>} */
export async function openFrom(peer, own, envelope, findKeys, draw, now) {
  const message = readMessage(envelope.type, envelope.body);
  if (envelope.type === 2) return openStanding(peer, () => true, message, draw, now);
  const prefix = readPrefix(message.prefix);
  /** @type {(session: Session) => boolean} */
  const fits = (session) => answers(session, prefix.ephemeral);
  if (sessions(peer).some(fits)) return openStanding(peer, fits, message, draw, now);
  const keys = await findKeys(prefix);
  const { session, opened } = await accept(own, peer.user, prefix, keys, message, draw, now);
  const met = meetPeer(peer, prefix.identity);
  return { peer: activate(met.peer, session), opened, meeting: met.meeting, begun: prefix };
}

/** Whether a session may be begun anew after what couldn't be opened (§8.5). @param {Peer} peer @param {number} now */
export const mayReset = (peer, now) => peer.lastReset === null || now - peer.lastReset >= BETWEEN_RESETS;

/** Tries each session with the present identity that `fits`, the active one first. @param {Peer} peer @param {(session: Session) => boolean} fits @param {Message} message @param {Draw} draw @param {number} now @returns {Promise<Opened>} */
async function openStanding(peer, fits, message, draw, now) {
  /** @type {Refusal | null} */
  let refusal = null;
  for (const session of sessions(peer)) {
    if (!peer.pin || !isWith(session, present(peer.pin)) || !fits(session)) continue;
    try {
      const opened = await openIn(session, message, draw, now);
      const others = { ...peer, archived: peer.archived.filter((other) => other !== session) };
      const next =
        session === peer.active ? { ...peer, active: opened.session } : activate(others, opened.session);
      return { peer: next, opened: opened.opened, meeting: "same", begun: null };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // That one session opened it before says more than that others can't.
      if (!refusal || error.reason === "duplicate") refusal = error;
    }
  }
  throw refusal ?? new Refusal("no_session");
}

/** @param {Peer} peer */
const sessions = (peer) => (peer.active ? [peer.active, ...peer.archived] : peer.archived);

/** @param {Peer} peer @param {number} now */
function sendable({ active, pin }, now) {
  return active && pin && isWith(active, present(pin)) && maySend(active, now) ? active : null;
}

/** The pin, if the person owes no decision. @param {Peer} peer */
function settled({ pin }) {
  if (!pin) throw new Refusal("other_identity");
  if (pin.changed) throw new Refusal("identity_changed");
  return pin;
}

/** @param {Peer} peer @param {Session} session @returns {Peer} */
const activate = (peer, session) => ({ ...archive(peer), active: session });

/** @param {Peer} peer @returns {Peer} */
function archive(peer) {
  if (!peer.active) return peer;
  return { ...peer, active: null, archived: [peer.active, ...peer.archived].slice(0, MAX_ARCHIVED) };
}
