// @ts-check
// The server's API (PROTOCOL.md §4): JSON there and back, problems as `Trouble`.

import { Trouble, isTrouble } from "./trouble.js";

/** @typedef {{ token: () => Promise<string>, forget: () => void }} Pass where tokens come from */

const PATIENCE = 20_000; // milliseconds for an answer

export class Api {
  /** @type {Pass | null} */
  #pass = null;

  /** @param {string} origin */
  constructor(origin) {
    this.origin = origin;
  }

  /** From now on `asMember` speaks for the owner of this pass. @param {Pass | null} pass */
  identify(pass) {
    this.#pass = pass;
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  ask(method, path, body) {
    return this.#send(method, path, body, null);
  }

  /** With a token; a fresh one where it was no longer good. @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async asMember(method, path, body) {
    const pass = this.#pass;
    if (!pass) throw new Trouble("unauthorized");
    try {
      return await this.#send(method, path, body, await pass.token());
    } catch (error) {
      if (!isTrouble(error, "unauthorized", "token_expired")) throw error;
      pass.forget();
      return this.#send(method, path, body, await pass.token());
    }
  }

  /** @param {string} method @param {string} path @param {unknown} body @param {string | null} token */
  async #send(method, path, body, token) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    let answer, said;
    try {
      answer = await fetch(`${this.origin}/api/v1${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(PATIENCE),
      });
      said = await answer.text();
    } catch {
      throw new Trouble("network", "The server doesn't answer.");
    }
    if (!answer.ok) throw problem(answer.status, said);
    return parsed(said);
  }
}

/** @param {number} status @param {string} said */
function problem(status, said) {
  const { code, detail, retry_after: retryAfter } = Object(parsed(said));
  // Not the daemon but something before it: a proxy without a daemon behind it.
  if (typeof code !== "string") return new Trouble(status >= 500 ? "network" : "internal", `status ${status}`);
  return new Trouble(code, detail, retryAfter);
}

/** @param {string} said */
function parsed(said) {
  if (!said) return null;
  try {
    return JSON.parse(said);
  } catch {
    return null;
  }
}
