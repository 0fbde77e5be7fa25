// @ts-check
// Bytes and their forms in text. Decoders are strict: one text for one value.

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

import { Refusal } from "./refusal.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @type {(text: string) => Bytes} */
export const utf8 = (text) => encoder.encode(text);

/** Text of UTF-8; anything else is refused. @type {(bytes: Bytes) => string} */
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Refusal("malformed", "UTF-8");
  }
}

/** @type {(...parts: Uint8Array[]) => Bytes} */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/** Whether both are the same, in a time that doesn't say where they differ. @type {(a: Uint8Array, b: Uint8Array) => boolean} */
export function equal(a, b) {
  if (a.length !== b.length) return false;
  let odd = 0;
  for (let place = 0; place < a.length; place += 1) odd |= a[place] ^ b[place];
  return odd === 0;
}

/** @type {(bytes: Uint8Array) => void} */
export const wipe = (bytes) => void bytes.fill(0);

/** Random bytes of the system. @type {(length: number) => Bytes} */
export const random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** @type {(bytes: Uint8Array) => string} */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @type {(hex: string) => Bytes} */
export function fromHex(hex) {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Refusal("malformed", "hex");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const SLICE = 0x8000; // arguments that a call may take

/** @type {(bytes: Uint8Array) => string} */
export function toBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += SLICE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  }
  return btoa(binary);
}

/** Standard alphabet, padded, no spaces, unused bits zero. @type {(base64: string) => Bytes} */
export function fromBase64(base64) {
  if (typeof base64 !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4) {
    throw new Refusal("malformed", "base64");
  }
  let binary;
  try {
    binary = atob(base64);
  } catch {
    throw new Refusal("malformed", "base64");
  }
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  // Only the last group can hold unused bits.
  if (base64.endsWith("=") && toBase64(bytes.subarray(bytes.length - (bytes.length % 3))) !== base64.slice(-4)) {
    throw new Refusal("malformed", "base64");
  }
  return bytes;
}

/** @type {(bytes: Uint8Array) => string} */
export const toBase64Url = (bytes) => toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_");

/** With or without padding. @type {(text: string) => Bytes} */
export function fromBase64Url(text) {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) throw new Refusal("malformed", "base64url");
  const bare = text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(bare.padEnd(Math.ceil(bare.length / 4) * 4, "="));
}

/** Big-endian. @type {(number: number) => Bytes} */
export function u32(number) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** Big-endian; exact to 2⁵³. @type {(number: number) => Bytes} */
export function u64(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** @type {(bytes: Uint8Array, at: number) => number} */
export const readU32 = (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param {unknown} text @returns {text is string} */
export function isUuid(text) {
  return typeof text === "string" && UUID.test(text);
}

/** The 16 bytes of a UUID. @type {(uuid: string) => Bytes} */
export function uuidBytes(uuid) {
  if (!isUuid(uuid)) throw new Refusal("malformed", "a UUID");
  return fromHex(uuid.replaceAll("-", ""));
}
