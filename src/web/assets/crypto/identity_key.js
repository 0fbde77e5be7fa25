// @ts-check
// Received identity keys: their check, and the X25519 form of them (E2EE.md §3.2, §3.3). Both are
// public, so arithmetic that isn't constant in time does.

/** @import { Bytes } from "./bytes.js" */
import { fromHex, toHex } from "./bytes.js";
import { Refusal } from "./refusal.js";

const P = 2n ** 255n - 19n;
const D = modulo(-121665n * power(121666n, P - 2n));

/** Refuses a key that isn't canonical, not on the curve or of small order. @param {Bytes} key */
export function checkIdentity(key) {
  coordinate(key);
}

/** `X(IK)`, of a key that it checks. @param {Bytes} key @returns {Bytes} */
export function montgomery(key) {
  const y = coordinate(key);
  const u = modulo((1n + y) * power(1n - y, P - 2n));
  return fromHex(u.toString(16).padStart(64, "0")).reverse();
}

/** Whether `key` made `signature` over `data`. @param {Bytes} key @param {Bytes} signature @param {Bytes} data */
export async function verify(key, signature, data) {
  checkIdentity(key);
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, data);
}

/** @param {Bytes} key @returns {bigint} `y` */
function coordinate(key) {
  const refuse = () => new Refusal("identity", "an Ed25519 key of large order");
  if (key.length !== 32) throw refuse();
  const sign = key[31] >> 7;
  const y = BigInt(`0x${toHex(key.slice().reverse())}`) & ((1n << 255n) - 1n);
  if (y >= P) throw refuse();
  const square = modulo((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  if (square === 0n && sign) throw refuse();
  if (square !== 0n && power(square, (P - 1n) / 2n) !== 1n) throw refuse();
  const isSmall = [0n, 1n, P - 1n].includes(y) || modulo(D * y ** 4n + 2n * y * y - 1n) === 0n;
  if (isSmall) throw refuse();
  return y;
}

/** @param {bigint} number */
function modulo(number) {
  const rest = number % P;
  return rest < 0n ? rest + P : rest;
}

/** @param {bigint} base @param {bigint} exponent */
function power(base, exponent) {
  let result = 1n;
  for (let factor = modulo(base), left = exponent; left; left >>= 1n) {
    if (left & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}
