// @ts-check
// The screens that hold a few words in the middle: opening, what the browser lacks, the end.

import { attempt } from "../attempt.js";
import { h } from "../dom.js";
import { emblem } from "../icon.js";
import { busy, button, wheel } from "../parts/button.js";
import { confirm } from "../parts/dialog.js";
import { exportTo } from "../parts/export.js";
import { t, tOr } from "../words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */

/**
 * The frame of all screens before there is an account.
 * @param {string} title
 * @param {...(Node | string | null | false)} content
 */
export function sheet(title, ...content) {
  const heading = h("h1", { tabindex: "-1", class: "sheet-title" }, title);
  const node = h("main", { class: "sheet" }, h("div", { class: "sheet-body" }, emblem(), heading, ...content));
  return { node, title, heading, focus: () => heading.focus({ preventScroll: true }) };
}

/** @returns {View} */
export function opening() {
  return { node: h("main", { class: "sheet opening" }, h("h1", { class: "spoken" }, t("opening")), emblem(), wheel(t("opening"))), title: t("opening") };
}

/** @param {App} app @returns {View} */
export function unsupported({ model }) {
  const lacks = model.state.lacks ?? [];
  const https = lacks.includes("https");
  return sheet(t(https ? "unsupported.https.title" : "unsupported.title"),
    h("ul", { class: "reasons" }, lacks.map((lack) => h("li", {}, tOr(`unsupported.${lack}`, "unsupported.other", { lack })))),
    h("p", { class: "help" }, t(https ? "unsupported.https.help" : "unsupported.help")));
}

/** @param {App} app @returns {View} */
export function gone(app) {
  const { model } = app;
  const why = model.state.gone ?? "deleted";
  // What was removed or moved elsewhere still lies on this device.
  const isKept = why !== "deleted" && why !== "evicted";
  const again = async () => {
    const isSure = !isKept || (await confirm({ title: t("gone.again.title"), body: t("gone.again.body"), action: t("gone.again"), danger: true }));
    if (isSure) await attempt(app, () => model.startAgain());
  };
  const save = button(t("settings.export"), () => busy(save, () => exportTo(app)), { icon: "update" });
  return sheet(t(`gone.${why}.title`), h("p", {}, t(`gone.${why}.body`)),
    h("div", { class: "actions" }, isKept && save,
      why === "suspended" ? button(t("gone.retry"), () => location.reload(), { kind: "main" }) : button(t("gone.again"), again, { kind: isKept ? "danger" : "main" })));
}
