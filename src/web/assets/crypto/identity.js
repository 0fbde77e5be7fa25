// @ts-check
// The own identity: one seed, two keys that can't be read out, and the only things that they sign
// (E2EE.md §3).

/** @import { Bytes } from "./bytes.js" */
import { concat, fromBase64Url, fromHex, toBase64, u32, utf8, wipe } from "./bytes.js";
import { importSecret } from "./agreement.js";
import { sha256, sha512 } from "./primitives.js";

/** @typedef {{ sign: CryptoKey, agree: CryptoKey, public: Bytes }} Identity */
/** @typedef {{ id: number, public: Bytes }} PublicPrekey */

const { subtle } = crypto;
const PKCS8 = fromHex("302e020100300506032b657004220420");

/** The identity of a seed, which is wiped. @param {Bytes} seed @returns {Promise<Identity>} */
export async function identityOf(seed) {
  const pkcs8 = concat(PKCS8, seed);
  const readable = await subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, true, ["sign"]);
  const { x } = await subtle.exportKey("jwk", readable);
  const sign = await subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
  const hash = await sha512(seed);
  const agree = await importSecret(hash.slice(0, 32));
  for (const secret of [pkcs8, hash, seed]) wipe(secret);
  return { sign, agree, public: fromBase64Url(x ?? "") };
}

/** @param {Identity} identity @param {Bytes} prekey an own X25519 public key */
export function signPrekey(identity, prekey) {
  if (prekey.length !== 32) throw new RangeError("a prekey has 32 bytes");
  return signed(identity, prekey);
}

/** @typedef {{ origin: string, handleHash: string, nonce: Bytes }} Challenge what a server asks to be answered */

/** @param {Challenge} challenge */
export const loginText = ({ origin, handleHash, nonce }) =>
  `PrivComm_Auth_v1\n${origin}\n${handleHash}\n${toBase64(nonce)}`;

/** @param {Identity} identity @param {Challenge} challenge */
export const signLogin = (identity, challenge) => signed(identity, utf8(loginText(challenge)));

/** @param {Identity} identity @param {Challenge} challenge @param {Bytes} signedPrekey @param {PublicPrekey[]} oneTime */
export async function signRegistration(identity, { origin, handleHash, nonce }, signedPrekey, oneTime) {
  const keys = concat(signedPrekey, ...oneTime.flatMap((key) => [u32(key.id), key.public]));
  const digest = toBase64(await sha256(keys));
  const text = `PrivComm_Register_v1\n${origin}\n${handleHash}\n${toBase64(nonce)}\n${digest}`;
  return signed(identity, utf8(text));
}

/** @param {Identity} identity @param {Bytes} data */
async function signed(identity, data) {
  return new Uint8Array(await subtle.sign("Ed25519", identity.sign, data));
}
