// @ts-check
// X25519 key pairs and what two of them agree on (E2EE.md §2).

/** @import { Bytes } from "./bytes.js" */
import { concat, fromHex } from "./bytes.js";
import { Refusal } from "./refusal.js";

/** @typedef {{ secret: CryptoKey, public: Bytes }} Pair `secret` can't be read out */

const { subtle } = crypto;
const PKCS8 = fromHex("302e020100300506032b656e04220420");
const BASE = Uint8Array.of(9, ...new Uint8Array(31));

/** A new pair. @returns {Promise<Pair>} */
export async function newPair() {
  const made = await subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
  const pair = /** @type {CryptoKeyPair} */ (made);
  const raw = await subtle.exportKey("raw", pair.publicKey);
  return { secret: pair.privateKey, public: new Uint8Array(raw) };
}

/** The pair of a private key. @param {Bytes} raw @returns {Promise<Pair>} */
export async function pairOf(raw) {
  const secret = await importSecret(raw);
  return { secret, public: await agree(secret, BASE) };
}

/** @param {Bytes} raw @returns {Promise<CryptoKey>} */
export function importSecret(raw) {
  return subtle.importKey("pkcs8", concat(PKCS8, raw), { name: "X25519" }, false, ["deriveBits"]);
}

/** `DH`: refuses what comes out all zero. @param {CryptoKey} secret @param {Bytes} their @returns {Promise<Bytes>} */
export async function agree(secret, their) {
  let agreed;
  try {
    const key = await subtle.importKey("raw", their, { name: "X25519" }, true, []);
    agreed = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: key }, secret, 256));
  } catch {
    throw new Refusal("agreement", "an X25519 key");
  }
  if (agreed.every((byte) => byte === 0)) throw new Refusal("agreement", "an X25519 key");
  return agreed;
}
