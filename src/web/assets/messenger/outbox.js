// @ts-check
// What is to be sealed. A message is sealed once, and stored with the ratchet that sealed it; what
// goes to the server are those bytes, however often that takes (E2EE.md §8.4).

/** @import { Bundle } from "../crypto/x3dh.js" */
/** @import { Says } from "../crypto/content.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Exchange } from "./people.js" */
/** @import { Sending, Sealed } from "./sending.js" */
import { needsBundle, sealFor } from "../crypto/peer.js";
import { writeContent } from "../crypto/content.js";
import { writePayload } from "../crypto/envelope.js";
import { Refusal } from "../crypto/refusal.js";
import { isPassing, isTrouble } from "../net/trouble.js";
import { beginSession, fetchBundle } from "./bundle.js";

const TOGETHER = 20; // sealed in one transaction
const RETRY = 15_000; // milliseconds, where the server didn't say

export class Outbox {
  #parts;
  #sending;
  /** @type {Map<string, Promise<void>>} */
  #sealing = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;

  /** @param {Parts} parts @param {Sending} sending */
  constructor(parts, sending) {
    this.#parts = parts;
    this.#sending = sending;
  }

  stop() {
    clearTimeout(this.#later);
  }

  /** The socket stands anew. */
  restart() {
    for (const { peer } of this.#parts.people.all()) this.seal(peer);
  }

  /** Seals what waits for this peer, and sends it. @param {string} peer @returns {Promise<void>} */
  seal(peer) {
    const running = this.#sealing.get(peer) ?? Promise.resolve();
    const next = running.then(() => this.#sealAll(peer)).catch((error) => this.#failed(peer, error));
    this.#sealing.set(peer, next);
    next.finally(() => this.#sealing.get(peer) === next && this.#sealing.delete(peer));
    return next;
  }

  /** Seals one thing that isn't kept: it goes now or not at all. @param {string} peer @param {Says} says @returns {Promise<string>} the payload */
  async sealOnce(peer, says) {
    const bundle = await this.#bundleIfNeeded(peer);
    const payload = await this.#parts.people.exchange(peer, async (entry) => {
      if (bundle) await beginSession(this.#parts, entry, bundle);
      // That they have another key is kept, whatever becomes of this.
      return entry.peer.pin?.changed ? null : this.#sealed(entry, crypto.randomUUID(), says);
    });
    if (payload === null) throw new Refusal("identity_changed");
    return payload;
  }

  /** @param {string} peer */
  async #sealAll(peer) {
    for (;;) {
      if (!this.#hasWork(peer)) return;
      const bundle = await this.#bundleIfNeeded(peer);
      const rows = await this.#parts.people.exchange(peer, (entry) => this.#sealSome(entry, bundle));
      if (!rows.length) return;
      await this.#sending.adopt(rows);
    }
  }

  /** @param {string} peer */
  #hasWork(peer) {
    const kept = this.#parts.people.get(peer);
    if (!kept || kept.standing === "blocked" || kept.identity === "changed") return false;
    const owes = kept.standing === "allowed" && (kept.delivered.length || kept.read.length);
    return Boolean(kept.pending.length || owes || kept.resetDue);
  }

  /** @param {string} peer @returns {Promise<Bundle | null>} */
  async #bundleIfNeeded(peer) {
    const { people, api, clock } = this.#parts;
    const kept = people.get(peer);
    const isNeeded = await people.exchange(peer, (entry) => needsBundle(entry.peer, clock.now()));
    return isNeeded || kept?.resetDue ? fetchBundle(api, peer) : null;
  }

  /** @param {Exchange} entry @param {Bundle | null} bundle @returns {Promise<string[]>} */
  async #sealSome(entry, bundle) {
    const { store, clock } = this.#parts;
    const { kept } = entry;
    if (bundle) await beginSession(this.#parts, entry, bundle);
    if (entry.peer.pin?.changed) {
      for (const id of kept.pending) await this.#parts.people.progress(entry, id, "held");
      return [];
    }
    if (kept.standing === "blocked") return [];
    if (needsBundle(entry.peer, clock.now())) throw new Refusal("no_session");
    /** @type {string[]} */
    const ids = [];
    const out = async (/** @type {Says} */ says, /** @type {string | null} */ message) => {
      const payload = await this.#sealed(entry, message ?? crypto.randomUUID(), says);
      const id = crypto.randomUUID();
      /** @type {Sealed} */
      const sealed = { peer: kept.peer, payload, message, accepted: null };
      entry.batch.outgoing(id, sealed);
      ids.push(id);
    };
    if (kept.resetDue) {
      if (bundle) {
        entry.peer = { ...entry.peer, lastReset: clock.now() };
        await out({ kind: "reset" }, null);
      }
      kept.resetDue = !bundle;
    }
    if (kept.standing === "allowed") {
      for (const state of /** @type {const} */ (["delivered", "read"])) {
        if (kept[state].length) await out({ kind: "receipt", ids: kept[state], state }, null);
        kept[state] = [];
      }
    }
    for (const id of kept.pending.splice(0, TOGETHER)) {
      const message = await store.message(kept.peer, id);
      if (message) await out(this.#said(entry, message.value.text), id);
    }
    return ids;
  }

  /** @param {Exchange} entry @param {string} text @returns {Says} */
  #said(entry, text) {
    const { handle } = this.#parts.own.record;
    // Who gets a first message can't know who it is from; they look the handle up.
    return entry.peer.active?.prefix ? { kind: "text", text, handle } : { kind: "text", text };
  }

  /** @param {Exchange} entry @param {string} id @param {Says} says @returns {Promise<string>} */
  async #sealed(entry, id, says) {
    const { own, clock } = this.#parts;
    const content = writeContent({ id, ts: Math.round(clock.now()), says });
    const { peer, envelope } = await sealFor(entry.peer, own.record.registration, content, clock.now());
    entry.peer = peer;
    return writePayload(envelope);
  }

  /** @param {string} peer @param {unknown} error */
  async #failed(peer, error) {
    if (isPassing(error)) {
      this.#wait(/** @type {import("../net/trouble.js").Trouble} */ (error).retryAfter);
      return;
    }
    const isLost = isTrouble(error, "user_not_found") || error instanceof Refusal;
    if (!isLost) return this.#wait();
    const { people } = this.#parts;
    await people.change(peer, async (entry) => {
      const ids = entry.kept.pending;
      Object.assign(entry.kept, { pending: [], delivered: [], read: [], resetDue: false });
      for (const id of ids) await people.progress(entry, id, "failed");
    });
  }

  /** @param {number} [seconds] */
  #wait(seconds) {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.restart(), seconds === undefined ? RETRY : seconds * 1000);
  }
}
