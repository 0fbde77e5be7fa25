// @ts-check
// The symmetric primitives of E2EE.md §2, by WebCrypto.

/** @import { Bytes } from "./bytes.js" */
import { utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";

const { subtle } = crypto;
const ZEROS = new Uint8Array(32);

/** @type {(data: Bytes) => Promise<Bytes>} */
export const sha256 = async (data) => new Uint8Array(await subtle.digest("SHA-256", data));

/** @type {(data: Bytes) => Promise<Bytes>} */
export const sha512 = async (data) => new Uint8Array(await subtle.digest("SHA-512", data));

/** @type {(key: Bytes, data: Bytes) => Promise<Bytes>} */
export async function hmac(key, data) {
  const imported = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, data));
}

/** `salt` null is 32 zero bytes. @type {(salt: Bytes | null, secret: Bytes, info: string, length: number) => Promise<Bytes>} */
export async function hkdf(salt, secret, info, length) {
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: salt ?? ZEROS, info: utf8(info) };
  return new Uint8Array(await subtle.deriveBits(how, key, length * 8));
}

/** @type {(secret: Bytes, salt: Bytes, rounds: number) => Promise<Bytes>} 32 bytes */
export async function pbkdf2(secret, salt, rounds) {
  const key = await subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds };
  return new Uint8Array(await subtle.deriveBits(how, key, 256));
}

/** @type {(key: Bytes) => Promise<CryptoKey>} */
export const aesKey = (key) => subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);

/** @type {(key: CryptoKey, nonce: Bytes, data: Bytes, associated: Bytes) => Promise<Bytes>} */
export async function seal(key, nonce, data, associated) {
  const how = { name: "AES-GCM", iv: nonce, additionalData: associated };
  return new Uint8Array(await subtle.encrypt(how, key, data));
}

/** @type {(key: CryptoKey, nonce: Bytes, sealed: Bytes, associated: Bytes) => Promise<Bytes>} */
export async function open(key, nonce, sealed, associated) {
  const how = { name: "AES-GCM", iv: nonce, additionalData: associated };
  try {
    return new Uint8Array(await subtle.decrypt(how, key, sealed));
  } catch {
    throw new Refusal("tag");
  }
}
