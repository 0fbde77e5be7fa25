// @ts-check
// What a message says, once it is opened (E2EE.md §6.2): JSON of one shape.

/** @import { Bytes } from "./bytes.js" */
import { fromBase64, isUuid, text as textOf, toBase64, utf8 } from "./bytes.js";
import { LONGEST } from "./padding.js";
import { Refusal } from "./refusal.js";

/**
 * @typedef {{ kind: "text", text: string, handle?: string }
 *   | { kind: "receipt", ids: string[], state: "delivered" | "read" }
 *   | { kind: "call", callId: string, secret: Bytes, sdp: string }
 *   | { kind: "reset" } | { kind: "dummy" } | { kind: "unsupported" }} Says
 * `handle`: what the sender of a first message says to be called; nothing until it was looked up
 */
/** @typedef {{ id: string, ts: number, says: Says }} Content `ts`: when the sender says it was written */

const PLAUSIBLE = 10 * 60_000;

/** @param {Content} content @returns {Bytes} */
export function writeContent({ id, ts, says }) {
  const bytes = utf8(JSON.stringify({ v: 1, id, ts, ...fields(says) }));
  if (bytes.length > LONGEST) throw new Refusal("too_long", `at most ${LONGEST} bytes`);
  return bytes;
}

/** @param {Bytes} bytes @returns {Content} */
export function readContent(bytes) {
  const content = parse(bytes);
  const { v, id, ts } = content;
  if (v !== 1 || !isUuid(id) || !Number.isSafeInteger(ts) || ts < 0 || typeof content.kind !== "string") {
    throw new Refusal("malformed", "content of version 1");
  }
  return { id, ts, says: said(content) };
}

/** Whether the claim of when it was written agrees with the server's time. @param {number} claimed @param {number} server */
export const isPlausible = (claimed, server) => Math.abs(claimed - server) <= PLAUSIBLE;

/** @param {Says} says */
function fields(says) {
  if (says.kind !== "call") return says;
  return { kind: "call", call_id: says.callId, secret: toBase64(says.secret), sdp: says.sdp };
}

/** @param {Record<string, any>} content @returns {Says} */
function said(content) {
  const refuse = () => new Refusal("malformed", `content of kind ${content.kind}`);
  switch (content.kind) {
    case "text": {
      const { text, handle } = content;
      if (typeof text !== "string") throw refuse();
      return { kind: "text", text, ...(typeof handle === "string" && { handle }) };
    }
    case "receipt": {
      const { ids, state } = content;
      if (!Array.isArray(ids) || !ids.every(isUuid) || !["delivered", "read"].includes(state)) throw refuse();
      return { kind: "receipt", ids, state };
    }
    case "call": {
      const { call_id: callId, sdp } = content;
      const secret = fromBase64(content.secret);
      if (!isUuid(callId) || secret.length !== 32 || typeof sdp !== "string") throw refuse();
      return { kind: "call", callId, secret, sdp };
    }
    case "reset":
    case "dummy":
      return { kind: content.kind };
    default:
      return { kind: "unsupported" };
  }
}

/** @param {Bytes} bytes @returns {Record<string, any>} */
function parse(bytes) {
  try {
    return Object(JSON.parse(textOf(bytes)));
  } catch {
    throw new Refusal("malformed", "JSON");
  }
}
