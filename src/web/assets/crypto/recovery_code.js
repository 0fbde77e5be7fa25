// @ts-check
// Recovery codes (docs/encryption.md, "The backup"): 128 random bits and a check, in 28 characters
// that a person can write down. The seed of an account made here is derived from its code, so that
// the code alone brings the account back.

/** @import { Bytes } from "./bytes.js" */
import { concat, utf8 } from "./bytes.js";
import { hkdf, sha256 } from "./primitives.js";
import { Refusal } from "./refusal.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE = 16; // bytes
const CHARACTERS = 28;
const CHECK = 12n; // bits

/** Seven groups of four. @param {Bytes} code 16 bytes @returns {Promise<string>} */
export async function writeCode(code) {
  let bits = (number(code) << CHECK) | (await checkOf(code));
  const characters = [];
  for (let place = 0; place < CHARACTERS; place += 1) {
    characters.unshift(ALPHABET[Number(bits & 31n)]);
    bits >>= 5n;
  }
  return /** @type {string[]} */ (characters.join("").match(/.{4}/g)).join("-");
}

/** As people type it. @param {string} typed @returns {Promise<Bytes>} */
export async function readCode(typed) {
  const characters = typed.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replaceAll("O", "0");
  const digits = Array.from(characters, (character) => ALPHABET.indexOf(character));
  if (digits.length !== CHARACTERS || digits.includes(-1)) throw new Refusal("recovery_code", "28 characters");
  const bits = digits.reduce((sum, digit) => (sum << 5n) | BigInt(digit), 0n);
  const code = new Uint8Array(CODE);
  let rest = bits >> CHECK;
  for (let place = CODE - 1; place >= 0; place -= 1) {
    code[place] = Number(rest & 255n);
    rest >>= 8n;
  }
  if ((await checkOf(code)) !== (bits & ((1n << CHECK) - 1n))) throw new Refusal("recovery_code", "no typing error");
  return code;
}

/** The seed of the account that was made with this code. @param {Bytes} code @returns {Promise<Bytes>} */
export const seedOf = (code) => hkdf(null, code, "PrivComm_Seed_v1", 32);

/** @param {Bytes} code */
async function checkOf(code) {
  const digest = await sha256(concat(utf8("PrivComm_Code_v1\n"), code));
  return number(digest.slice(0, 2)) >> 4n;
}

/** @param {Bytes} bytes */
const number = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
