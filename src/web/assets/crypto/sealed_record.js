// @ts-check
// Records on the disk (E2EE.md §10.1, §10.2): sealed under a key that can't be read out, and bound
// to their names.

/** @import { Bytes } from "./bytes.js" */
import { concat, random, utf8 } from "./bytes.js";
import { open, seal } from "./primitives.js";
import { Refusal } from "./refusal.js";

const NONCE = 12;
const TAG = 16;

/** @returns {Promise<CryptoKey>} */
export const newStoreKey = () =>
  crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);

/** @param {CryptoKey} key @param {string} name @param {Bytes} data @param {Bytes} [nonce] @returns {Promise<Bytes>} */
export async function sealRecord(key, name, data, nonce = random(NONCE)) {
  return concat(Uint8Array.of(1), nonce, await seal(key, nonce, data, label(name)));
}

/** @param {CryptoKey} key @param {string} name @param {Bytes} blob @returns {Promise<Bytes>} */
export async function openRecord(key, name, blob) {
  if (blob.length < 1 + NONCE + TAG || blob[0] !== 1) throw new Refusal("malformed", "a sealed record");
  return open(key, blob.slice(1, 1 + NONCE), blob.slice(1 + NONCE), label(name));
}

/** @param {string} name */
const label = (name) => utf8(`PrivComm_Store_v1\n${name}`);
