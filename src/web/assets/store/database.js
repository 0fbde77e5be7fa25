// @ts-check
// The tables, and IndexedDB's requests as promises.
//
// keys      name → CryptoKeys, which can't be read out
// records   name → sealed record
// messages  [peer, position] → { peer, position, id, blob }, found by [peer, id] too
// outbox    order → { order, id, blob }: payloads on their way, found by id too

const NAME = "privcomm";
const VERSION = 1;

export const TABLES = ["keys", "records", "messages", "outbox"];

/** @returns {Promise<IDBDatabase>} */
export async function openDatabase() {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    const database = request.result;
    database.createObjectStore("keys");
    database.createObjectStore("records");
    const messages = database.createObjectStore("messages", { keyPath: ["peer", "position"] });
    messages.createIndex("id", ["peer", "id"], { unique: true });
    const outbox = database.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    outbox.createIndex("id", "id", { unique: true });
  };
  const database = await answer(request);
  database.onversionchange = () => database.close();
  return database;
}

/** @returns {Promise<void>} */
export async function deleteDatabase() {
  await answer(indexedDB.deleteDatabase(NAME));
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
export function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
export function committed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}
