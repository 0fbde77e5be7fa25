// @ts-check
// Parts of the client that are fetched when they are first needed: the first opening stays small.

const RETRY = 2000; // milliseconds

/**
 * @template T
 * @typedef {object} Later
 * @property {() => T | null} now what was fetched; null until then
 * @property {(done: () => void) => void} fetch fetches it, again and again where there is no network, and tells
 */

/** @template T @param {() => Promise<T>} load @returns {Later<T>} */
export function later(load) {
  /** @type {T | null} */
  let found = null;
  /** @type {Set<() => void>} */
  const waiting = new Set();
  function begin() {
    load().then((loaded) => {
      found = loaded;
      for (const done of waiting) done();
      waiting.clear();
    }, () => setTimeout(begin, RETRY));
  }
  /** @param {() => void} done */
  function fetch(done) {
    waiting.add(done);
    if (waiting.size === 1) begin();
  }
  return { now: () => found, fetch };
}
