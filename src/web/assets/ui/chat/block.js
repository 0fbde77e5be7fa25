// @ts-check
// Messages that stand one after the other, with a line where a day begins and one where the unread
// begin. Its nodes can go and come back.

import { h } from "../dom.js";
import { day, dayWords } from "../time.js";
import { t } from "../words.js";
import { Bubble } from "./bubble.js";

/** @typedef {import("../../model.js").Message} Message */

/** How high a message is, where nobody has seen it yet. */
const ABOUT = 72;

export class Block {
  /** @param {Message[]} messages oldest first @param {string} divider the first unread one @param {import("./bubble.js").Deeds} deeds */
  constructor(messages, divider, deeds) {
    this.messages = messages;
    this.divider = divider;
    this.deeds = deeds;
    this.node = h("div", { class: "block" });
    /** @type {Map<string, Bubble>} */
    this.bubbles = new Map();
    /** @type {Message | undefined} what stands before the first */
    this.before = undefined;
    this.filled = false;
    this.width = 0;
    this.height = 0;
  }

  /** @param {Message | undefined} before */
  fill(before) {
    if (this.filled) return;
    this.filled = true;
    this.before = before;
    this.node.append(...this.nodes(this.messages, before));
    this.node.style.height = "";
  }

  /** Takes about the room it will need. */
  reserve() {
    this.height = this.messages.length * ABOUT;
    this.node.style.height = `${this.height}px`;
  }

  /** Lets go of its nodes. @param {number} width @param {number} height */
  empty(width, height) {
    if (!this.filled || this.node.contains(document.activeElement)) return;
    this.filled = false;
    this.width = width;
    this.height = height;
    this.node.style.height = `${height}px`;
    this.node.replaceChildren();
    this.bubbles.clear();
  }

  /** @param {Message[]} messages @param {Message | undefined} before */
  nodes(messages, before) {
    const nodes = [];
    for (const message of messages) {
      if (!before || day(before.at) !== day(message.at)) nodes.push(h("p", { class: "day" }, h("time", {}, dayWords(message.at))));
      if (message.id === this.divider) nodes.push(h("p", { class: "unread-line" }, h("span", {}, t("chat.unread"))));
      const bubble = new Bubble(message, before, this.deeds);
      this.bubbles.set(message.id, bubble);
      nodes.push(bubble.node);
      before = message;
    }
    return nodes;
  }

  /** What stands before it became known: its first lines may not be needed. @param {Message | undefined} before */
  after(before) {
    this.before = before;
    const first = this.messages[0];
    if (!this.filled || !first || !before) return;
    if (day(before.at) === day(first.at)) this.node.querySelector(":scope > .day:first-child")?.remove();
    this.bubbles.get(first.id)?.follow(before);
  }

  /** @param {Message[]} messages */
  add(messages) {
    const last = this.messages.at(-1);
    this.messages = [...this.messages, ...messages];
    if (this.filled) this.node.append(...this.nodes(messages, last));
  }

  /**
   * Shows what changed, and lets go of what isn't there any more.
   * @param {Map<string, Message>} fresh
   * @param {number} from the first of these messages that `fresh` speaks about
   */
  renew(fresh, from) {
    const before = this.messages;
    this.messages = before.filter(({ id }, at) => at < from || fresh.has(id)).map((message) => {
      const now = fresh.get(message.id) ?? message;
      if (changed(message, now)) this.bubbles.get(message.id)?.show(now);
      return now;
    });
    if (this.filled && this.messages.length < before.length) {
      this.node.replaceChildren();
      this.bubbles.clear();
      this.node.append(...this.nodes(this.messages, this.before));
    }
  }

  /** @param {string} id */
  bubble(id) {
    return this.bubbles.get(id);
  }
}

/** @param {Message} one @param {Message} other */
function changed(one, other) {
  return one.state !== other.state || one.kind !== other.kind || one.text !== other.text || one.at !== other.at || one.timeDoubtful !== other.timeDoubtful || one.call?.seconds !== other.call?.seconds;
}
