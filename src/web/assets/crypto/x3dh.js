// @ts-check
// First contact (E2EE.md §4): what both sides come to, and what it is bound to.

/** @import { Bytes } from "./bytes.js" */
/** @import { Identity } from "./identity.js" */
/** @import { Pair } from "./agreement.js" */
/** @import { Prefix } from "./message.js" */
import { concat, readU32, uuidBytes, wipe } from "./bytes.js";
import { agree } from "./agreement.js";
import { montgomery, verify } from "./identity_key.js";
import { hkdf, sha256 } from "./primitives.js";
import { Refusal } from "./refusal.js";

/** @typedef {{ identity: Identity, user: string }} Account whose keys and id these are */
/** @typedef {{ secret: Bytes, associated: Bytes }} Agreed */
/**
 * @typedef {object} Bundle
 * @property {string} user
 * @property {Bytes} identity
 * @property {Bytes} signedPrekey
 * @property {Bytes} signature
 * @property {{ id: number, public: Bytes } | null} oneTime
 */

/** The number of a signed prekey. @param {Bytes} prekey */
export async function prekeyNumber(prekey) {
  return readU32(await sha256(prekey), 0) & 0x7fffffff;
}

/** Alice's side. @param {Account} own @param {Bundle} bundle @param {Pair} ephemeral @returns {Promise<Agreed & { prefix: Prefix }>} */
export async function initiateAgreement(own, bundle, ephemeral) {
  if (!(await verify(bundle.identity, bundle.signature, bundle.signedPrekey))) throw new Refusal("signature");
  const { identity } = own;
  const shared = [
    await agree(identity.agree, bundle.signedPrekey),
    await agree(ephemeral.secret, montgomery(bundle.identity)),
    await agree(ephemeral.secret, bundle.signedPrekey),
  ];
  if (bundle.oneTime) shared.push(await agree(ephemeral.secret, bundle.oneTime.public));
  const prefix = {
    identity: identity.public,
    ephemeral: ephemeral.public,
    signed: await prekeyNumber(bundle.signedPrekey),
    oneTime: bundle.oneTime?.id ?? null,
  };
  const associated = bindTo([identity.public, own.user], [bundle.identity, bundle.user]);
  return { secret: await combine(shared), associated, prefix };
}

/** Bob's side. @param {Account} own @param {string} peer @param {Prefix} prefix @param {CryptoKey} signed @param {CryptoKey | null} oneTime @returns {Promise<Agreed>} */
export async function respondAgreement(own, peer, prefix, signed, oneTime) {
  const { identity } = own;
  const shared = [
    await agree(signed, montgomery(prefix.identity)),
    await agree(identity.agree, prefix.ephemeral),
    await agree(signed, prefix.ephemeral),
  ];
  if (oneTime) shared.push(await agree(oneTime, prefix.ephemeral));
  const associated = bindTo([prefix.identity, peer], [identity.public, own.user]);
  return { secret: await combine(shared), associated };
}

/** @param {Bytes[]} shared */
async function combine(shared) {
  const material = concat(new Uint8Array(32).fill(0xff), ...shared);
  const secret = await hkdf(null, material, "PrivComm_X3DH_v1", 32);
  for (const spent of [material, ...shared]) wipe(spent);
  return secret;
}

/** @typedef {[identity: Bytes, user: string]} Party */

/** `AD`, the initiator first. @param {Party} initiator @param {Party} responder */
const bindTo = (initiator, responder) =>
  concat(Uint8Array.of(1), initiator[0], responder[0], uuidBytes(initiator[1]), uuidBytes(responder[1]));
