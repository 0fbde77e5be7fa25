// @ts-check
// One message: what it says, when, how far it came, and what can be done with it.

import { h, set, spoken } from "../dom.js";
import { icon } from "../icon.js";
import { button, iconButton } from "../parts/button.js";
import { beginning, textNodes } from "../text.js";
import { clock, day, fully } from "../time.js";
import { t } from "../words.js";
import { about, marks } from "./preview.js";

/** @typedef {import("../../model.js").Message} Message */
/** @typedef {{ title: () => string, menu: (message: Message, at: HTMLElement, from: HTMLElement) => void, retry: (message: Message) => void }} Deeds */

/** Messages this close together stand together. */
const TOGETHER = 5 * 60_000;
const SPOKEN = 300;

export class Bubble {
  /** @param {Message} message @param {Message | undefined} before @param {Deeds} deeds */
  constructor(message, before, deeds) {
    this.deeds = deeds;
    this.message = message;
    this.open = false;
    this.body = h("div", { class: "bubble-text", dir: "auto" });
    this.foot = h("span", { class: "bubble-foot" });
    this.aside = h("div", { class: "bubble-aside" });
    this.line = h("div", { class: "bubble-line" }, h("div", { class: "bubble" }, this.body, this.foot));
    this.node = h("article", { class: "message", tabindex: "-1" }, this.line, this.aside);
    this.offered = false;
    this.node.dataset.id = message.id;
    this.follow(before);
    this.show(message);
  }

  /** The button that says what can be done with it, and the whole of when it was. */
  offer() {
    if (this.offered) return;
    this.offered = true;
    set(/** @type {Element} */ (this.foot.querySelector("time")), "title", fully(this.message.at));
    if (isNote(this.message)) return;
    const more = iconButton("more", t("message.more"), () => this.deeds.menu(this.message, more, this.node), { class: "icon-button bubble-more", tabindex: "-1", "aria-haspopup": "menu" });
    this.line.append(more);
  }

  /** Whether it stands close to the one before it. @param {Message | undefined} before */
  follow(before) {
    const tight = before !== undefined && before.mine === this.message.mine && !isNote(before) && this.message.at - before.at < TOGETHER && day(before.at) === day(this.message.at);
    this.node.classList.toggle("tight", tight);
  }

  /** @param {Message} message */
  show(message) {
    this.message = message;
    const { node } = this;
    node.dataset.kind = message.kind;
    node.dataset.state = message.state ?? "";
    node.classList.toggle("mine", message.mine);
    this.fill();
    const time = h("time", { class: "bubble-time" }, clock(message.at));
    this.foot.replaceChildren(...(message.timeDoubtful ? [h("span", { class: "doubtful", title: t("message.doubtful") }, "≈", spoken(t("message.doubtful")))] : []),
      time, ...(message.mine && message.state ? [marks(message.state)] : []));
    this.aside.replaceChildren(...this.beside());
    set(node, "aria-label", this.label());
  }

  fill() {
    const { kind, text } = this.message;
    if (kind !== "text") {
      const sign = kind === "call" ? "phone" : kind === "unreadable" ? "unreadable" : kind === "identity_changed" ? "alert" : "shield";
      return this.body.replaceChildren(icon(sign), h("span", {}, about(this.message)));
    }
    const shown = this.open ? text : beginning(text);
    const big = /^(?:\p{Extended_Pictographic}[\ufe0f\u200d\u{1f3fb}-\u{1f3ff}]*){1,3}$/u.test(text.slice(0, 60));
    this.body.classList.toggle("big", big);
    this.body.replaceChildren(...textNodes(shown), ...(shown === text ? [] : ["…"]));
  }

  /** @returns {Node[]} */
  beside() {
    const { kind, text, state } = this.message;
    const rows = [];
    if (kind === "text" && (this.open || beginning(text) !== text)) {
      rows.push(button(t(this.open ? "message.less" : "message.all"), () => {
        this.open = !this.open;
        this.show(this.message);
      }, { kind: "quiet" }));
    }
    if (state === "failed") {
      rows.push(h("span", { class: "failed" }, t("message.failed")), button(t("retry"), () => this.deeds.retry(this.message), { kind: "quiet", icon: "retry" }));
    }
    if (state === "held") rows.push(h("span", { class: "held" }, t("message.held")));
    return rows;
  }

  label() {
    const { mine, kind, text, at, state } = this.message;
    const who = mine ? t("chat.you.name") : this.deeds.title();
    const words = kind === "text" ? text.slice(0, SPOKEN) : about(this.message);
    return [`${who}: ${words}`, clock(at), state && mine ? t(`state.${state}`) : ""].filter(Boolean).join(", ");
  }
}

/** What isn't said by anybody: it stands in the middle. @param {Message} message */
export function isNote({ kind }) {
  return kind === "identity_changed" || kind === "session_reset";
}
