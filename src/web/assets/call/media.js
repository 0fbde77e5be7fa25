// @ts-check
// The media of a call: one microphone, one connection, and what is heard. What it says to the other
// side goes through `say`, sealed by whoever made it; it never talks to a server but the relay.

/** @import { Count } from "./quality.js" */
/** @import { IceServer } from "./relay_echo.js" */
import { checkFingerprints } from "../crypto/call_channel.js";
import { measure } from "./quality.js";

/** @typedef {"connecting" | "connected" | "reconnecting" | "failed"} MediaState */
/** @typedef {{ servers: IceServer[], isDirect: boolean, isPolite: boolean }} Terms `isPolite`: gives way where both renegotiate */

const INTERVAL = 2000; // milliseconds between two looks at the quality

/** Dispatches `candidate` with its JSON, `state`, and `measured` with quality and way. */
export class Media extends EventTarget {
  /** @type {MediaState} */
  state = "connecting";
  #connection;
  #microphone;
  #isPolite;
  #sound = new Audio();
  /** @type {Count} */
  #count = { received: 0, lost: 0 };
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  /** @type {RTCIceCandidateInit[]} candidates that came before the description they belong to */
  #early = [];

  /** @param {MediaStream} microphone @param {Terms} terms */
  constructor(microphone, { servers, isDirect, isPolite }) {
    super();
    this.#microphone = microphone;
    this.#isPolite = isPolite;
    this.#connection = new RTCPeerConnection({
      iceServers: servers,
      // A direct way tells the other side one's address.
      iceTransportPolicy: isDirect ? "all" : "relay",
      bundlePolicy: "max-bundle",
    });
    for (const track of microphone.getAudioTracks()) this.#connection.addTrack(track, microphone);
    this.#listen();
  }

  /** The microphone: only after somebody tapped to call or to answer. @returns {Promise<MediaStream>} */
  static microphone() {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return navigator.mediaDevices.getUserMedia({ audio });
  }

  /** @param {boolean} [isRestart] whether other ways are to be found @returns {Promise<string>} an SDP */
  async offer(isRestart = false) {
    if (isRestart) this.#connection.restartIce();
    await this.#connection.setLocalDescription(await this.#connection.createOffer({ iceRestart: isRestart }));
    return this.#local();
  }

  /** Null where the own offer has precedence. @param {string} sdp @returns {Promise<string | null>} */
  async answer(sdp) {
    checkFingerprints(sdp);
    if (this.#connection.signalingState !== "stable" && !this.#isPolite) return null;
    await this.#connection.setRemoteDescription({ type: "offer", sdp });
    await this.#connection.setLocalDescription();
    await this.#takeEarly();
    return this.#local();
  }

  /** @param {string} sdp */
  async accept(sdp) {
    checkFingerprints(sdp);
    if (this.#connection.signalingState !== "have-local-offer") return;
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
    await this.#takeEarly();
  }

  /** @param {string} candidate JSON */
  async add(candidate) {
    this.#early.push(JSON.parse(candidate));
    if (this.#connection.remoteDescription) await this.#takeEarly();
  }

  /** @param {IceServer[]} servers fresh credentials */
  renew(servers) {
    this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers: servers });
  }

  /** @param {boolean} muted */
  mute(muted) {
    for (const track of this.#microphone.getAudioTracks()) track.enabled = !muted;
  }

  /** @param {string} device */
  async setSpeaker(device) {
    await this.#sound.setSinkId(device);
  }

  close() {
    clearInterval(this.#watch);
    this.#connection.close();
    for (const track of this.#microphone.getTracks()) track.stop();
    this.#sound.srcObject = null;
  }

  /** What WebRTC counts. */
  stats() {
    return this.#connection.getStats();
  }

  #listen() {
    const connection = this.#connection;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) this.#say("candidate", JSON.stringify(candidate.toJSON()));
    };
    connection.ontrack = ({ streams: [stream] }) => {
      this.#sound.srcObject = stream;
      // It may play: a call is begun or taken by a tap.
      this.#sound.play().catch(() => {});
    };
    connection.onconnectionstatechange = () => this.#follow(connection.connectionState);
  }

  /** @param {RTCPeerConnectionState} state */
  #follow(state) {
    if (state === "connected" && this.#watch === undefined) {
      this.#look();
      this.#watch = setInterval(() => this.#look(), INTERVAL);
    }
    /** @type {Partial<Record<RTCPeerConnectionState, MediaState>>} */
    const states = { connected: "connected", disconnected: "reconnecting", failed: "failed" };
    const next = states[state];
    if (!next || next === this.state) return;
    this.state = next;
    this.#say("state", next);
  }

  async #look() {
    if (this.#connection.connectionState !== "connected") return;
    const { count, ...measured } = await measure(this.#connection, this.#count);
    this.#count = count;
    this.#say("measured", measured);
  }

  async #takeEarly() {
    for (const candidate of this.#early.splice(0)) {
      // One that doesn't fit is none of the ways; others may do.
      await this.#connection.addIceCandidate(candidate).catch(() => {});
    }
  }

  #local() {
    return /** @type {RTCSessionDescription} */ (this.#connection.localDescription).sdp;
  }

  /** @param {string} name @param {unknown} detail */
  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
