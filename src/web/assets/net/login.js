// @ts-check
// Tokens (PROTOCOL.md §3): one at a time, and a new one before the last is over.

/** @import { Api, Pass } from "./api.js" */

/** @typedef {(nonce: string) => Promise<string>} Sign a nonce's answer; both in base64 */
/** @typedef {{ handleHash: string, sign: Sign }} Credentials */

const SHARE = 0.8; // of its life that a token is used for

/** @implements {Pass} */
export class Login {
  #api;
  #credentials;
  /** @type {Promise<string> | null} */
  #token = null;
  #until = 0;
  #untilByClock = 0;

  /** @param {Api} api @param {Credentials} credentials */
  constructor(api, credentials) {
    this.#api = api;
    this.#credentials = credentials;
  }

  /** A token that is good for a while. @returns {Promise<string>} */
  token() {
    // Two clocks: the device's may be set, and the other stands still while the device sleeps.
    if (this.#token && performance.now() < this.#until && Date.now() < this.#untilByClock) return this.#token;
    this.#until = this.#untilByClock = Infinity;
    const token = this.#fetch();
    this.#token = token;
    token.catch(() => this.#token === token && this.forget());
    return token;
  }

  /** The token is no longer good. */
  forget() {
    this.#token = null;
  }

  async #fetch() {
    const [begin, beginByClock] = [performance.now(), Date.now()];
    const { token, expires_in: seconds } = await logIn(this.#api, this.#credentials);
    this.#until = begin + seconds * 1000 * SHARE;
    this.#untilByClock = beginByClock + seconds * 1000 * SHARE;
    return token;
  }
}

/** @param {Api} api @param {Credentials} credentials @returns {Promise<{ token: string, expires_in: number, user_id: string }>} */
export async function logIn(api, { handleHash, sign }) {
  const nonce = await challenge(api, handleHash);
  return api.ask("POST", "/auth/token", { phone_hash: handleHash, nonce, signature: await sign(nonce) });
}

/** A nonce to be signed. @param {Api} api @param {string} handleHash @returns {Promise<string>} */
export async function challenge(api, handleHash) {
  return (await api.ask("POST", "/auth/challenge", { phone_hash: handleHash })).nonce;
}
