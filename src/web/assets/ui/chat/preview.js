// @ts-check
// One line about a message, and the marks of how far it came.

import { h, spoken } from "../dom.js";
import { icon } from "../icon.js";
import { stopwatch } from "../time.js";
import { t, tOr } from "../words.js";

/** @typedef {import("../../model.js").Message} Message */

const LONGEST = 140;

/** @type {Record<NonNullable<Message["state"]>, import("../icon.js").IconName>} */
const SIGNS = { waiting: "clock", sent: "check", delivered: "checks", read: "checks", held: "pause", failed: "alert" };

/** How far a message of mine came. @param {NonNullable<Message["state"]>} state */
export function marks(state) {
  return h("span", { class: "marks", "data-state": state, title: t(`state.${state}`) }, icon(SIGNS[state]), spoken(t(`state.${state}`)));
}

/** @param {Message} message @returns {(Node | string)[]} */
export function preview(message) {
  const words = message.kind === "text" ? message.text.slice(0, LONGEST).replace(/\s+/g, " ") : about(message);
  if (!message.mine || message.kind !== "text") return [words];
  return [...(message.state ? [marks(message.state)] : []), spoken(t("chat.you")), words];
}

/** What a message that isn't text says. @param {Message} message */
export function about({ kind, call, mine }) {
  if (kind !== "call" || !call) return t(`message.${kind === "call" || kind === "text" ? "unsupported" : kind}`);
  if (call.seconds !== null) return t(call.outgoing ? "call.entry.out" : "call.entry.in", { time: stopwatch(call.seconds) });
  if (!call.outgoing && !mine && call.reason !== "rejected") return t("call.entry.missed");
  return tOr(`call.ended.${call.reason}`, call.outgoing ? "call.entry.unanswered" : "call.entry.missed");
}
