// @ts-check
// The ratchet's key derivations (E2EE.md §5).

/** @import { Bytes } from "./bytes.js" */
import { aesKey, hkdf, hmac } from "./primitives.js";

/** `KDF_RK`. @param {Bytes} root @param {Bytes} agreed */
export async function advanceRoot(root, agreed) {
  const out = await hkdf(root, agreed, "PrivComm_Ratchet_v1", 64);
  return { root: out.slice(0, 32), chain: out.slice(32) };
}

/** `KDF_CK`. @param {Bytes} chain */
export async function advanceChain(chain) {
  const [message, next] = await Promise.all([hmac(chain, Uint8Array.of(1)), hmac(chain, Uint8Array.of(2))]);
  return { message, chain: next };
}

/** `KDF_MSG`. @param {Bytes} message @returns {Promise<{ key: CryptoKey, nonce: Bytes }>} */
export async function messageKey(message) {
  const out = await hkdf(null, message, "PrivComm_Message_v1", 44);
  return { key: await aesKey(out.slice(0, 32)), nonce: out.slice(32) };
}
