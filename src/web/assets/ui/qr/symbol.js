// @ts-check
// From codewords to dark and light modules: patterns, masks, format (ISO/IEC 18004, 7.7 to 7.10).

import { encode } from "./codewords.js";

const MASKS = /** @type {((x: number, y: number) => boolean)[]} */ ([
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]);

/**
 * The rows of the symbol that says `text`, true where dark; without the quiet zone.
 * @param {string} text
 * @returns {boolean[][]}
 */
export function symbol(text) {
  const { version, codewords } = encode(text);
  const drawn = MASKS.map((_, mask) => {
    const grid = new Grid(version);
    grid.patterns();
    grid.data(codewords, mask);
    grid.format(mask);
    return grid.dark;
  });
  const penalties = drawn.map(penalty);
  return drawn[penalties.indexOf(Math.min(...penalties))];
}

class Grid {
  /** @param {number} version */
  constructor(version) {
    this.version = version;
    this.size = version * 4 + 17;
    const rows = () => Array.from({ length: this.size }, () => Array(this.size).fill(false));
    /** @type {boolean[][]} */
    this.dark = rows();
    /** @type {boolean[][]} where no data goes */
    this.fixed = rows();
  }

  /** @param {number} x @param {number} y @param {boolean} dark */
  fix(x, y, dark) {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.dark[y][x] = dark;
    this.fixed[y][x] = true;
  }

  patterns() {
    for (let at = 0; at < this.size; at += 1) {
      this.fix(6, at, at % 2 === 0);
      this.fix(at, 6, at % 2 === 0);
    }
    const far = this.size - 4;
    for (const [x, y] of [[3, 3], [far, 3], [3, far]]) this.rings(x, y, 4, (ring) => ring !== 2 && ring !== 4);
    const centres = this.alignment();
    const last = centres.length - 1;
    centres.forEach((x, column) => centres.forEach((y, row) => {
      const taken = (column === 0 && row === 0) || (column === last && row === 0) || (column === 0 && row === last);
      if (!taken) this.rings(x, y, 2, (ring) => ring !== 1);
    }));
    this.format(0);
    if (this.version >= 7) this.versionBits();
  }

  /** @param {number} x @param {number} y @param {number} reach @param {(ring: number) => boolean} dark */
  rings(x, y, reach, dark) {
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) this.fix(x + dx, y + dy, dark(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  }

  /** Annex E. */
  alignment() {
    if (this.version === 1) return [];
    const count = Math.floor(this.version / 7) + 2;
    const step = Math.ceil((this.version * 4 + 4) / (count * 2 - 2)) * 2;
    const centres = [6];
    for (let at = this.size - 7; centres.length < count; at -= step) centres.splice(1, 0, at);
    return centres;
  }

  /** 7.9: level M is 00. @param {number} mask */
  format(mask) {
    const bits = ((mask << 10) | divided(mask << 10, 0x537, 10)) ^ 0x5412;
    /** @param {number} at */
    const bit = (at) => ((bits >> at) & 1) === 1;
    for (let at = 0; at < 15; at += 1) {
      if (at < 8) this.fix(8, at < 6 ? at : at + 1, bit(at));
      else this.fix(at === 8 ? 7 : 14 - at, 8, bit(at));
      if (at < 8) this.fix(this.size - 1 - at, 8, bit(at));
      else this.fix(8, this.size - 15 + at, bit(at));
    }
    this.fix(8, this.size - 8, true);
  }

  /** 7.10. */
  versionBits() {
    const bits = (this.version << 12) | divided(this.version << 12, 0x1f25, 12);
    for (let at = 0; at < 18; at += 1) {
      const [near, far] = [Math.floor(at / 3), this.size - 11 + (at % 3)];
      this.fix(far, near, ((bits >> at) & 1) === 1);
      this.fix(near, far, ((bits >> at) & 1) === 1);
    }
  }

  /** 7.7.3: in columns two wide, from the right, up and down in turn. @param {Uint8Array} codewords @param {number} mask */
  data(codewords, mask) {
    let at = 0;
    for (let right = this.size - 1, up = true; right >= 1; right -= 2, up = !up) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step += 1) {
        const y = up ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y][x]) continue;
          const bit = at < codewords.length * 8 && ((codewords[at >> 3] >> (7 - (at & 7))) & 1) === 1;
          this.dark[y][x] = bit !== MASKS[mask](x, y);
          at += 1;
        }
      }
    }
  }
}

/**
 * The remainder of a division of polynomials over GF(2).
 * @param {number} value
 * @param {number} divisor
 * @param {number} degree
 */
function divided(value, divisor, degree) {
  for (let bit = 31; bit >= degree; bit -= 1) if ((value >>> bit) & 1) value ^= divisor << (bit - degree);
  return value;
}

/** 7.8.3: how hard a reader would find it. @param {boolean[][]} dark */
function penalty(dark) {
  const size = dark.length;
  const columns = dark.map((_, x) => dark.map((row) => row[x]));
  let sum = 0;
  for (const line of [...dark, ...columns]) sum += inLine(line);
  for (let y = 1; y < size; y += 1) {
    for (let x = 1; x < size; x += 1) {
      const one = dark[y][x];
      if (one === dark[y - 1][x] && one === dark[y][x - 1] && one === dark[y - 1][x - 1]) sum += 3;
    }
  }
  const share = dark.flat().filter(Boolean).length / (size * size);
  return sum + Math.floor(Math.abs(share - 0.5) * 20) * 10;
}

/** @param {boolean[]} line */
function inLine(line) {
  const text = line.map(Number).join("");
  const runs = (text.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);
  return runs + (text.match(/(?=00001011101|10111010000)/g) ?? []).length * 40;
}
