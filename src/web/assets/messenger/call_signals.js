// @ts-check
// What goes between the two sides of one call: sealed for the other alone, in order, and no way to
// reach this side before it may be told (E2EE.md §11).

/** @import { Bytes } from "../crypto/bytes.js" */
/** @import { Action } from "../crypto/call_channel.js" */
/** @import { Line } from "../net/line.js" */
import { CallChannel } from "../crypto/call_channel.js";
import { Refusal } from "../crypto/refusal.js";

/** @typedef {"call_offer" | "call_answer" | "ice_candidate" | "call_reject" | "call_end"} Step */
/** @typedef {(data: string) => Promise<void>} Work */

const WAITING = 300; // what is kept of the other side's until there are keys for it

/** @type {Record<Action, { type: Step, member: string }>} */
const FRAMES = {
  offer: { type: "call_offer", member: "sdp" },
  answer: { type: "call_answer", member: "sdp" },
  ice: { type: "ice_candidate", member: "candidate" },
};

export class CallSignals {
  #line;
  #peer;
  #id;
  /** @type {CallChannel | null} */
  #channel = null;
  #mayTell = false;
  /** @type {string[]} own candidates that may not be told yet */
  #untold = [];
  /** @type {{ action: Action, sealed: unknown, work: Work }[]} */
  #unheard = [];
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  #refused;

  /** @param {Line} line @param {string} peer @param {string} id @param {() => void} refused what to do where an SDP isn't to be taken */
  constructor(line, peer, id, refused) {
    this.#line = line;
    this.#peer = peer;
    this.#id = id;
    this.#refused = refused;
  }

  /** @param {"caller" | "callee"} role @param {Bytes} secret */
  async open(role, secret) {
    this.#channel = await CallChannel.of(role, this.#id, secret);
  }

  /** Whether it went out. @param {Step} type @param {object} [members] */
  send(type, members) {
    return this.#line.send({ type, recipient_id: this.#peer, call_id: this.#id, ...members });
  }

  /** @param {Action} action @param {string} data */
  async say(action, data) {
    const { type, member } = FRAMES[action];
    if (this.#channel) this.send(type, { [member]: await this.#channel.seal(action, data) });
  }

  /** Says a candidate, once it may be told. @param {string} candidate */
  async tell(candidate) {
    if (this.#mayTell) await this.say("ice", candidate);
    else this.#untold.push(candidate);
  }

  /** The call was offered or answered: from now on the other side may know how to reach this one. */
  async begin() {
    this.#mayTell = true;
    for (const candidate of this.#untold.splice(0)) await this.say("ice", candidate);
    for (const { action, sealed, work } of this.#unheard.splice(0)) this.hear(action, sealed, work);
  }

  /** Does `work` with what was sealed, one after the other. @param {Action} action @param {unknown} sealed @param {Work} work */
  hear(action, sealed, work) {
    const channel = this.#channel;
    if (!channel || !this.#mayTell) {
      if (this.#unheard.length < WAITING) this.#unheard.push({ action, sealed, work });
      return;
    }
    const next = this.#turn.then(async () => {
      try {
        await work(await channel.open(action, sealed));
      } catch (error) {
        // Not the peer's, or told twice; or an SDP that isn't to be taken.
        if (!(error instanceof Refusal)) throw error;
        if (error.reason === "sdp") this.#refused();
      }
    });
    this.#turn = next.catch(() => {});
    return next;
  }

  close() {
    this.#channel = null;
    this.#untold.length = this.#unheard.length = 0;
  }
}
