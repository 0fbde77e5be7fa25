// @ts-check
// What has to be decided about somebody before, or while, one writes to them.

import { attempt } from "../attempt.js";
import { h, plainName } from "../dom.js";
import { icon } from "../icon.js";
import { busy, button } from "../parts/button.js";
import { t } from "../words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../model.js").Conversation} Conversation */

/** @param {App} app @param {Conversation} conversation */
export function requestBar(app, { id, title }) {
  return bar("person", t("request.title", { title: plainName(title) }), t("request.body"),
    deed(app, t("block"), "danger", () => app.model.block(id), t("contact.blocked")),
    deed(app, t("request.allow"), "main", () => app.model.allow(id)));
}

/** @param {App} app @param {Conversation} conversation */
export function blockedBar(app, { id, title }) {
  return bar("block", t("blocked.title", { title: plainName(title) }), t("blocked.body"),
    deed(app, t("unblock"), "plain", () => app.model.unblock(id)));
}

/** @param {App} app @param {Conversation} conversation */
export function changedBar(app, { id, title, wasVerified }) {
  const check = button(t("changed.compare"), () => app.router.go({ name: "contact", peer: id }), { kind: "main" });
  const accept = deed(app, t(wasVerified ? "changed.unmark" : "changed.accept"), "plain", () => (wasVerified ? app.model.unverify(id) : app.model.acceptIdentity(id)));
  const keep = deed(app, t("changed.keep"), "plain", () => app.model.keepIdentity(id));
  const made = bar("alert", t("changed.title", { title: plainName(title) }), t(wasVerified ? "changed.body.verified" : "changed.body"), keep, accept, check);
  made.classList.add("warn");
  return made;
}

/** @param {App} app @param {() => void} done */
export function notifyBar(app, done) {
  return bar("bell", t("notify.title"), t("notify.body"),
    button(t("notify.no"), done),
    deed(app, t("notify.yes"), "main", async () => {
      await app.model.change({ notifications: "on" });
      done();
    }));
}

/**
 * @param {import("../icon.js").IconName} sign
 * @param {string} title
 * @param {string} body
 * @param {...HTMLElement} actions
 */
function bar(sign, title, body, ...actions) {
  return h("div", { class: "decision", role: "group", "aria-label": title }, icon(sign),
    h("div", { class: "decision-words" }, h("p", { class: "decision-title" }, title), h("p", {}, body)),
    h("div", { class: "actions" }, ...actions));
}

/**
 * @param {App} app
 * @param {string} words
 * @param {"main" | "plain" | "danger"} kind
 * @param {() => Promise<unknown>} work
 * @param {string} [done]
 */
export function deed(app, words, kind, work, done) {
  const made = button(words, () => busy(made, async () => {
    if (await attempt(app, work) && done) app.toasts.show(done);
  }), { kind });
  return made;
}
