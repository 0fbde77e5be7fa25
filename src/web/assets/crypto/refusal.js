// @ts-check

/**
 * What was refused, and why; nothing changed. `malformed`, `replayed` and `duplicate` are dropped
 * silently; whatever else keeps a message from opening leaves a placeholder (E2EE.md §8.5).
 *
 * @typedef {"malformed" | "replayed" | "duplicate" | "identity" | "signature" | "agreement" | "tag"
 *   | "unknown_prekey" | "no_session" | "too_far_ahead" | "too_long" | "identity_changed"
 *   | "other_identity" | "chain_exhausted" | "sdp" | "other_safety_number" | "recovery_code"} Reason
 */

export class Refusal extends Error {
  /** @param {Reason} reason @param {string} [expected] */
  constructor(reason, expected) {
    super(expected ? `${reason}: expected ${expected}` : reason);
    this.name = "Refusal";
    this.reason = reason;
  }

  /** Whether a message refused so leaves nothing behind. */
  get isSilent() {
    return ["malformed", "replayed", "duplicate"].includes(this.reason);
  }
}
