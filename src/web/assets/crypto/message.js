// @ts-check
// Bodies on the wire (E2EE.md §7.1, §7.2): a header and ciphertext, behind a prefix in first messages.

/** @import { Bytes } from "./bytes.js" */
import { concat, readU32, u32 } from "./bytes.js";
import { Refusal } from "./refusal.js";

/** @typedef {{ their: Bytes, previous: number, number: number }} Header */
/** @typedef {{ prefix: Bytes, header: Header, front: Bytes, sealed: Bytes }} Message `front`: prefix and header as they came */
/** @typedef {{ identity: Bytes, ephemeral: Bytes, signed: number, oneTime: number | null }} Prefix */
/** @typedef {1 | 2} Type 1 with a prefix, 2 without */

const PREFIX = 74;
const HEADER = 41;
const TAG = 16;
const VERSION = 1;

/** @param {Header} header @returns {Bytes} */
export const writeHeader = ({ their, previous, number }) =>
  concat(Uint8Array.of(VERSION), their, u32(previous), u32(number));

/** @param {Prefix} prefix @returns {Bytes} */
export const writePrefix = ({ identity, ephemeral, signed, oneTime }) =>
  concat(
    Uint8Array.of(VERSION, oneTime === null ? 0 : 1),
    identity,
    ephemeral,
    u32(signed),
    u32(oneTime ?? 0),
  );

/** @param {Type} type @param {Bytes} body @returns {Message} */
export function readMessage(type, body) {
  const start = type === 1 ? PREFIX : 0;
  const rest = body.slice(start);
  if (rest.length < HEADER + TAG || rest[0] !== VERSION) throw new Refusal("malformed", "a message");
  return {
    prefix: body.slice(0, start),
    header: { their: rest.slice(1, 33), previous: readU32(rest, 33), number: readU32(rest, 37) },
    front: body.slice(0, start + HEADER),
    sealed: rest.slice(HEADER),
  };
}

/** @param {Bytes} prefix @returns {Prefix} */
export function readPrefix(prefix) {
  const flags = prefix[1];
  const oneTime = readU32(prefix, 70);
  if (prefix[0] !== VERSION || flags > 1 || (flags === 1) !== (oneTime !== 0) || oneTime > 0x7fffffff) {
    throw new Refusal("malformed", "a prekey message");
  }
  return {
    identity: prefix.slice(2, 34),
    ephemeral: prefix.slice(34, 66),
    signed: readU32(prefix, 66),
    oneTime: flags ? oneTime : null,
  };
}
