// @ts-check
// The arithmetic of QR codes' error correction: GF(256) modulo x^8+x^4+x^3+x^2+1, and
// Reed-Solomon over it (ISO/IEC 18004, 7.5).

const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = (value << 1) ^ (value & 0x80 ? 0x11d : 0);
}

/**
 * @param {number} a
 * @param {number} b
 */
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

/** The generator polynomial's coefficients below the leading one, highest first.
 * @param {number} degree */
export function generator(degree) {
  let polynomial = Uint8Array.of(1);
  for (let root = 0; root < degree; root += 1) {
    const next = new Uint8Array(polynomial.length + 1);
    polynomial.forEach((coefficient, at) => {
      next[at] ^= coefficient;
      next[at + 1] ^= times(coefficient, EXP[root]);
    });
    polynomial = next;
  }
  return polynomial.slice(1);
}

/**
 * What is left of `data` divided by the generator: the codewords that mend it.
 * @param {Uint8Array} data
 * @param {Uint8Array} divisor
 */
export function remainder(data, divisor) {
  const rest = new Uint8Array(divisor.length);
  for (const byte of data) {
    const factor = byte ^ rest[0];
    rest.copyWithin(0, 1);
    rest[rest.length - 1] = 0;
    divisor.forEach((coefficient, at) => (rest[at] ^= times(coefficient, factor)));
  }
  return rest;
}
