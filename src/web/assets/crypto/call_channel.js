// @ts-check
// Call signaling that the server can't read or change (E2EE.md §11). The offer is an ordinary
// message that carries a secret; everything after it is sealed under keys derived from that.

/** @import { Bytes } from "./bytes.js" */
import { concat, fromBase64, text, toBase64, u64, utf8, uuidBytes } from "./bytes.js";
import { pad, unpad } from "./padding.js";
import { aesKey, hkdf, open, seal } from "./primitives.js";
import { Refusal } from "./refusal.js";

/** @typedef {"answer" | "offer" | "ice"} Action */

const COUNTER = 8;
const WINDOW = 64;
const TAG = 16;

/** The two keys of a call. @param {string} callId @param {Bytes} secret */
export async function callKeys(callId, secret) {
  const both = await hkdf(uuidBytes(callId), secret, "PrivComm_Call_v1", 64);
  return { caller: both.slice(0, 32), callee: both.slice(32) };
}

/** One side of a call's signaling. */
export class CallChannel {
  #sending;
  #receiving;
  #next = 0;
  #seen = /** @type {Set<number>} */ (new Set());
  #highest = -1;

  /** @param {CryptoKey} sending @param {CryptoKey} receiving */
  constructor(sending, receiving) {
    this.#sending = sending;
    this.#receiving = receiving;
  }

  /** @param {"caller" | "callee"} role @param {string} callId @param {Bytes} secret */
  static async of(role, callId, secret) {
    const keys = await callKeys(callId, secret);
    const [sending, receiving] = role === "caller" ? [keys.caller, keys.callee] : [keys.callee, keys.caller];
    return new CallChannel(await aesKey(sending), await aesKey(receiving));
  }

  /** @param {Action} action @param {string} data @returns {Promise<string>} */
  async seal(action, data) {
    const counter = this.#next;
    this.#next += 1;
    return toBase64(await sealCall(this.#sending, counter, action, utf8(data)));
  }

  /** What the peer sealed; a refusal leaves the channel as it was. @param {Action} action @param {unknown} sealed @returns {Promise<string>} */
  async open(action, sealed) {
    if (typeof sealed !== "string" || sealed.startsWith("v=")) throw new Refusal("sdp", "a sealed one");
    const message = fromBase64(sealed);
    if (message.length < COUNTER + TAG) throw new Refusal("malformed", "a sealed call message");
    const counter = Number(new DataView(message.buffer).getBigUint64(0));
    if (!Number.isSafeInteger(counter)) throw new Refusal("malformed", "a counter");
    this.#refuseRepeat(counter);
    const padded = await open(this.#receiving, nonce(counter), message.slice(COUNTER), label(action));
    this.#refuseRepeat(counter);
    this.#note(counter);
    return text(unpad(padded));
  }

  /** @param {number} counter */
  #refuseRepeat(counter) {
    if (counter <= this.#highest - WINDOW || this.#seen.has(counter)) throw new Refusal("replayed");
  }

  /** @param {number} counter */
  #note(counter) {
    this.#seen.add(counter);
    this.#highest = Math.max(this.#highest, counter);
    for (const old of this.#seen) if (old <= this.#highest - WINDOW) this.#seen.delete(old);
  }
}

/** @param {CryptoKey} key @param {number} counter @param {Action} action @param {Bytes} data */
export async function sealCall(key, counter, action, data) {
  return concat(u64(counter), await seal(key, nonce(counter), pad(data), label(action)));
}

/** Refuses a description in the clear, and one whose fingerprints aren't SHA-256, or that has none. @param {string} sdp an opened one */
export function checkFingerprints(sdp) {
  const names = Array.from(sdp.matchAll(/^\s*a=fingerprint:(\S*)/gm), ([, name]) => name.toLowerCase());
  if (names.length === 0 || names.some((name) => name !== "sha-256")) {
    throw new Refusal("sdp", "fingerprints of SHA-256");
  }
}

/** @param {number} counter */
const nonce = (counter) => concat(new Uint8Array(4), u64(counter));

/** @param {Action} action */
const label = (action) => utf8(`PrivComm_CallMsg_v1\n${action}`);
