// @ts-check
// The sounds of a call: one that calls, one that waits. Made here; nothing is fetched.

/** @typedef {import("../../model.js").Call} Call */
/** @typedef {{ tones: [number, number, number][], every: number, loud: number, shake: number[] }} Melody tones: hertz, begin and length in seconds */

/** @type {Record<"incoming" | "waiting", Melody>} */
const MELODIES = {
  incoming: { tones: [[523, 0, 0.35], [659, 0.2, 0.35], [784, 0.4, 0.6], [523, 1.1, 0.35], [784, 1.3, 0.6]], every: 3000, loud: 0.12, shake: [400, 200, 400] },
  waiting: { tones: [[425, 0, 1]], every: 4000, loud: 0.04, shake: [] },
};

export class Ring {
  constructor() {
    /** @type {keyof typeof MELODIES | null} */
    this.playing = null;
    /** @type {AudioContext | null} */
    this.context = null;
    this.timer = 0;
  }

  /** @param {Call | null} call */
  follow(call) {
    const wanted = call?.state === "ringing" ? (call.outgoing ? "waiting" : "incoming") : null;
    if (wanted === this.playing) return;
    this.stop();
    this.playing = wanted;
    if (wanted) this.play(MELODIES[wanted]);
  }

  /** @param {Melody} melody */
  play(melody) {
    if (typeof AudioContext === "undefined") return;
    this.context = new AudioContext();
    const again = () => {
      if (!this.context) return;
      for (const tone of melody.tones) strike(this.context, tone, melody.loud);
      if (melody.shake.length && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(melody.shake);
      this.timer = window.setTimeout(again, melody.every);
    };
    again();
  }

  stop() {
    clearTimeout(this.timer);
    if (this.playing === "incoming" && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(0);
    void this.context?.close();
    this.context = null;
  }
}

/** @param {AudioContext} context @param {[number, number, number]} tone @param {number} loud */
function strike(context, [hertz, begin, length], loud) {
  const [source, gain] = [new OscillatorNode(context, { frequency: hertz, type: "sine" }), new GainNode(context, { gain: 0 })];
  const at = context.currentTime + begin;
  gain.gain.linearRampToValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loud, at + 0.03);
  gain.gain.linearRampToValueAtTime(0, at + length);
  source.connect(gain).connect(context.destination);
  source.start(at);
  source.stop(at + length);
}
