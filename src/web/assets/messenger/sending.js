// @ts-check
// Payloads on their way to the server, each until it is accepted; those with a message of the
// person's own, until it arrived: a server that is put back to a backup may lose what it accepted.

/** @import { Outgoing } from "../store/store.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Entry } from "./people.js" */
import { isPassing, Trouble } from "../net/trouble.js";

/** @typedef {{ peer: string, payload: string, message: string | null, accepted: number | null }} Sealed `message`: the own message in it; `accepted`: ms */

const WINDOW = 30; // messages on their way at once
const RETRY = 15_000; // milliseconds, where the server didn't say
const KEPT = 7 * 24 * 3600_000; // how long what was accepted is kept

export class Sending {
  #parts;
  /** @type {Map<string, Outgoing>} in the order in which they were sealed */
  #rows = new Map();
  /** @type {Set<string>} */
  #flying = new Set();
  /** @type {Set<string>} peers whose queue is full */
  #full = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  #notBefore = 0;

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
    this.#notBefore = 0;
    this.flush();
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

  /** What was stored with the ratchet that sealed it. @param {string[]} ids */
  async adopt(ids) {
    for (const row of await this.#parts.store.outgoingOf(ids)) this.#rows.set(row.id, row);
    this.flush();
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

  /** @param {number | undefined} seconds @returns {number} milliseconds */
  #wait(seconds) {
    const wait = seconds === undefined ? RETRY : seconds * 1000;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.#full.clear();
      this.#notBefore = 0;
      this.flush();
    }, wait);
    return wait;
  }
}
