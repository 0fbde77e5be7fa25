// @ts-check
// The recovery code: shown, kept by the person, and confirmed by its last part.

import { attempt } from "../attempt.js";
import { h } from "../dom.js";
import { button, field } from "../parts/button.js";
import { copy } from "../parts/copy.js";
import { confirm } from "../parts/dialog.js";
import { t } from "../words.js";
import { sheet } from "./plain.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */

/** @param {string} words */
export const parts = (words) => words.trim().split(/[\s-]+/);

/** Shows the code again, while this device keeps it. @param {App} app */
export async function showRecovery(app) {
  await attempt(app, async () => {
    app.recovery = await app.model.recoveryCode();
    app.refresh();
  });
}

/** @param {App} app @returns {View} */
export function recovery(app) {
  const node = h("div", { class: "screen" });
  const words = app.recovery ?? "";
  let focus = () => {};
  /** @param {{ node: HTMLElement, focus: () => void }} made */
  const put = (made) => {
    node.replaceChildren(made.node);
    focus = made.focus;
  };
  const done = () => {
    app.recovery = null;
    app.refresh();
  };
  const showing = () => sheet(t("recovery.title"),
    h("p", { class: "lead" }, t("recovery.lead")),
    h("ol", { class: "recovery-code", translate: "no" }, parts(words).map((part) => h("li", {}, part))),
    h("div", { class: "actions spread" },
      button(t("recovery.copy"), () => copy(app, words), { icon: "copy" }),
      button(t("recovery.save"), () => download(words), { icon: "update" })),
    h("p", { class: "fine" }, t("recovery.where")),
    h("div", { class: "actions" },
      button(t("recovery.later"), later, { kind: "quiet" }),
      button(t("recovery.kept"), () => { put(proving()); focus(); }, { kind: "main" })));
  const later = async () => {
    if (await confirm({ title: t("recovery.later.title"), body: t("recovery.later.body"), action: t("recovery.later") })) done();
  };
  const proving = () => {
    const list = parts(words);
    const last = field(t("recovery.last", { number: list.length }), { autocapitalize: "off", dir: "ltr", enterkeyhint: "done" });
    /** @param {Event} event */
    const submit = async (event) => {
      event.preventDefault();
      if (last.input.value.trim().toLowerCase() !== list.at(-1)?.toLowerCase()) return last.complain(t("recovery.differs"));
      await app.model.recoveryWasSaved();
      done();
    };
    const made = sheet(t("recovery.prove"), h("p", { class: "lead" }, t("recovery.prove.lead")),
      h("form", { class: "stack", on: { submit } }, last.node,
        h("div", { class: "actions" },
          button(t("recovery.again"), () => { put(showing()); focus(); }, { kind: "quiet", icon: "back" }),
          button(t("recovery.confirm"), () => {}, { kind: "main", type: "submit" }))));
    return { node: made.node, focus: () => last.input.focus({ preventScroll: true }) };
  };
  put(showing());
  return { node, title: t("recovery.title"), focus: () => focus() };
}

/** @param {string} words */
function download(words) {
  const url = URL.createObjectURL(new Blob([`${t("recovery.file")}\n\n${words}\n`], { type: "text/plain" }));
  h("a", { href: url, download: "recovery-code.txt" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
