// @ts-check
// The time: this device's, or the server's where this device's is clearly wrong.

const OFF = 10 * 60_000; // milliseconds from which a clock is wrong

export class Clock {
  #correction = 0;

  /** @returns {number} ms */
  now() {
    return Date.now() + this.#correction;
  }

  /** What the server says that the time is. @param {number} server ms */
  compare(server) {
    const off = server - Date.now();
    this.#correction = Number.isFinite(off) && Math.abs(off) > OFF ? off : 0;
  }

  get isWrong() {
    return this.#correction !== 0;
  }
}
