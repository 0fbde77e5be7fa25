// @ts-check
// Everybody there is a conversation with. Whatever changes one happens here, one after the other:
// read, worked out, and written in one transaction (E2EE.md §8.4).

/** @import { Batch, Store } from "../store/store.js" */
/** @import { Message } from "../model.js" */
/** @import { Peer } from "../crypto/peer.js" */
/** @import { Seen } from "../crypto/seen.js" */
/** @import { Kept } from "./conversation.js" */
/** @import { Clock } from "./clock.js" */
import { unknownPeer } from "../crypto/peer.js";
import { readPeer, writePeer } from "../crypto/peer_record.js";
import { newConversation, notePin } from "./conversation.js";

/**
 * @typedef {object} Entry what may be changed; what isn't refused is written together
 * @property {Kept} kept
 * @property {Batch} batch
 * @property {number[]} appended positions of messages that came
 * @property {number[]} removed
 * @property {boolean} moved whether messages changed
 * @property {boolean} [forget] the conversation goes, with all its messages
 */
/** @typedef {Entry & { peer: Peer, seen: Seen }} Exchange with the sessions too */

const LATEST = { delivered: 2, failed: 1, held: 0, read: 3, sent: 1, waiting: 0 };

export class People extends EventTarget {
  #store;
  #clock;
  /** @type {Map<string, Kept>} */
  #known = new Map();
  /** @type {Map<string, number[]>} */
  #positions = new Map();

  /** Dispatches `change`, and `messages` with `{ peer }`. @param {Store} store @param {Clock} clock */
  constructor(store, clock) {
    super();
    this.#store = store;
    this.#clock = clock;
  }

  async load() {
    /** @type {Kept[]} */
    const all = await this.#store.readAll("conversation/");
    this.#known = new Map(all.map((kept) => [kept.peer, kept]));
  }

