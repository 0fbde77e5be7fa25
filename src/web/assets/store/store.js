// @ts-check
// What this device keeps: records sealed under a key that can't be read out (E2EE.md §10). Writes go
// through a `Batch`: sealed first, then in one transaction, which is on the disk when it returns.

/** @import { Bytes } from "../crypto/bytes.js" */
import { text, utf8 } from "../crypto/bytes.js";
import { newStoreKey, openRecord, sealRecord } from "../crypto/sealed_record.js";
import { TABLES, answer, committed, deleteDatabase, openDatabase } from "./database.js";

/** @typedef {{ peer: string, position: number, id: string, blob: Bytes }} MessageRow */
/** @typedef {{ position: number, id: string, value: any }} StoredMessage */
/** @typedef {{ order: number, id: string, value: any }} Outgoing */
/** @typedef {(tables: Record<string, IDBObjectStore>) => void} Write */

export class Store {
  #database;
  #key;

  /** @param {IDBDatabase} database @param {CryptoKey} key */
  constructor(database, key) {
    this.#database = database;
    this.#key = key;
  }

  /** Opens it, or makes it. */
  static async open() {
    const database = await openDatabase();
    const keys = () => database.transaction("keys", "readwrite").objectStore("keys");
    let key = await answer(keys().get("store"));
    if (!key) {
      const made = await newStoreKey();
      await answer(keys().put(made, "store"));
      key = made;
    }
    return new Store(database, key);
  }

  /** Forgets everything. */
  async erase() {
    this.#database.close();
    await deleteDatabase();
  }

  close() {
    this.#database.close();
  }

