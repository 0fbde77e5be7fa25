// @ts-check
// One call: its signaling, sealed for the other side alone, and its media.

/** @import { Bytes } from "../crypto/bytes.js" */
/** @import { Call } from "../model.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Parts } from "./parts.js" */
import { random } from "../crypto/bytes.js";
import { Refusal } from "../crypto/refusal.js";
import { Media } from "../call/media.js";
import { listSpeakers } from "../call/speakers.js";
import { Trouble } from "../net/trouble.js";
import { CallSignals } from "./call_signals.js";

/** @typedef {{ secret: Bytes, sdp: string }} Offer what a call that rings came with */

const GIVE_UP = 30_000; // milliseconds without media after which a call is over
const RESTART = 3000; // after which other ways are looked for

/** Dispatches `change` when `call` was replaced, and `over` once. */
export class CallLine extends EventTarget {
  /** @type {Call} */
  call;
  /** Whether the server took it up. */
  wasAccepted = false;
  #parts;
  #outbox;
  #offer;
  #signals;
  /** @type {Media | null} */
  #media = null;
  /** @type {MediaStream | null} */
  #microphone = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #restart;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #end;

  /** @param {Parts} parts @param {Outbox} outbox @param {string} id @param {string} peer @param {Offer | null} offer null where this side calls */
  constructor(parts, outbox, id, peer, offer) {
    super();
    this.#parts = parts;
    this.#outbox = outbox;
    this.#offer = offer;
    this.#signals = new CallSignals(parts.line, peer, id, () => this.hangUp());
    this.wasAccepted = offer !== null;
    this.call = {
      id,
      peer,
      title: "",
      outgoing: offer === null,
      state: offer === null ? "dialing" : "ringing",
      reason: null,
      since: null,
      muted: false,
      quality: null,
      relayed: true,
      verified: parts.people.get(peer)?.identity === "verified",
      speakers: [],
      speaker: null,
    };
  }

  get isLive() {
    return this.call.state !== "ended";
  }

  /** Calls; asks for the microphone. */
  async dial() {
    const { id, peer } = this.call;
    const media = await this.#open(null);
    if (!media) return;
    const sdp = await media.offer();
    const secret = random(32);
    await this.#signals.open("caller", secret);
    let payload;
    try {
      payload = await this.#outbox.sealOnce(peer, { kind: "call", callId: id, secret, sdp });
    } catch (error) {
      this.over("error");
      throw error instanceof Refusal ? new Trouble(error.reason, error.message) : error;
    }
    if (!this.isLive) return;
    if (!this.#signals.send("call_offer", { sdp: payload })) return this.over("error");
    await this.#signals.begin();
  }

  /** Answers; asks for the microphone. @param {MediaStream | null} [microphone] one that is open already */
  async answer(microphone = null) {
    if (!this.#offer || this.call.state !== "ringing" || this.call.outgoing) return;
    const { secret, sdp } = this.#offer;
    this.#show({ state: "connecting" });
    const media = await this.#open(microphone);
    if (!media) return;
    await this.#signals.open("callee", secret);
    const answer = await media.answer(sdp);
    if (!this.isLive || answer === null) return;
    await this.#signals.say("answer", answer);
    await this.#signals.begin();
  }

  reject() {
    this.#signals.send("call_reject");
    this.over("rejected");
  }

  hangUp() {
    if (!this.isLive) return;
    this.#signals.send("call_end");
    this.over("hangup");
  }

  /** Gives its microphone to the call that takes its place. @returns {MediaStream | null} */
  handOver() {
    const microphone = this.#microphone?.clone() ?? null;
    this.drop();
    return microphone;
  }

  /** Forgets it, silently. */
  drop() {
    this.#close();
    this.call = { ...this.call, state: "ended", reason: "hangup" };
  }

  /** @param {NonNullable<Call["reason"]>} reason */
  over(reason) {
    if (!this.isLive) return;
    this.#close();
    this.#show({ state: "ended", reason });
    this.dispatchEvent(new Event("over"));
  }

  /** @param {string} state as the server says */
  became(state) {
    this.wasAccepted = true;
    if (state === "ringing" && this.call.state === "dialing") this.#show({ state: "ringing" });
    if (state === "connected" && this.call.outgoing && this.call.state === "ringing") this.#show({ state: "connecting" });
  }

  /** @param {unknown} sealed */
  accepted(sealed) {
    return this.#signals.hear("answer", sealed, async (sdp) => this.#media?.accept(sdp));
  }

  /** @param {unknown} sealed */
  renegotiate(sealed) {
    return this.#signals.hear("offer", sealed, async (sdp) => {
      const answer = await this.#media?.answer(sdp);
      if (answer) await this.#signals.say("answer", answer);
    });
  }

