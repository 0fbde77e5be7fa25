// @ts-check

/** Why something didn't work; `code` is one of those that `model.js` lists. */
export class Trouble extends Error {
  /** @type {number | undefined} seconds until a retry makes sense */
  retryAfter;

  /** @param {string} code @param {string} [message] @param {number} [retryAfter] */
  constructor(code, message, retryAfter) {
    super(message ?? code);
    this.name = "Trouble";
    this.code = code;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/** Whether it is `code` that went wrong. @param {unknown} error @param {...string} codes */
export const isTrouble = (error, ...codes) => error instanceof Trouble && (!codes.length || codes.includes(error.code));

/** Whether trying again later may do. @param {unknown} error */
export const isPassing = (error) =>
  isTrouble(error, "network", "rate_limited", "capacity", "internal", "request_timeout", "storage_full", "queue_full");
