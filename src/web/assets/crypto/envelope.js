// @ts-check
// Envelope and payload (E2EE.md §7.3): what is given to the server and comes back from it.

/** @import { Bytes } from "./bytes.js" */
/** @import { Type } from "./message.js" */
import { fromBase64, text, toBase64, utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";

/** @typedef {{ type: Type, registration: number, device: number, body: Bytes }} Envelope `registration` and `device` are hints, never trusted */

const LONGEST_BODY = 65667;
const LONGEST_PAYLOAD = 131072;
const LAST_REGISTRATION = 16380;

/** @param {Envelope} envelope @returns {string} */
export function writePayload({ type, registration, device, body }) {
  const fields = { type, registrationId: registration, deviceId: device, body: toBase64(body) };
  return toBase64(utf8(JSON.stringify(fields)));
}

/** @param {string} payload @returns {Envelope} */
export function readPayload(payload) {
  const refuse = () => new Refusal("malformed", "an envelope");
  if (typeof payload !== "string" || payload.length > LONGEST_PAYLOAD) throw refuse();
  const fields = json(text(fromBase64(payload)));
  const { type, registrationId: registration, deviceId: device } = fields;
  const isOne = Number.isInteger(registration) && registration >= 1 && registration <= LAST_REGISTRATION;
  if ((type !== 1 && type !== 2) || !isOne || !Number.isInteger(device)) throw refuse();
  const body = fromBase64(fields.body);
  if (body.length > LONGEST_BODY) throw refuse();
  return { type, registration, device, body };
}

/** A registration id, drawn when a client is installed. */
export const drawRegistration = () => (crypto.getRandomValues(new Uint32Array(1))[0] % LAST_REGISTRATION) + 1;

/** @param {string} source @returns {Record<string, any>} */
function json(source) {
  try {
    return Object(JSON.parse(source));
  } catch {
    throw new Refusal("malformed", "JSON");
  }
}