  /** @returns {Kept[]} */
  all() {
    return [...this.#known.values()];
  }

  /** @param {string} peer @returns {Kept | undefined} */
  get(peer) {
    return this.#known.get(peer);
  }

  /** @template T @param {string} peer @param {(entry: Entry) => Promise<T> | T} work @returns {Promise<T>} */
  change(peer, work) {
    return this.#alone(peer, async (entry) => work(entry));
  }

  /** With the sessions. @template T @param {string} peer @param {(entry: Exchange) => Promise<T> | T} work @returns {Promise<T>} */
  exchange(peer, work) {
    return this.#alone(peer, async (entry) => {
      const [record, noted] = await Promise.all([
        this.#store.read(`session/${peer}/1`),
        this.#store.read(`seen/${peer}`),
      ]);
      const known = record ? await readPeer(record) : unknownPeer(peer);
      /** @type {Exchange} */
      const exchange = Object.assign(entry, { peer: known, seen: noted ?? [] });
      const { seen } = exchange;
      const result = await work(exchange);
      if (exchange.peer !== known) {
        entry.batch.record(`session/${peer}/1`, writePeer(exchange.peer));
        notePin(entry.kept, exchange.peer.pin);
      }
      if (exchange.seen !== seen) entry.batch.record(`seen/${peer}`, exchange.seen);
      return result;
    });
  }

  /** The messages before a position. @param {string} peer @param {number} before @param {number} limit @returns {Promise<Message[]>} */
  async messages(peer, before, limit) {
    const positions = await this.positions(peer);
    const end = firstFrom(positions, before);
    const start = Math.max(0, end - limit);
    if (start >= end) return [];
    const rows = await this.#store.messages(peer, positions[start], positions[end - 1]);
    return rows.map(({ position, value }) => ({ ...value, peer, position }));
  }

  /** @param {string} peer @returns {Promise<number[]>} */
  async positions(peer) {
    const known = this.#positions.get(peer);
    if (known) return known;
    const positions = await this.#store.positions(peer);
    // What came in between was added to nothing.
    const meanwhile = this.#positions.get(peer);
    if (meanwhile) return meanwhile;
    this.#positions.set(peer, positions);
    return positions;
  }

  /** Adds a message at the end. @param {Entry} entry @param {Omit<Message, "peer" | "position">} message */
  append(entry, message) {
    const { kept, batch } = entry;
    const position = kept.next;
    kept.next += 1;
    kept.last = { ...message, peer: kept.peer, position };
    kept.active = this.#clock.now();
    kept.hidden = false;
    batch.message(kept.peer, position, message.id, message);
    entry.appended.push(position);
    entry.moved = true;
  }

  /** Whether a message stood at an earlier state, and has moved on. @param {Entry} entry @param {string} id @param {NonNullable<Message["state"]>} state */
  async progress(entry, id, state) {
    const { kept, batch } = entry;
    const found = await this.#store.message(kept.peer, id);
    /** @type {Message["state"]} */
    const stood = found?.value.state ?? null;
    if (!found || !found.value.mine || !stood || LATEST[stood] > LATEST[state] || stood === state) return false;
    const value = { ...found.value, state };
    batch.message(kept.peer, found.position, id, value);
    if (kept.last?.id === id) kept.last = { ...kept.last, state };
    entry.moved = true;
    return true;
  }

  /** A message that failed goes again. @param {Entry} entry @param {string} id */
  async restart(entry, id) {
    const { kept, batch } = entry;
    const found = await this.#store.message(kept.peer, id);
    if (found?.value.state !== "failed") return;
    const state = kept.identity === "changed" ? "held" : "waiting";
    batch.message(kept.peer, found.position, id, { ...found.value, state });
    if (kept.last?.id === id) kept.last = { ...kept.last, state };
    kept.pending.push(id);
    entry.moved = true;
  }

  /** Takes a message away, here alone. @param {Entry} entry @param {string} id */
  async remove(entry, id) {
    const { kept, batch } = entry;
    const { peer } = kept;
    const found = await this.#store.message(peer, id);
    if (!found) return;
    batch.removeMessage(peer, found.position);
    entry.removed.push(found.position);
    entry.moved = true;
    kept.pending = kept.pending.filter((other) => other !== id);
    if (kept.unreadIds.includes(id)) kept.unread -= 1;
    kept.unreadIds = kept.unreadIds.filter((other) => other !== id);
    if (kept.last?.id === id) kept.last = (await this.messages(peer, found.position, 1))[0] ?? null;
  }

  /** Takes all messages away, and the conversation out of sight. What protects it stays. @param {Entry} entry */
  forget(entry) {
    const { kept, batch } = entry;
    batch.removeMessages(kept.peer);
    Object.assign(kept, { last: null, unread: 0, unreadIds: [], pending: [], hidden: true });
    entry.forget = entry.moved = true;
  }

  /** Forgets somebody who was removed and never decided about, with the sessions. @param {string} peer */
  async drop(peer) {
    await navigator.locks.request(`session/${peer}`, async () => {
      if (!this.#known.get(peer)?.hidden) return;
      const batch = this.#store.batch();
      for (const name of [`conversation/${peer}`, `session/${peer}/1`, `seen/${peer}`]) batch.removeRecord(name);
      batch.removeMessages(peer);
      await batch.commit();
      this.#known.delete(peer);
      this.#positions.delete(peer);
    });
  }

  /** @template T @param {string} peer @param {(entry: Entry) => Promise<T>} work @returns {Promise<T>} */
  #alone(peer, work) {
    return /** @type {Promise<T>} */ (
      navigator.locks.request(`session/${peer}`, async () => {
        const before = this.#known.get(peer) ?? newConversation(peer, this.#clock.now());
        /** @type {Entry} */
        const entry = {
          kept: structuredClone(before),
          batch: this.#store.batch(),
          appended: [],
          removed: [],
          moved: false,
        };
        const result = await work(entry);
        await this.#keep(entry, before);
        return result;
      })
    );
  }

  /** @param {Entry} entry @param {Kept} before */
  async #keep({ kept, batch, appended, removed, moved, forget }, before) {
    const { peer } = kept;
    const isChanged = JSON.stringify(kept) !== JSON.stringify(before);
    if (isChanged) batch.record(`conversation/${peer}`, kept);
    await batch.commit();
    if (isChanged) this.#known.set(peer, kept);
    const positions = this.#positions.get(peer);
    if (forget) this.#positions.delete(peer);
    else if (positions) {
      positions.push(...appended);
      for (const position of removed) positions.splice(positions.indexOf(position), 1);
    }
    if (moved) this.dispatchEvent(new CustomEvent("messages", { detail: { peer } }));
    if (isChanged) this.dispatchEvent(new Event("change"));
  }
}

/** Where the first position from `position` on is. @param {number[]} positions @param {number} position */
function firstFrom(positions, position) {
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle] < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
