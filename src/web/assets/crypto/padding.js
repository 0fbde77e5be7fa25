// @ts-check
// PAD and UNPAD (E2EE.md §6.1): what is sealed has one of ten lengths.

/** @import { Bytes } from "./bytes.js" */
import { Refusal } from "./refusal.js";

const SIZES = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 49152, 65536];
/** The longest message, in bytes. */
export const LONGEST = 65535;

/** @param {Bytes} message @returns {Bytes} */
export function pad(message) {
  const size = SIZES.find((size) => size > message.length);
  if (!size) throw new Refusal("too_long", `at most ${LONGEST} bytes`);
  const padded = new Uint8Array(size);
  padded.set(message);
  padded[message.length] = 0x80;
  return padded;
}

/** @param {Bytes} padded @returns {Bytes} */
export function unpad(padded) {
  const end = padded.findLastIndex((byte) => byte !== 0);
  const isPadded = SIZES.includes(padded.length) && padded[end] === 0x80;
  if (!isPadded || SIZES.find((size) => size > end) !== padded.length) {
    throw new Refusal("malformed", "padding");
  }
  return padded.slice(0, end);
}
