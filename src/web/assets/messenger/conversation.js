// @ts-check
// What is kept of a conversation, beside its messages and sessions, and how it is shown.

/** @import { Conversation, Message } from "../model.js" */
/** @import { Pin } from "../crypto/pin.js" */

/**
 * @typedef {object} Kept
 * @property {string} peer
 * @property {string | null} handle looked up, so that the server knows them by it
 * @property {string | null} note what the person calls them
 * @property {"allowed" | "request" | "blocked"} standing
 * @property {"unverified" | "verified" | "changed"} identity
 * @property {boolean} wasVerified
 * @property {number} unread
 * @property {Message | null} last
 * @property {number} active ms of what happened last; the order of conversations
 * @property {number} next where the next message will stand
 * @property {boolean} directCalls
 * @property {string[]} pending messages of mine that aren't sealed yet, oldest first
 * @property {string[]} delivered messages whose arrival the peer isn't told yet
 * @property {string[]} read messages whose reading the peer isn't told yet
 * @property {string[]} unreadIds messages that came and weren't read
 * @property {boolean} resetDue whether a session is to be begun anew, with a word of it (E2EE.md §8.5)
 * @property {"allowed" | "blocked" | null} told what the server was told of them
 * @property {boolean} hidden removed here; it comes back with the next message
 * @property {number} at when it began, ms
 */

const OWED = 1000; // receipts of one kind that are kept
const UNALLOWED = 50; // messages that are kept of somebody who isn't allowed

/** @param {string} peer @param {number} now @returns {Kept} */
export const newConversation = (peer, now) => ({
  peer,
  handle: null,
  note: null,
  standing: "request",
  identity: "unverified",
  wasVerified: false,
  unread: 0,
  last: null,
  active: now,
  next: 0,
  directCalls: false,
  pending: [],
  delivered: [],
  read: [],
  unreadIds: [],
  resetDue: false,
  told: null,
  hidden: true,
  at: now,
});

/** @param {Kept} kept @returns {string} */
export const titleOf = ({ note, handle, peer }) => note ?? handle ?? peer.slice(0, 8);

/** @param {Kept} kept @param {boolean | null} online @returns {Conversation} */
export const shown = (kept, online) => ({
  id: kept.peer,
  title: titleOf(kept),
  handle: kept.handle,
  standing: kept.standing,
  identity: kept.identity,
  wasVerified: kept.wasVerified,
  unread: kept.unread,
  last: kept.last,
  online,
  directCalls: kept.directCalls,
});

/** Whether somebody who isn't allowed has said as much as is kept of them. @param {Kept} kept */
export const isFull = ({ standing, unread }) => standing === "request" && unread >= UNALLOWED;

/** Takes over what the pin says. @param {Kept} kept @param {Pin | null} pin */
export function notePin(kept, pin) {
  kept.identity = pin?.changed ? "changed" : pin?.verified ? "verified" : "unverified";
  kept.wasVerified = Boolean(pin?.changed && pin.verified);
  if (kept.identity !== "verified") kept.directCalls = false;
}

/** @param {string[]} owed @param {string[]} ids @returns {string[]} */
export const owing = (owed, ids) => [...owed, ...ids.filter((id) => !owed.includes(id))].slice(-OWED);