  /** CryptoKeys and what is public of them. @param {string} name @returns {Promise<any>} */
  key(name) {
    return answer(this.#table("keys").get(name));
  }

  /** @param {string} name @returns {Promise<any>} undefined where there is none */
  async read(name) {
    const blob = await answer(this.#table("records").get(name));
    return blob && this.#opened(name, blob);
  }

  /** Every record whose name begins so. @param {string} prefix @returns {Promise<any[]>} */
  async readAll(prefix) {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const table = this.#table("records");
    const [names, blobs] = await Promise.all([answer(table.getAllKeys(range)), answer(table.getAll(range))]);
    return Promise.all(blobs.map((blob, at) => this.#opened(String(names[at]), blob)));
  }

  /** Where a conversation's messages are, oldest first. @param {string} peer @returns {Promise<number[]>} */
  async positions(peer) {
    const keys = await answer(this.#table("messages").getAllKeys(conversation(peer)));
    return keys.map((key) => /** @type {[string, number]} */ (key)[1]);
  }

  /** The messages from one position to another, both included. @param {string} peer @param {number} first @param {number} last @returns {Promise<StoredMessage[]>} */
  async messages(peer, first, last) {
    const range = IDBKeyRange.bound([peer, first], [peer, last]);
    const rows = await answer(this.#table("messages").getAll(range));
    return Promise.all(rows.map((row) => this.#message(row)));
  }

  /** @param {string} peer @param {string} id @returns {Promise<StoredMessage | null>} */
  async message(peer, id) {
    const row = await answer(this.#table("messages").index("id").get([peer, id]));
    return row ? this.#message(row) : null;
  }

  /** Payloads on their way, in the order in which they were sealed. @returns {Promise<Outgoing[]>} */
  async outgoing() {
    const rows = await answer(this.#table("outbox").getAll());
    return Promise.all(rows.map((row) => this.#outgoing(row)));
  }

  /** Those of these ids. @param {string[]} ids @returns {Promise<Outgoing[]>} */
  async outgoingOf(ids) {
    const index = this.#table("outbox").index("id");
    const rows = await Promise.all(ids.map((id) => answer(index.get(id))));
    return Promise.all(rows.filter(Boolean).map((row) => this.#outgoing(row)));
  }

  batch() {
    return new Batch(
      (name, value) => sealRecord(this.#key, name, utf8(JSON.stringify(value))),
      (writes) => this.#write(writes),
    );
  }

  /** @param {Write[]} writes */
  async #write(writes) {
    const transaction = this.#database.transaction(TABLES, "readwrite", { durability: "strict" });
    const done = committed(transaction);
    const tables = Object.fromEntries(TABLES.map((name) => [name, transaction.objectStore(name)]));
    try {
      for (const write of writes) write(tables);
    } catch (error) {
      transaction.abort();
      await done.catch(() => {});
      throw error;
    }
    await done;
  }

  /** @param {string} name */
  #table(name) {
    return this.#database.transaction(name).objectStore(name);
  }

  /** @param {MessageRow} row @returns {Promise<StoredMessage>} */
  async #message({ peer, position, id, blob }) {
    return { position, id, value: await this.#opened(messageName(peer, position), blob) };
  }

  /** @param {{ order: number, id: string, blob: Bytes }} row @returns {Promise<Outgoing>} */
  async #outgoing({ order, id, blob }) {
    return { order, id, value: await this.#opened(`outbox/${id}`, blob) };
  }

  /** @param {string} name @param {Bytes} blob */
  async #opened(name, blob) {
    return JSON.parse(text(await openRecord(this.#key, name, blob)));
  }
}

/** Writes that happen together or not at all. */
export class Batch {
  #seal;
  #write;
  /** @type {Promise<Write>[]} */
  #writes = [];

  /** @param {(name: string, value: unknown) => Promise<Bytes>} seal @param {(writes: Write[]) => Promise<void>} write */
  constructor(seal, write) {
    this.#seal = seal;
    this.#write = write;
  }

  /** @param {string} name @param {unknown} value */
  record(name, value) {
    this.#sealed(name, value, (blob, { records }) => records.put(blob, name));
  }

  /** @param {string} name */
  removeRecord(name) {
    this.#plain(({ records }) => records.delete(name));
  }

  /** @param {string} name @param {unknown} keys */
  key(name, keys) {
    this.#plain((tables) => tables.keys.put(keys, name));
  }

  /** @param {string} name */
  removeKey(name) {
    this.#plain(({ keys }) => keys.delete(name));
  }

  /** @param {string} peer @param {number} position @param {string} id @param {unknown} value */
  message(peer, position, id, value) {
    const name = messageName(peer, position);
    this.#sealed(name, value, (blob, { messages }) => messages.put({ peer, position, id, blob }));
  }

  /** @param {string} peer @param {number} position */
  removeMessage(peer, position) {
    this.#plain(({ messages }) => messages.delete([peer, position]));
  }

  /** @param {string} peer */
  removeMessages(peer) {
    this.#plain(({ messages }) => messages.delete(conversation(peer)));
  }

  /** Appends where there is no `order`, else replaces. @param {string} id @param {unknown} value @param {number} [order] */
  outgoing(id, value, order) {
    const row = order === undefined ? { id } : { id, order };
    this.#sealed(`outbox/${id}`, value, (blob, { outbox }) => outbox.put({ ...row, blob }));
  }

  /** @param {number} order */
  removeOutgoing(order) {
    this.#plain(({ outbox }) => outbox.delete(order));
  }

  /** On the disk when it returns. */
  async commit() {
    const writes = await Promise.all(this.#writes);
    if (writes.length) await this.#write(writes);
  }

  /** @param {string} name @param {unknown} value @param {(blob: Bytes, tables: Record<string, IDBObjectStore>) => void} put */
  #sealed(name, value, put) {
    this.#writes.push(this.#seal(name, value).then((blob) => (tables) => put(blob, tables)));
  }

  /** @param {Write} write */
  #plain(write) {
    this.#writes.push(Promise.resolve(write));
  }
}

/** @param {string} peer */
const conversation = (peer) => IDBKeyRange.bound([peer, 0], [peer, Infinity]);

/** @param {string} peer @param {number} position */
const messageName = (peer, position) => `message/${peer}/${position}`;
