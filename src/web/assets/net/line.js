// @ts-check
// The WebSocket to the server, made again whenever it is gone (PROTOCOL.md §5).

import { Pause } from "./pause.js";
import { Trouble, isTrouble } from "./trouble.js";

/**
 * Dispatches `frame` (its `detail`) for each frame after `ready` and for that one, `state` when
 * `state` changed, and `over` with the reason in `detail` when it won't be made again by itself.
 * @typedef {"closed" | "connecting" | "open"} LineState
 * @typedef {"suspended" | "removed" | "replaced" | "unknown"} Over `removed`: the account was deleted; `replaced`: by a
 * newer session of the same account; `unknown`: the server doesn't know this account and key
 */

/** @typedef {Record<string, any> & { type: string }} Frame */

const OPENING = 20_000; // milliseconds until `ready`
const SILENCE = 25_000; // after which the server is asked whether it is there
const ANSWER = 10_000; // that it may take to say so
const SLEPT = 120_000; // without a word, after which a socket that seems to stand is made again at once
const STUCK = 5000; // after which an attempt isn't waited for, once the page or the network is back
const LOGINS = 3; // refusals in a row after which the account is taken to be gone

export class Line extends EventTarget {
  /** @type {LineState} */
  state = "closed";
  #url;
  #pass;
  #pause = new Pause();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #wanted = false;
  #refusals = 0;
  #attempt = 0;
  /** When something was last heard, or an attempt begun: by the clock that goes on while the device sleeps. */
  #lastSign = 0;
  /** Whether the server closed because the account was suspended or deleted; the next login says which. */
  #isShut = false;
  #wake = () => this.#woken();
  #look = () => document.visibilityState === "visible" && this.#woken();
  #show = (/** @type {PageTransitionEvent} */ { persisted }) => persisted && this.#woken();

  /** @param {string} origin @param {{ token: () => Promise<string>, forget: () => void }} pass */
  constructor(origin, pass) {
    super();
    this.#url = `${origin.replace(/^http/, "ws")}/ws`;
    this.#pass = pass;
  }

  open() {
    if (this.#wanted) return;
    this.#wanted = true;
    addEventListener("online", this.#wake);
    addEventListener("pageshow", this.#show);
    document.addEventListener("visibilitychange", this.#look);
    document.addEventListener("resume", this.#wake);
    this.#connect();
  }

  close() {
    this.#wanted = false;
    this.#attempt += 1;
    removeEventListener("online", this.#wake);
    removeEventListener("pageshow", this.#show);
    document.removeEventListener("visibilitychange", this.#look);
    document.removeEventListener("resume", this.#wake);
    this.#drop();
    this.#become("closed");
  }

  /** Whether it went out; what went out may still be lost. @param {Frame} frame */
  send(frame) {
    if (this.state !== "open" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  async #connect() {
    clearTimeout(this.#timer);
    this.#become("connecting");
    this.#attempt += 1;
    this.#lastSign = Date.now();
    const attempt = this.#attempt;
    let token;
    try {
      token = await this.#pass.token();
    } catch (error) {
      return attempt === this.#attempt ? this.#refused(error) : undefined;
    }
    if (attempt !== this.#attempt || this.#socket) return;
    this.#refusals = 0;
    this.#isShut = false;
    const socket = new WebSocket(this.#url, "privcomm.v1");
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(socket, 1006), OPENING);
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token }));
    socket.onmessage = ({ data }) => this.#heard(socket, data);
    socket.onclose = ({ code }) => this.#lost(socket, code);
  }

  /** @param {unknown} error */
  #refused(error) {
    if (isTrouble(error, "suspended")) return this.#end("suspended");
    const isUnknown = isTrouble(error, "auth_failed");
    if (isUnknown && this.#isShut) return this.#end("removed");
    this.#refusals = isUnknown ? this.#refusals + 1 : 0;
    if (this.#refusals >= LOGINS) return this.#end("unknown");
    const wait = error instanceof Trouble && error.retryAfter ? error.retryAfter * 1000 : this.#pause.next();
    this.#again(wait);
  }

  /** @param {WebSocket} socket @param {unknown} data */
  #heard(socket, data) {
    if (socket !== this.#socket || typeof data !== "string") return;
    this.#lastSign = Date.now();
    this.#listen(socket, SILENCE, () => {
      socket.send('{"type":"ping"}');
      this.#listen(socket, ANSWER, () => this.#lost(socket, 1006));
    });
    const frame = parsed(data);
    if (!frame) return;
    if (frame.type === "ready") {
      this.#pause.reset();
      this.#become("open");
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  /** @param {WebSocket} socket @param {number} silence @param {() => void} then */
  #listen(socket, silence, then) {
    clearTimeout(this.#timer);
    if (socket === this.#socket) this.#timer = setTimeout(then, silence);
  }

  /** @param {WebSocket} socket @param {number} code */
  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    if (code === 4409) return this.#end("replaced");
    this.#isShut = code === 4403;
    if (code === 1008 || this.#isShut) this.#pass.forget();
    this.#again(this.#isShut ? 0 : this.#pause.next());
  }

  /** @param {number} wait */
  #again(wait) {
    if (!this.#wanted) return;
    this.#become("connecting");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  // The network is back, or the page: what seems to stand, or to be under way, may be long gone.
  #woken() {
    if (!this.#wanted) return;
    const socket = this.#socket;
    const silence = Math.abs(Date.now() - this.#lastSign);
    if (silence > (this.state === "open" ? SLEPT : STUCK)) {
      this.#pass.forget();
      this.#pause.reset();
      this.#drop();
      return void this.#connect();
    }
    if (!socket) return void this.#connect();
    if (this.state !== "open") return;
    socket.send('{"type":"ping"}');
    this.#listen(socket, ANSWER / 2, () => this.#lost(socket, 1006));
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onclose = socket.onmessage = socket.onopen = null;
    socket.close();
  }

  /** @param {Over} reason */
  #end(reason) {
    this.close();
    this.dispatchEvent(new CustomEvent("over", { detail: reason }));
  }

  /** @param {LineState} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** @param {string} data @returns {Frame | null} */
function parsed(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
