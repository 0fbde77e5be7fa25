// @ts-check
// What is on its way out. A message is sealed once, and stored with the ratchet that sealed it; what
// goes to the server are those bytes, however often that takes (E2EE.md §8.4).

/** @import { Bundle } from "../crypto/x3dh.js" */
/** @import { Says } from "../crypto/content.js" */
/** @import { Outgoing } from "../store/store.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Entry, Exchange } from "./people.js" */
import { needsBundle, sealFor } from "../crypto/peer.js";
import { writeContent } from "../crypto/content.js";
import { writePayload } from "../crypto/envelope.js";
import { Refusal } from "../crypto/refusal.js";
import { isPassing, isTrouble, Trouble } from "../net/trouble.js";
import { beginSession, fetchBundle } from "./bundle.js";

/** @typedef {{ peer: string, payload: string, message: string | null, accepted: number | null }} Sealed `message`: the own message in it */

const WINDOW = 30; // messages on their way at once
const TOGETHER = 20; // sealed in one transaction
const RETRY = 15_000; // milliseconds, where the server didn't say
const KEPT = 7 * 24 * 3600_000; // how long what was accepted is kept, should the server lose it

export class Outbox {
  #parts;
  /** @type {Map<string, Outgoing>} */
  #rows = new Map();
  /** @type {Set<string>} */
  #flying = new Set();
  /** @type {Map<string, Promise<void>>} */
  #sealing = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  #notBefore = 0;
  /** @type {Set<string>} peers whose queue is full */
  #full = new Set();

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  async load() {
    const { store, clock } = this.#parts;
    const batch = store.batch();
    for (const row of await store.outgoing()) {
      const { accepted } = row.value;
      if (accepted !== null && clock.now() - accepted > KEPT) batch.removeOutgoing(row.order);
      else this.#rows.set(row.id, row);
    }
    await batch.commit();
  }

  stop() {
    clearTimeout(this.#later);
  }

  /** The socket stands anew: everything that wasn't accepted goes again. */
  restart() {
    this.#flying.clear();
    this.#full.clear();
    this.flush();
    for (const { peer } of this.#parts.people.all()) this.seal(peer);
  }

  /** The server was put back to an earlier state, and may have lost what it had accepted. */
  async sendAgain() {
    const { store } = this.#parts;
    const batch = store.batch();
    for (const row of this.#rows.values()) {
      row.value = { ...row.value, accepted: null };
      batch.outgoing(row.id, row.value, row.order);
    }
    await batch.commit();
  }

  /** Seals what waits for this peer, and sends it. @param {string} peer @returns {Promise<void>} */
  seal(peer) {
    const running = this.#sealing.get(peer) ?? Promise.resolve();
    const next = running.then(() => this.#sealAll(peer)).catch((error) => this.#failed(peer, error));
    this.#sealing.set(peer, next);
    next.finally(() => this.#sealing.get(peer) === next && this.#sealing.delete(peer));
    return next;
  }

  /** Sends what may go now. */
  flush() {
    const { line } = this.#parts;
    if (line.state !== "open" || performance.now() < this.#notBefore) return;
    for (const row of this.#rows.values()) {
      if (this.#flying.size >= WINDOW) return;
      const { accepted, peer, payload } = row.value;
      if (accepted !== null || this.#flying.has(row.id) || this.#full.has(peer)) continue;
      if (!line.send({ type: "encrypted_message", id: row.id, recipient_id: peer, payload })) return;
      this.#flying.add(row.id);
    }
  }

  /** @param {string} id */
  async accepted(id) {
    this.#flying.delete(id);
    const row = this.#rows.get(id);
    if (!row) return this.flush();
    const { people, clock } = this.#parts;
    const { peer, message } = row.value;
    if (message) row.value = { ...row.value, accepted: clock.now() };
    else this.#rows.delete(id);
    this.flush();
    await people.change(peer, async (entry) => {
      // It arrived meanwhile, and is settled.
      const isKept = message && this.#rows.has(id);
      if (isKept) entry.batch.outgoing(id, row.value, row.order);
      else entry.batch.removeOutgoing(row.order);
      if (message) await people.progress(entry, message, "sent");
    });
  }

  /** A message arrived: it needn't be kept any more. @param {Entry} entry @param {string} message */
  settle(entry, message) {
    for (const { id, order, value } of this.#rows.values()) {
      if (value.message !== message || value.peer !== entry.kept.peer) continue;
      this.#rows.delete(id);
      this.#flying.delete(id);
      entry.batch.removeOutgoing(order);
    }
  }

  /** The server refuses a message. @param {string} id @param {string} code @param {number} [retryAfter] seconds */
  async refused(id, code, retryAfter) {
    const row = this.#rows.get(id);
    this.#flying.delete(id);
    if (!row) return;
    if (isPassing(new Trouble(code))) {
      const wait = this.#wait(retryAfter);
      // Others can still be written to.
      if (code === "queue_full") this.#full.add(row.value.peer);
      else this.#notBefore = performance.now() + wait;
      return this.flush();
    }
    this.#rows.delete(id);
    const { people } = this.#parts;
    await people.change(row.value.peer, async (entry) => {
      entry.batch.removeOutgoing(row.order);
      if (row.value.message) await people.progress(entry, row.value.message, "failed");
    });
  }

  /** Seals one thing that isn't kept: it goes now or not at all. @param {string} peer @param {Says} says @returns {Promise<string>} the payload */
  async sealOnce(peer, says) {
    const bundle = await this.#bundleIfNeeded(peer);
    return this.#parts.people.exchange(peer, async (entry) => {
      if (bundle) await beginSession(this.#parts, entry, bundle);
      return this.#sealed(entry, crypto.randomUUID(), says);
    });
  }

  /** @param {string} peer */
  async #sealAll(peer) {
    for (;;) {
      if (!this.#hasWork(peer)) return;
      const bundle = await this.#bundleIfNeeded(peer);
      const rows = await this.#parts.people.exchange(peer, (entry) => this.#sealSome(entry, bundle));
      // They have their order only now that they are stored.
      if (rows.length) await this.#adopt(rows);
      this.flush();
      if (!rows.length) return;
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
      entry.batch.outgoing(id, { peer: kept.peer, payload, message, accepted: null });
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

  /** @param {string[]} ids */
  async #adopt(ids) {
    for (const row of await this.#parts.store.outgoingOf(ids)) this.#rows.set(row.id, row);
  }

  /** @param {string} peer @param {unknown} error */
  async #failed(peer, error) {
    if (isPassing(error)) {
      this.#wait(/** @type {Trouble} */ (error).retryAfter);
      return;
    }
    const isLost = isTrouble(error, "user_not_found") || error instanceof Refusal;
    if (!isLost) return void this.#wait(undefined);
    const { people } = this.#parts;
    await people.change(peer, async (entry) => {
      const ids = entry.kept.pending;
      Object.assign(entry.kept, { pending: [], delivered: [], read: [], resetDue: false });
      for (const id of ids) await people.progress(entry, id, "failed");
    });
  }

  /** @param {number | undefined} seconds @returns {number} milliseconds */
  #wait(seconds) {
    const wait = seconds === undefined ? RETRY : seconds * 1000;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.#notBefore = 0;
      this.#full.clear();
      this.flush();
      for (const { peer } of this.#parts.people.all()) this.seal(peer);
    }, wait);
    return wait;
  }
}
