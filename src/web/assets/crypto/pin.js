// @ts-check
// The pin: which identity key a peer has, and what happens when another turns up (E2EE.md §9.1).
// While `changed` is set nothing is sent; messages from the new identity open, under a warning.

/** @import { Bytes } from "./bytes.js" */
import { equal } from "./bytes.js";
import { Refusal } from "./refusal.js";

/**
 * @typedef {object} Pin never changed: each step gives the next one
 * @property {Bytes} pinned
 * @property {boolean} verified whether the person compared the pinned key
 * @property {Bytes | null} changed another key that the person hasn't decided on
 */
/** @typedef {"first" | "same" | "changed"} Meeting what meeting a key means */

/** The key that sessions are made with. @param {Pin} pin */
export const present = (pin) => pin.changed ?? pin.pinned;

/** @param {Pin | null} pin @param {Bytes} key @returns {{ pin: Pin, meeting: Meeting }} */
export function meet(pin, key) {
  if (!pin) return { pin: { pinned: key, verified: false, changed: null }, meeting: "first" };
  if (equal(present(pin), key)) return { pin, meeting: "same" };
  return { pin: { ...pin, changed: key }, meeting: "changed" };
}

/** The person takes the new key as it is: not enough where the old one had been verified. @param {Pin} pin @returns {Pin} */
export function confirm(pin) {
  if (pin.changed && pin.verified) throw new Refusal("identity_changed", "the safety number to be verified again");
  return { ...pin, pinned: present(pin), changed: null };
}

/** The person compared the number made with `key`, which must be the present one. @param {Pin} pin @param {Bytes} key @returns {Pin} */
export function markVerified(pin, key) {
  if (!equal(present(pin), key)) throw new Refusal("other_identity");
  return { pinned: key, verified: true, changed: null };
}

/** The person keeps to the key before the one that turned up. @param {Pin} pin @returns {Pin} */
export const keepPinned = (pin) => ({ ...pin, changed: null });

/** The person takes the mark away, and the present key as it is. @param {Pin} pin @returns {Pin} */
export const unmark = (pin) => ({ pinned: present(pin), verified: false, changed: null });
