// @ts-check
// Reporting somebody, and taking a conversation away.

import { attempt } from "./attempt.js";
import { h, plainName } from "./dom.js";
import { button } from "./parts/button.js";
import { copy } from "./parts/copy.js";
import { confirm, dialog } from "./parts/dialog.js";
import { explain } from "./trouble.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../model.js").Conversation} Conversation */

/** Nothing is sent: the person hands it to the operator. @param {App} app @param {Conversation} conversation */
export async function reportContact(app, { id, title }) {
  try {
    const text = await app.model.report(id);
    await dialog(t("report.title", { title: plainName(title) }), () => [h("div", { class: "dialog-body" },
      h("p", {}, t("report.body")), h("pre", { class: "report", tabindex: "0", dir: "auto" }, text),
      h("div", { class: "actions" }, button(t("report.copy"), () => copy(app, text), { kind: "main", icon: "copy" })))]);
  } catch (error) {
    app.toasts.show(explain(error), "bad");
  }
}

/** @param {App} app @param {Conversation} conversation */
export async function removeConversation(app, { id, title }) {
  const sure = await confirm({ title: t("contact.remove.title", { title: plainName(title) }), body: t("contact.remove.body"), action: t("remove"), danger: true });
  if (sure && await attempt(app, () => app.model.removeConversation(id))) app.router.go({ name: "list" }, { instead: true });
}
