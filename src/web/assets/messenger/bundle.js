// @ts-check
// Bundles as the server hands them out (PROTOCOL.md §4).

/** @import { Bundle } from "../crypto/x3dh.js" */
/** @import { Api } from "../net/api.js" */
import { fromBase64, isUuid } from "../crypto/bytes.js";
import { checkIdentity } from "../crypto/identity_key.js";
import { Refusal } from "../crypto/refusal.js";

/** Uses up one of their one-time prekeys. @param {Api} api @param {string} who user id or hash of a handle @returns {Promise<Bundle>} */
export async function fetchBundle(api, who) {
  const found = await api.asMember("GET", `/keys/${who}`);
  const { one_time_prekey: oneTime } = found;
  if (!isUuid(found.user_id) || (isUuid(who) && found.user_id !== who)) throw new Refusal("malformed", "a bundle");
  const bundle = {
    user: found.user_id,
    identity: fromBase64(found.identity_key),
    signedPrekey: fromBase64(found.signed_prekey),
    signature: fromBase64(found.prekey_signature),
    oneTime: oneTime && { id: oneTime.key_id, public: fromBase64(oneTime.public_key) },
  };
  checkIdentity(bundle.identity);
  return bundle;
}
