// @ts-check
// Who wrote first and isn't decided about. Nobody fills a device by writing under ever new names:
// so many requests are open at once, and what more strangers write isn't kept.

/** @import { Parts } from "./parts.js" */

const OPEN = 100; // requests at once
const REMOVED = 100; // removed by the person: of more the oldest are forgotten wholly, with their sessions
const KEPT_OUT = "kept_out";

/** Dispatches `change` when `keptOut` did. */
export class Requests extends EventTarget {
  /** How many messages weren't kept since there was room for the last stranger. */
  keptOut = 0;
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
  }

  async load() {
    this.keptOut = (await this.#parts.store.read(KEPT_OUT)) ?? 0;
  }

  /** Whether what this peer writes is kept. @param {string} peer @param {Iterable<string>} arriving peers of whom something is being stored */
  admits(peer, arriving) {
    if (!this.#isStranger(peer)) return true;
    const coming = [...arriving].filter((other) => other !== peer && this.#isStranger(other));
    const open = this.#parts.people.all().filter(({ standing, hidden }) => standing === "request" && !hidden);
    if (open.length + coming.length >= OPEN) return false;
    this.#settle();
    return true;
  }

  /** @param {number} count */
  keepOut(count) {
    return this.#note(this.keptOut + count);
  }

  /** @param {string} peer */
  #isStranger(peer) {
    const kept = this.#parts.people.get(peer);
    return !kept || (kept.standing === "request" && kept.hidden);
  }

  // There is room again.
  async #settle() {
    const { people } = this.#parts;
    if (this.keptOut) await this.#note(0);
    const removed = people.all().filter(({ standing, hidden, told, pending }) => standing === "request" && hidden && !told && !pending.length);
    const oldest = removed.sort((one, other) => one.active - other.active).slice(0, -REMOVED);
    for (const { peer } of oldest) await people.drop(peer);
  }

  /** @param {number} count */
  async #note(count) {
    this.keptOut = count;
    this.dispatchEvent(new Event("change"));
    const batch = this.#parts.store.batch();
    batch.record(KEPT_OUT, count);
    await batch.commit();
  }
}
