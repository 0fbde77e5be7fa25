// @ts-check
// How long to wait before another attempt: 1, 2, 4, 8, 16, 30, 30 … seconds with full jitter.

const LONGEST = 30_000;

export class Pause {
  #attempts = 0;

  /** @returns {number} milliseconds */
  next() {
    const most = Math.min(1000 * 2 ** this.#attempts, LONGEST);
    this.#attempts += 1;
    return Math.random() * most;
  }

  /** It worked: the next pause is a short one. */
  reset() {
    this.#attempts = 0;
  }
}
