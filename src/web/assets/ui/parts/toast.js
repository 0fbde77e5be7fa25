// @ts-check
// Says briefly what happened, to eyes and to screen readers; goes by itself.

import { h, say } from "../dom.js";

const STAYS = 6000;

export class Toasts {
  constructor() {
    this.shown = h("div", { class: "toasts" });
    this.polite = h("div", { class: "spoken", role: "status" });
    this.urgent = h("div", { class: "spoken", role: "alert" });
    this.node = h("div", {}, this.shown, this.polite, this.urgent);
    /** @type {Element | null} where it stands while no dialog is open */
    this.home = null;
  }

  /** @param {string} words @param {"good" | "bad"} [kind] */
  show(words, kind = "good") {
    const toast = h("p", { class: `toast ${kind}`, "aria-hidden": "true" }, words);
    this.shown.replaceChildren(toast);
    setTimeout(() => toast.remove(), STAYS);
    this.tell(words, kind === "bad");
  }

  /** Tells screen readers alone. @param {string} words @param {boolean} [urgent] */
  tell(words, urgent = false) {
    this.surface();
    const region = urgent ? this.urgent : this.polite;
    say(region, "");
    requestAnimationFrame(() => say(region, words));
  }

  /** Comes into the topmost dialog, for that makes everything outside it mute and dim. */
  surface() {
    this.home ??= this.node.parentElement;
    const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? this.home;
    if (top !== this.node.parentElement) top?.append(this.node);
  }
}
