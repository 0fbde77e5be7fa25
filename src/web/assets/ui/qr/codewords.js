// @ts-check
// From text to the codewords of a symbol: byte mode, error correction level M, versions 1 to 20
// (ISO/IEC 18004, 7.4 to 7.6).

import { generator, remainder } from "./field.js";

// Table 9 at level M: codewords that mend, of each block; blocks.
const MENDING = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const LARGEST = BLOCKS.length;

const BYTE_MODE = 0b0100;
const PADDING = [0xec, 0x11];

/**
 * @param {string} text
 * @returns {{ version: number, codewords: Uint8Array }}
 * @throws {RangeError} where it is longer than the largest symbol here holds
 */
export function encode(text) {
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= LARGEST; version += 1) {
    const room = capacity(version);
    if (countBits(version) + 4 + bytes.length * 8 <= room * 8) {
      return { version, codewords: interleave(version, pack(bytes, version, room)) };
    }
  }
  throw new RangeError(`${bytes.length} bytes are too many for a QR code`);
}

/** Modules that carry data: all but those of the patterns (table 1). @param {number} version */
export function dataModules(version) {
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const aligned = Math.floor(version / 7) + 2;
    modules -= (25 * aligned - 10) * aligned - 55;
    if (version >= 7) modules -= 36;
  }
  return modules;
}

/** @param {number} version */
function capacity(version) {
  return Math.floor(dataModules(version) / 8) - MENDING[version - 1] * BLOCKS[version - 1];
}

/** @param {number} version */
function countBits(version) {
  return version < 10 ? 8 : 16;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} version
 * @param {number} room
 */
function pack(bytes, version, room) {
  const packed = new Uint8Array(room);
  let at = 0;
  /** @param {number} value @param {number} bits */
  const put = (value, bits) => {
    for (let bit = bits - 1; bit >= 0; bit -= 1, at += 1) packed[at >> 3] |= ((value >> bit) & 1) << (7 - (at & 7));
  };
  put(BYTE_MODE, 4);
  put(bytes.length, countBits(version));
  for (const byte of bytes) put(byte, 8);
  at = Math.min(at + 4, room * 8);
  for (let byte = Math.ceil(at / 8), turn = 0; byte < room; byte += 1, turn ^= 1) packed[byte] = PADDING[turn];
  return packed;
}

/**
 * @param {number} version
 * @param {Uint8Array} data
 */
function interleave(version, data) {
  const count = BLOCKS[version - 1];
  const divisor = generator(MENDING[version - 1]);
  const short = Math.floor(data.length / count);
  const longer = data.length % count;
  /** @type {Uint8Array[]} */
  const blocks = [];
  for (let block = 0, at = 0; block < count; block += 1) {
    const length = short + (block >= count - longer ? 1 : 0);
    blocks.push(data.subarray(at, at + length));
    at += length;
  }
  const mending = blocks.map((block) => remainder(block, divisor));
  return Uint8Array.from([...columns(blocks, short + 1), ...columns(mending, divisor.length)]);
}

/**
 * @param {Uint8Array[]} blocks
 * @param {number} longest
 */
function* columns(blocks, longest) {
  for (let at = 0; at < longest; at += 1) {
    for (const block of blocks) if (at < block.length) yield block[at];
  }
}
