// @ts-check
// The one call there is (PROTOCOL.md §7, E2EE.md §11), and those that ring meanwhile.

/** @import { Call, CallCheck } from "../model.js" */
/** @import { Frame } from "../net/line.js" */
/** @import { Inbox } from "./inbox.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Offer } from "./call_line.js" */
import { checkFingerprints } from "../crypto/call_channel.js";
import { isUuid } from "../crypto/bytes.js";
import { Refusal } from "../crypto/refusal.js";
import { byTransport, echoThrough } from "../call/relay_echo.js";
import { Trouble } from "../net/trouble.js";
import { CallLine } from "./call_line.js";
import { appendEvent } from "./events.js";

const CROSSED = 5000; // milliseconds in which the other's call comes, where both called
const RINGING = 2; // calls that may ring beside the one that is shown
const OPENING = 4; // offers that are opened at once
const EARLY = 300; // what is kept of a call's words while its offer is opened
const REASONS = ["hangup", "rejected", "timeout", "error", "offline", "busy", "not_allowed", "rate_limited"];

export class Calls extends EventTarget {
  /** @type {CallCheck} */
  check = "unknown";
  #parts;
  #inbox;
  #outbox;
  /** @type {CallLine | null} */
  #current = null;
  /** @type {Map<string, CallLine>} */
  #ringing = new Map();
  /** @type {Map<string, Frame[]>} what came for calls whose offer is being opened */
  #early = new Map();
  /** @type {{ peer: string, until: number } | null} whom both called, each other */
  #crossed = null;

  /** Dispatches `change`. @param {Parts} parts @param {Inbox} inbox @param {Outbox} outbox */
  constructor(parts, inbox, outbox) {
    super();
    this.#parts = parts;
    this.#inbox = inbox;
    this.#outbox = outbox;
  }

  /** @returns {Call | null} */
  get call() {
    return this.#current?.call ?? null;
  }

