// @ts-check
// Ids of messages that came (E2EE.md §6.2): the last thousand from one peer, for 45 days. Two are
// noted for each, the server's and the one inside, which the server can't change.

/** @typedef {[id: string, at: number][]} Seen the oldest first; never changed */

const CAPACITY = 2000;
const LIFETIME = 45 * 24 * 3600_000;

/** @param {Seen} seen @param {string} id */
export const hasSeen = (seen, id) => seen.some(([known]) => known === id);

/** @param {Seen} seen @param {string} id @param {number} now @returns {Seen} */
export function noteSeen(seen, id, now) {
  if (hasSeen(seen, id)) return seen;
  /** @type {Seen} */
  const noted = [...seen, [id, now]];
  return noted.slice(-CAPACITY).filter(([, at]) => now - at <= LIFETIME);
}
