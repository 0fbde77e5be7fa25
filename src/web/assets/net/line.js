// @ts-check
// The WebSocket to the server, made again whenever it is gone (PROTOCOL.md §5).

import { Pause } from "./pause.js";
import { Trouble, isTrouble } from "./trouble.js";

/**
 * Dispatches `frame` (its `detail`) for each frame after `ready` and for that one, `state` when
 * `state` changed, and `over` with the reason in `detail` when it won't be made again by itself.
 * @typedef {"closed" | "connecting" | "open"} LineState
 * @typedef {"suspended" | "replaced" | "unknown"} Over `unknown`: the server doesn't know this account and key
 */

/** @typedef {Record<string, any> & { type: string }} Frame */

const OPENING = 20_000; // milliseconds until `ready`
const SILENCE = 25_000; // after which the server is asked whether it is there
const ANSWER = 10_000; // that it may take to say so
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
  #wake = () => this.#woken();
  #look = () => document.visibilityState === "visible" && this.#woken();

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
    document.addEventListener("visibilitychange", this.#look);
    this.#connect();
  }

  close() {
    this.#wanted = false;
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#look);
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
    let token;
    try {
      token = await this.#pass.token();
    } catch (error) {
      return this.#refused(error);
    }
    this.#refusals = 0;
    if (!this.#wanted || this.#socket) return;
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
    this.#refusals = isTrouble(error, "auth_failed") ? this.#refusals + 1 : 0;
    if (this.#refusals >= LOGINS) return this.#end("unknown");
    const wait = error instanceof Trouble && error.retryAfter ? error.retryAfter * 1000 : this.#pause.next();
    this.#again(wait);
  }

  /** @param {WebSocket} socket @param {unknown} data */
  #heard(socket, data) {
    if (socket !== this.#socket || typeof data !== "string") return;
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
    if (code === 4403) return this.#end("suspended");
    if (code === 4409) return this.#end("replaced");
    if (code === 1008) this.#pass.forget();
    this.#again(this.#pause.next());
  }

  /** @param {number} wait */
  #again(wait) {
    if (!this.#wanted) return;
    this.#become("connecting");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  // The network is back, or the page: what seems to stand may be long gone.
  #woken() {
    if (!this.#wanted) return;
    const socket = this.#socket;
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