  /** @param {string} peer */
  async dial(peer) {
    if (this.#current?.isLive) throw new Trouble("busy");
    const line = this.#line(crypto.randomUUID(), peer, null);
    this.#show(line);
    await line.dial();
  }

  async answer() {
    await this.#current?.answer();
  }

  async reject() {
    this.#current?.reject();
  }

  async hangUp() {
    this.#current?.hangUp();
  }

  dismiss() {
    if (!this.#current || this.#current.isLive) return;
    this.#current = null;
    this.#tell();
    this.#showNext();
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#current?.mute(muted);
  }

  /** @param {string} device */
  async setSpeaker(device) {
    await this.#current?.setSpeaker(device);
  }

  /** Whether packets get through the relay from here. */
  async runCheck() {
    if (this.check === "checking") return;
    this.#become("checking");
    try {
      const { ice_servers: servers } = await this.#parts.api.asMember("GET", "/turn-credentials");
      const ways = byTransport(servers);
      const [udp, tcp, tls] = [ways.get("udp"), ways.get("tcp"), ways.get("tls")];
      const works = async (/** @type {typeof udp} */ way) => way && echoThrough(way).then(() => true, () => false);
      if (await works(udp)) this.#become("works");
      else this.#become((await works(tcp)) || (await works(tls)) ? "tcp_only" : "fails");
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.#become(error.code === "not_found" ? "fails" : "unknown");
    }
  }

  /** @param {Frame} frame */
  async take(frame) {
    const { call_id: id } = frame;
    if (!isUuid(id)) return;
    const early = this.#early.get(id);
    if (early) return void (early.length < EARLY && early.push(frame));
    const line = this.#current?.call.id === id ? this.#current : this.#ringing.get(id);
    switch (frame.type) {
      case "call_offer":
        return line ? line.renegotiate(frame.sdp) : this.#ring(id, frame.sender_id, frame.sdp);
      case "call_answer":
        return line?.accepted(frame.sdp);
      case "ice_candidate":
        return line?.candidate(frame.candidate);
      case "call_state":
        if (frame.state === "ended") return line?.over(reasonOf(frame.reason));
        return line?.became(frame.state);
      case "call_reject":
      case "call_end":
        return line?.over(reasonOf(frame.reason));
    }
  }

  /** A step of a call was refused. @param {Frame} frame */
  refused({ code, call_id: id }) {
    const line = this.#current;
    if (code === "glare" && line?.call.outgoing && line.isLive) {
      const { peer } = line.call;
      this.#crossed = { peer, until: performance.now() + CROSSED };
      const theirs = [...this.#ringing.values()].find((other) => other.call.peer === peer);
      if (theirs) this.#take(theirs);
    } else if (line && (line.call.id === id || this.#ringing.has(id))) {
      const ended = this.#ringing.get(id) ?? line;
      // What comes too late for a call that stands doesn't end it.
      if (code !== "wrong_state" && code !== "rate_limited") ended.over(reasonOf(code));
      else if (!ended.wasAccepted) ended.over(reasonOf(code));
    }
  }

  /** The socket went or came. */
  lineChanged() {
    if (this.#parts.line.state === "open") this.#current?.returned();
  }

  stop() {
    this.#current?.hangUp();
    for (const line of this.#ringing.values()) line.drop();
    this.#ringing.clear();
  }

  // A call's candidates, and its end, come on the heels of its offer, and wait until that is open.
  /** @param {string} id @param {string} peer @param {unknown} payload */
  async #ring(id, peer, payload) {
    if (!isUuid(peer) || this.#parts.people.get(peer)?.standing !== "allowed") return;
    if (this.#early.size >= OPENING) return this.#decline(id, peer);
    /** @type {Frame[]} */
    const early = [];
    this.#early.set(id, early);
    let line;
    try {
      line = await this.#offered(id, peer, payload);
    } finally {
      this.#early.delete(id);
    }
    const taken = line && this.#admit(line);
    for (const frame of early) await this.take(frame);
    await taken;
  }

  /** @param {CallLine} line */
  #admit(line) {
    const { id, peer } = line.call;
    if (this.#isCalling(peer) && this.#crossed?.peer === peer && performance.now() < this.#crossed.until) {
      return this.#take(line);
    }
    if (!this.#current?.isLive) return this.#show(line);
    if (this.#ringing.size >= RINGING) return this.#decline(id, peer);
    this.#ringing.set(id, line);
  }

  // Who hung up meanwhile must be asked again.
  /** @param {string} peer */
  #isCalling(peer) {
    const line = this.#current;
    return Boolean(line?.isLive && line.call.outgoing && line.call.peer === peer);
  }

  /** The call that a payload offers, if it does. @param {string} id @param {string} peer @param {unknown} payload @returns {Promise<CallLine | undefined>} */
  async #offered(id, peer, payload) {
    if (typeof payload !== "string" || payload.startsWith("v=")) return this.#decline(id, peer);
    try {
      const content = await this.#inbox.openOffer(peer, payload);
      if (content?.says.kind !== "call" || content.says.callId !== id) return;
      // An answer would tell whoever has the new key how to reach this side.
      if (this.#parts.people.get(peer)?.identity === "changed") return this.#decline(id, peer);
      const { secret, sdp } = content.says;
      checkFingerprints(sdp);
      return this.#line(id, peer, { secret, sdp });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Told again what rang before this page was loaded: another tab, or nobody, can take it.
      return error.isSilent ? undefined : this.#decline(id, peer);
    }
  }

  // Both called each other: whoever came second answers, and needn't be asked.
  /** @param {CallLine} line */
  async #take(line) {
    this.#crossed = null;
    this.#ringing.delete(line.call.id);
    const microphone = this.#current?.handOver() ?? null;
    this.#current = null;
    this.#show(line);
    await line.answer(microphone);
  }

  /** @param {string} id @param {string} peer @returns {undefined} */
  #decline(id, peer) {
    this.#parts.line.send({ type: "call_reject", recipient_id: peer, call_id: id });
  }

  /** @param {string} id @param {string} peer @param {Offer | null} offer */
  #line(id, peer, offer) {
    const line = new CallLine(this.#parts, this.#outbox, id, peer, offer);
    line.addEventListener("change", () => line === this.#current && this.#tell());
    line.addEventListener("over", () => this.#ended(line));
    return line;
  }

  /** @param {CallLine} line */
  #show(line) {
    this.#current = line;
    this.#tell();
  }

  /** @param {CallLine} line */
  async #ended(line) {
    this.#ringing.delete(line.call.id);
    const { peer, outgoing, since, reason } = line.call;
    const seconds = since === null ? null : Math.round((Date.now() - since) / 1000);
    await this.#parts.people.change(peer, (entry) => {
      const call = { outgoing, seconds, reason: reason ?? "error" };
      appendEvent(this.#parts, entry, { kind: "call", mine: outgoing, call });
      if (!outgoing && seconds === null && reason !== "rejected") entry.kept.unread += 1;
    });
    if (line !== this.#current) this.#showNext();
  }

  #showNext() {
    if (this.#current?.isLive) return;
    const [next] = this.#ringing.values();
    if (!next) return;
    this.#ringing.delete(next.call.id);
    this.#show(next);
  }

  /** @param {CallCheck} check */
  #become(check) {
    this.check = check;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {unknown} reason @returns {NonNullable<Call["reason"]>} */
function reasonOf(reason) {
  return REASONS.includes(String(reason)) ? /** @type {NonNullable<Call["reason"]>} */ (reason) : "error";
}
