// @ts-check
// Prekeys at the server (E2EE.md §12): new ones where they run low, all anew where the server holds
// others than were given to it.

/** @import { Parts } from "./parts.js" */
/** @import { PublicPrekey } from "../crypto/identity.js" */
/** @import { Pair } from "../crypto/agreement.js" */
import { toBase64 } from "../crypto/bytes.js";
import { signPrekey } from "../crypto/identity.js";
import { Prekeys } from "./prekeys.js";

const LOW = 20;
const HOUR = 3600_000;

/** Dispatches `replaced` where the server has another identity key for this account. */
export class Upkeep extends EventTarget {
  #parts;
  #asked = -Infinity;

  /** @param {Parts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
  }

  /** Once an hour at most, unless it is said to be needed. @param {boolean} isNeeded */
  async check(isNeeded) {
    const now = performance.now();
    if (!isNeeded && now - this.#asked < HOUR) return;
    this.#asked = now;
    await Prekeys.alone(this.#parts.store, (prekeys) => this.#check(prekeys));
  }

  /** @param {Prekeys} prekeys */
  async #check(prekeys) {
    const { api, store, clock, own } = this.#parts;
    const now = clock.now();
    const identity = toBase64(own.account.identity.public);
    const known = await api.asMember("GET", "/account");
    if (known.identity_key !== identity) return void this.dispatchEvent(new Event("replaced"));
    if (prekeys.isRotationDue(now)) {
      const batch = store.batch();
      const pair = await prekeys.rotate(batch, now);
      await batch.commit();
      await this.#upload(pair, []);
    }
    const held = await api.asMember("GET", "/keys/count");
    const isSame = held.digest === (await prekeys.digest(own.account.identity.public, held.count));
    if (!isSame) return this.#anew(prekeys, now);
    const batch = store.batch();
    prekeys.forgetUnused(batch, now, held.count);
    const more = held.count < LOW ? await prekeys.more(batch, now) : [];
    await batch.commit();
    if (more.length) await this.#upload(null, more);
  }

  // The server holds what was used or isn't ours: a backup was put back, or an upload got lost.
  /** @param {Prekeys} prekeys @param {number} now */
  async #anew(prekeys, now) {
    const batch = this.#parts.store.batch();
    const more = await prekeys.more(batch, now);
    await batch.commit();
    await this.#upload(await prekeys.signed(), more, true);
  }

  /** @param {Pair | null} signed @param {PublicPrekey[]} oneTime @param {boolean} [replace] whether what the server held goes */
  async #upload(signed, oneTime, replace = false) {
    const { api, own } = this.#parts;
    await api.asMember("PUT", "/keys", {
      ...(signed && {
        signed_prekey: toBase64(signed.public),
        prekey_signature: toBase64(await signPrekey(own.account.identity, signed.public)),
      }),
      one_time_prekeys: oneTime.map(wirePrekey),
      ...(replace && { replace }),
    });
  }
}

/** @param {PublicPrekey} prekey */
export const wirePrekey = ({ id, public: key }) => ({ key_id: id, public_key: toBase64(key) });
