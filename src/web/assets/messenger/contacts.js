// @ts-check
// Whom one writes with: found by handle, allowed or blocked, here and at the server.

/** @import { Outbox } from "./outbox.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Kept } from "./conversation.js" */
import { fromBase64, isUuid } from "../crypto/bytes.js";
import { hashHandle } from "../crypto/handle.js";
import { needsBundle } from "../crypto/peer.js";
import { Refusal } from "../crypto/refusal.js";
import { isPassing, isTrouble, Trouble } from "../net/trouble.js";
import { beginSession, fetchBundle, meetOwner } from "./bundle.js";
import { checkedHandle, maySeemAnother, readContact } from "./links.js";

export class Contacts extends EventTarget {
  #parts;
  #outbox;
  /** @type {string | null} */
  #salt = null;
  /** @type {Set<string>} */
  #lookedUp = new Set();

  /** @param {Parts} parts @param {Outbox} outbox */
  constructor(parts, outbox) {
    super();
    this.#parts = parts;
    this.#outbox = outbox;
  }

  /** @param {string} who a handle, link or QR code's text @returns {Promise<string>} their id */
  async add(who) {
    const { people, own, clock, origins } = this.#parts;
    const named = readContact(who, [origins.server, origins.page]);
    if (named === own.record.handle || named === own.record.user) throw new Trouble("user_not_found", "That is you.");
    const known = people.all().find(({ peer, handle }) => handle === named || peer === named);
    if (known) {
      await this.#stand(known.peer, known.standing === "blocked" ? "blocked" : "allowed");
      return known.peer;
    }
    const bundle = await this.#find(named);
    await people.exchange(bundle.user, async (entry) => {
      if (needsBundle(entry.peer, clock.now())) await beginSession(this.#parts, entry, bundle);
      else meetOwner(this.#parts, entry, bundle);
      Object.assign(entry.kept, { hidden: false, active: clock.now(), standing: "allowed" });
      if (!isUuid(named)) entry.kept.handle = named;
    });
    this.synchronize();
    return bundle.user;
  }

  /** @param {string} peer */
  allow(peer) {
    return this.#stand(peer, "allowed");
  }

  /** @param {string} peer */
  block(peer) {
    return this.#stand(peer, "blocked");
  }

  /** @param {string} peer */
  unblock(peer) {
    return this.#stand(peer, "request");
  }

  /** Looks up what a stranger says to be called; the server must know them by it. @param {string} peer @param {string} claimed */
  async lookUp(peer, claimed) {
    const { people } = this.#parts;
    // Each look-up costs them a one-time prekey.
    if (this.#lookedUp.has(peer)) return;
    this.#lookedUp.add(peer);
    try {
      const handle = checkedHandle(claimed);
      if (maySeemAnother(handle)) return;
      const { user } = await this.#find(handle);
      if (user === peer) await people.change(peer, ({ kept }) => void (kept.handle = handle));
    } catch (error) {
      if (isPassing(error)) this.#lookedUp.delete(peer);
      else if (!(error instanceof Trouble) && !(error instanceof Refusal)) throw error;
    }
  }

  /** Tells the server what it wasn't told yet. */
  async synchronize() {
    const { api, people, own, store } = this.#parts;
    try {
      if (own.record.fresh) {
        await this.#fetch();
        own.record.fresh = false;
        const batch = store.batch();
        batch.record("account", own.record);
        await batch.commit();
      }
      for (const kept of people.all()) {
        const wanted = wantedOf(kept);
        if (wanted === kept.told) continue;
        const path = `/contacts/${kept.peer}`;
        const told = wanted ? api.asMember("PUT", path, { state: wanted }) : api.asMember("DELETE", path);
        await told.catch((error) => {
          if (!isTrouble(error, "user_not_found")) throw error;
        });
        await people.change(kept.peer, (entry) => void (entry.kept.told = wanted));
      }
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
    }
  }

  /** The server may have forgotten what it was told. */
  async tellAgain() {
    for (const { peer } of this.#parts.people.all()) {
      await this.#parts.people.change(peer, ({ kept }) => void (kept.told = null));
    }
  }

  async #fetch() {
    const { api, people } = this.#parts;
    const { contacts } = await api.asMember("GET", "/contacts");
    for (const { user_id: peer, state } of contacts) {
      if (!isUuid(peer) || people.get(peer)?.told) continue;
      await people.change(peer, ({ kept }) => void Object.assign(kept, { standing: state, told: state, hidden: false }));
    }
  }

  /** @param {string} named a handle or an id */
  async #find(named) {
    const { api } = this.#parts;
    if (isUuid(named)) return fetchBundle(api, named);
    this.#salt ??= /** @type {string} */ ((await api.ask("GET", "/server")).handle_salt);
    return fetchBundle(api, await hashHandle(named, fromBase64(this.#salt)));
  }

  /** @param {string} peer @param {Kept["standing"]} standing */
  async #stand(peer, standing) {
    await this.#parts.people.change(peer, ({ kept }) => void Object.assign(kept, { standing, hidden: false }));
    this.#outbox.seal(peer);
    this.synchronize();
  }
}

/** @param {Kept} kept */
const wantedOf = ({ standing }) => (standing === "request" ? null : standing);