  /** @param {unknown} sealed */
  candidate(sealed) {
    return this.#signals.hear("ice", sealed, async (candidate) => this.#media?.add(candidate));
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#media?.mute(muted);
    if (this.isLive) this.#show({ muted });
  }

  /** @param {string} device */
  async setSpeaker(device) {
    await this.#media?.setSpeaker(device);
    this.#show({ speaker: device });
  }

  /** The socket is back: what was lost of the media can be mended. */
  returned() {
    if (this.#media && this.call.state === "reconnecting") this.#lookForOtherWays();
  }

  /** @param {MediaStream | null} microphone @returns {Promise<Media | null>} */
  async #open(microphone) {
    const { people, api } = this.#parts;
    try {
      this.#microphone = microphone ?? (await Media.microphone());
    } catch {
      this.#refuse("microphone");
      throw new Trouble("microphone");
    }
    if (!this.isLive) return this.#close();
    let servers;
    try {
      servers = (await api.asMember("GET", "/turn-credentials")).ice_servers;
    } catch (error) {
      this.#refuse(error instanceof Trouble && error.code === "not_found" ? "no_relay" : "error");
      throw error;
    }
    if (!this.isLive) return this.#close();
    const kept = people.get(this.call.peer);
    const isDirect = Boolean(kept?.directCalls && kept.identity === "verified");
    const media = new Media(this.#microphone, { servers, isDirect, isPolite: !this.call.outgoing });
    this.#media = media;
    this.#listen(media);
    this.#show({ speakers: await listSpeakers() });
    return media;
  }

  /** @param {NonNullable<Call["reason"]>} reason */
  #refuse(reason) {
    if (!this.call.outgoing) this.#signals.send("call_reject");
    this.over(reason);
  }

  /** @param {Media} media */
  #listen(media) {
    media.addEventListener("candidate", (event) => {
      this.#signals.tell(/** @type {CustomEvent<string>} */ (event).detail);
    });
    media.addEventListener("measured", (event) => {
      const { quality, relayed } = /** @type {CustomEvent} */ (event).detail;
      if (this.isLive && (quality !== this.call.quality || relayed !== this.call.relayed)) this.#show({ quality, relayed });
    });
    media.addEventListener("state", () => this.#follow(media));
    addEventListener("online", this.#woken);
    /** @type {any} */ (navigator).connection?.addEventListener?.("change", this.#woken);
  }

  #woken = () => {
    if (this.call.state === "connected" || this.call.state === "reconnecting") this.#lookForOtherWays();
  };

  /** @param {Media} media */
  #follow(media) {
    if (!this.isLive) return;
    clearTimeout(this.#restart);
    if (media.state === "connected") {
      clearTimeout(this.#end);
      this.#end = undefined;
      return this.#show({ state: "connected", since: this.call.since ?? Date.now() });
    }
    if (this.call.since !== null) this.#show({ state: "reconnecting", quality: "bad" });
    // Whoever called looks first; the other, where that doesn't help.
    const wait = (media.state === "failed" ? 0 : RESTART) + (this.call.outgoing ? 0 : RESTART);
    this.#restart = setTimeout(() => this.#lookForOtherWays(), wait);
    this.#end ??= setTimeout(() => {
      this.#signals.send("call_end");
      this.over("error");
    }, GIVE_UP);
  }

  async #lookForOtherWays() {
    const media = this.#media;
    if (!media || !this.isLive || this.#parts.line.state !== "open") return;
    try {
      media.renew((await this.#parts.api.asMember("GET", "/turn-credentials")).ice_servers);
      const sdp = await media.offer(true);
      if (this.isLive) await this.#signals.say("offer", sdp);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
    }
  }

  #close() {
    clearTimeout(this.#restart);
    clearTimeout(this.#end);
    removeEventListener("online", this.#woken);
    /** @type {any} */ (navigator).connection?.removeEventListener?.("change", this.#woken);
    this.#media?.close();
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#signals.close();
    this.#media = this.#offer = null;
    return null;
  }

  /** @param {Partial<Call>} change */
  #show(change) {
    this.call = { ...this.call, ...change };
    this.dispatchEvent(new Event("change"));
  }
}
