// @ts-check
// What somebody wrote, as nodes: text, and links that are safe to click. A link is https alone, is
// shown as it was typed, and says where it leads where its letters may deceive.

import { h } from "./dom.js";
import { t } from "./words.js";

const CANDIDATE = /https:\/\/[^\s<>"`\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069]+/giu;
const CLOSERS = /** @type {Record<string, string>} */ ({ ")": "(", "]": "[", "}": "{" });

/** Longer ones are shown in part first. */
export const SHOWN_AT_ONCE = 2500;
const LINES_AT_ONCE = 40;

/** @param {string} text */
export function textNodes(text) {
  /** @type {(Node | string)[]} */
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(CANDIDATE)) {
    const typed = trimmed(found[0]);
    const link = anchor(typed);
    if (!link) continue;
    nodes.push(text.slice(done, found.index), ...link);
    done = found.index + typed.length;
  }
  nodes.push(text.slice(done));
  return nodes.filter((node) => node !== "");
}

/** How much of a long text is shown at once. @param {string} text */
export function beginning(text) {
  let end = text.length > SHOWN_AT_ONCE ? SHOWN_AT_ONCE : text.length;
  let line = -1;
  for (let count = 0; count < LINES_AT_ONCE; count += 1) {
    line = text.indexOf("\n", line + 1);
    if (line < 0) break;
  }
  if (line >= 0 && line < end) end = line;
  if (end >= text.length) return text;
  const half = text.charCodeAt(end - 1);
  return text.slice(0, half >= 0xd800 && half < 0xdc00 ? end - 1 : end);
}

/** @param {string} typed */
function anchor(typed) {
  const url = URL.parse ? URL.parse(typed) : parsed(typed);
  if (!url || url.protocol !== "https:" || url.username || url.password || !url.hostname) return null;
  const link = h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", referrerpolicy: "no-referrer" }, typed);
  if (!/(^|\.)xn--/.test(url.hostname)) return [link];
  return [link, " ", h("span", { class: "deceiving" }, t("text.really", { host: url.hostname }))];
}

/** @param {string} typed */
function parsed(typed) {
  try {
    return new URL(typed);
  } catch {
    return null;
  }
}

/** Without what ends a sentence rather than a link. @param {string} typed */
function trimmed(typed) {
  let end = typed.length;
  for (;;) {
    const last = typed[end - 1] ?? "";
    const open = CLOSERS[last];
    const body = typed.slice(0, end);
    const unopened = open !== undefined && body.split(last).length > body.split(open).length;
    if (!/[.,;:!?'*_~…]/.test(last) && !unopened) return body;
    end -= 1;
  }
}
