// @ts-check
// The private prekeys, and when they come and go (E2EE.md §8.6, §12). Private keys are kept as
// CryptoKeys that can't be read out; the record says which there are.

/** @import { Bytes } from "../crypto/bytes.js" */
/** @import { Batch, Store } from "../store/store.js" */
/** @import { Prefix } from "../crypto/message.js" */
/** @import { Keys } from "../crypto/session.js" */
/** @import { Pair } from "../crypto/agreement.js" */
/** @import { PublicPrekey } from "../crypto/identity.js" */
import { concat, toBase64, u32 } from "../crypto/bytes.js";
import { newPair } from "../crypto/agreement.js";
import { sha256 } from "../crypto/primitives.js";
import { Refusal } from "../crypto/refusal.js";
import { prekeyNumber } from "../crypto/x3dh.js";

/** @typedef {{ id: number, made: number, accepted: string[] }} SignedRecord `accepted`: SHA-256 of the base keys taken up */
/** @typedef {{ next: number, signed: SignedRecord[], oneTime: [id: number, made: number][] }} PrekeysRecord the newest last */

const DAY = 24 * 3600_000;
const ROTATION = 7 * DAY;
const RETIRED = 45 * DAY;
const UNUSED = 90 * DAY;
const MAX_RETIRED = 8;
const MAX_ACCEPTED = 4096;
const MAX_ONE_TIME = 400;
const REFILL = 100;

export class Prekeys {
  #store;
  #record;

  /** @param {Store} store @param {PrekeysRecord} record */
  constructor(store, record) {
    this.#store = store;
    this.#record = record;
  }

  /** Nobody else has them meanwhile. @template T @param {Store} store @param {(prekeys: Prekeys) => Promise<T>} work @returns {Promise<T>} */
  static alone(store, work) {
    const locked = async () => work(new Prekeys(store, (await store.read("prekeys")) ?? none()));
    return /** @type {Promise<T>} */ (navigator.locks.request("prekeys", locked));
  }

  /** The keys that a first message names: refuses unknown ones and replays. @param {Prefix} prefix @returns {Promise<Keys>} */
  async find({ ephemeral, signed, oneTime }) {
    const digest = await digestOf(ephemeral);
    if (this.#record.signed.some(({ accepted }) => accepted.includes(digest))) throw new Refusal("replayed");
    const kept = this.#record.signed.find(({ id }) => id === signed);
    const isFull = kept && kept.accepted.length >= MAX_ACCEPTED;
    // What couldn't be remembered could be replayed, unless a one-time prekey is used up by it.
    if (!kept || (isFull && oneTime === null)) throw new Refusal("unknown_prekey");
    const [signedPair, oneTimePair] = await Promise.all([
      this.#store.key(`signed/${signed}`),
      oneTime === null ? null : this.#store.key(`prekey/${oneTime}`),
    ]);
    if (!signedPair || (oneTime !== null && !oneTimePair)) throw new Refusal("unknown_prekey");
    return { signed: signedPair.secret, oneTime: oneTimePair?.secret ?? null };
  }

  /** A first message opened: its one-time prekey goes, its base key is remembered. @param {Batch} batch @param {Prefix} prefix */
  async spend(batch, { ephemeral, signed, oneTime }) {
    const kept = this.#record.signed.find(({ id }) => id === signed);
    if (kept && kept.accepted.length < MAX_ACCEPTED) kept.accepted.push(await digestOf(ephemeral));
    if (oneTime !== null) {
      this.#record.oneTime = this.#record.oneTime.filter(([id]) => id !== oneTime);
      batch.removeKey(`prekey/${oneTime}`);
    }
    this.#write(batch);
  }

  /** The one that the server should hand out. @returns {Promise<Pair>} */
  async signed() {
    const newest = this.#record.signed.at(-1);
    if (!newest) throw new Refusal("unknown_prekey");
    return this.#store.key(`signed/${newest.id}`);
  }

  /** @param {number} now */
  isRotationDue(now) {
    const newest = this.#record.signed.at(-1);
    return !newest || now - newest.made >= ROTATION;
  }

  /** A new signed prekey; the old ones are kept for what is on its way. @param {Batch} batch @param {number} now @returns {Promise<Pair>} */
  async rotate(batch, now) {
    const pair = await newPair();
    const id = await prekeyNumber(pair.public);
    batch.key(`signed/${id}`, pair);
    this.#record.signed.push({ id, made: now, accepted: [] });
    this.#expire(batch, now);
    this.#write(batch);
    return pair;
  }

  /** One hundred new one-time prekeys: to be stored, then uploaded. @param {Batch} batch @param {number} now @returns {Promise<PublicPrekey[]>} */
  async more(batch, now) {
    const pairs = await Promise.all(Array.from({ length: REFILL }, newPair));
    const made = pairs.map((pair, place) => ({ id: this.#record.next + place, public: pair.public }));
    made.forEach(({ id }, place) => {
      batch.key(`prekey/${id}`, pairs[place]);
      this.#record.oneTime.push([id, now]);
    });
    this.#record.next += REFILL;
    const surplus = this.#record.oneTime.length - MAX_ONE_TIME;
    for (const [id] of this.#record.oneTime.splice(0, Math.max(0, surplus))) batch.removeKey(`prekey/${id}`);
    this.#write(batch);
    return made;
  }

  /** Numbers begin anew above all that an earlier installation can have used. @param {number} first */
  startAt(first) {
    this.#record.next = Math.max(this.#record.next, first);
  }

  /** Takes away one-time prekeys that nobody used for 90 days. @param {Batch} batch @param {number} now @param {number} countAtServer */
  forgetUnused(batch, now, countAtServer) {
    const { oneTime } = this.#record;
    // What the server may still hand out is among the newest ones.
    const handedOut = oneTime.slice(0, Math.max(0, oneTime.length - countAtServer));
    const old = handedOut.filter(([, made]) => now - made > UNUSED).map(([id]) => id);
    if (!old.length) return;
    this.#record.oneTime = oneTime.filter(([id]) => !old.includes(id));
    for (const id of old) batch.removeKey(`prekey/${id}`);
    this.#write(batch);
  }

  /** What the server's digest must be, if it holds the newest `count` one-time prekeys. @param {Bytes} identity @param {number} count */
  async digest(identity, count) {
    const { oneTime } = this.#record;
    const held = oneTime.slice(Math.max(0, oneTime.length - count)).map(([id]) => u32(id));
    return toBase64(await sha256(concat(identity, (await this.signed()).public, ...held)));
  }

  /** @param {Batch} batch @param {number} now */
  #expire(batch, now) {
    const { signed } = this.#record;
    const isOld = (/** @type {number} */ at) => at + 1 < signed.length && now - signed[at + 1].made > RETIRED;
    while (signed.length > 1 + MAX_RETIRED || isOld(0)) {
      const [old] = signed.splice(0, 1);
      batch.removeKey(`signed/${old.id}`);
    }
  }

  /** @param {Batch} batch */
  #write(batch) {
    batch.record("prekeys", this.#record);
  }
}

/** @returns {PrekeysRecord} */
const none = () => ({ next: 1, signed: [], oneTime: [] });

/** @param {Bytes} key */
const digestOf = async (key) => toBase64(await sha256(key));
