// @ts-check
// Handles, and what the server is told in their place (PROTOCOL.md §2).

/** @import { Bytes } from "./bytes.js" */
import { toHex, utf8 } from "./bytes.js";
import { pbkdf2 } from "./primitives.js";

const ROUNDS = 600_000;

/** A handle as everybody writes it. @param {string} typed */
export const normalized = (typed) => typed.normalize("NFKC").trim().toLowerCase();

/** `phone_hash`; half a second of work. @param {string} handle @param {Bytes} salt the server's @returns {Promise<string>} */
export const hashHandle = async (handle, salt) => toHex(await pbkdf2(utf8(normalized(handle)), salt, ROUNDS));
