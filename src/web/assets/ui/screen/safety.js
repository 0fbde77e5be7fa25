// @ts-check
// The safety number: twelve groups of five digits and a QR code, the same on both sides; compared,
// scanned, and marked.

import { attempt } from "../attempt.js";
import { h, plainName, set } from "../dom.js";
import { icon } from "../icon.js";
import { button, wheel } from "../parts/button.js";
import { canScan, scan } from "../parts/scan.js";
import { confirm, dialog } from "../parts/dialog.js";
import { picture } from "../qr/picture.js";
import { explain } from "../trouble.js";
import { t } from "../words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../model.js").Conversation} Conversation */

/** @param {App} app @param {string} peer */
export function safety(app, peer) {
  const { model } = app;
  const body = h("div", { class: "safety-body" }, wheel(t("safety.loading")));
  const node = h("section", { class: "card safety" }, h("h2", {}, t("safety.title")), body);
  let key = "";

  /** @param {Conversation} now */
  async function update(now) {
    const next = `${now.identity} ${now.title}`;
    if (next === key) return;
    key = next;
    try {
      const number = await model.safetyNumber(peer);
      if (key === next) body.replaceChildren(...content(now, number));
    } catch (error) {
      body.replaceChildren(h("p", { class: "help" }, explain(error)));
    }
  }

  /** @param {Conversation} now @param {import("../../model.js").SafetyNumber} number */
  function content({ title, identity }, { digits, qr, verified }) {
    const who = plainName(title);
    const groups = digits.match(/\d{5}/g) ?? [];
    const camera = button(t("safety.scan"), scanning, { icon: "camera" });
    camera.hidden = true;
    void canScan().then((can) => (camera.hidden = !can));
    set(node, "data-identity", identity);
    return [
      h("p", { class: "safety-state" }, icon(verified ? "verified" : identity === "changed" ? "alert" : "shield"),
        h("span", {}, t(verified ? "safety.verified" : identity === "changed" ? "safety.changed" : "safety.unverified", { title: who }))),
      h("p", { class: "help" }, t("safety.help", { title: who })),
      h("div", { class: "digits", role: "img", "aria-label": t("safety.digits", { digits: groups.join(" ") }), translate: "no" }, groups.map((group) => h("span", {}, group))),
      h("div", { class: "actions spread" },
        button(t("safety.show_qr"), () => void showCode(who, qr), { icon: "qr" }), camera,
        verified
          ? button(t("safety.unmark"), () => attempt(app, () => model.unverify(peer)), { kind: "plain" })
          : button(t("safety.mark"), () => marking(who, digits), { kind: "main", icon: "verified" })),
    ];
  }

  /** @param {string} who @param {string} qr */
  function showCode(who, qr) {
    return dialog(t("safety.title"), () => [h("div", { class: "dialog-body centred" }, picture(qr, t("safety.qr", { title: who })), h("p", {}, t("safety.qr.help", { title: who })))]);
  }
  /** @param {string} who @param {string} digits */
  async function marking(who, digits) {
    if (!await confirm({ title: t("safety.mark"), body: t("safety.mark.body", { title: who }), action: t("safety.mark.sure") })) return;
    if (await attempt(app, () => model.verify(peer, digits))) app.toasts.show(t("safety.done", { title: who }));
    else await showAgain();
  }
  // It may be another number by now.
  async function showAgain() {
    key = "";
    const now = model.state.conversations.find(({ id }) => id === peer);
    if (now) await update(now);
  }
  async function scanning() {
    const text = await scan(t("safety.scan"));
    if (text === null) return;
    const who = plainName(model.state.conversations.find(({ id }) => id === peer)?.title ?? "");
    try {
      await model.verify(peer, text);
      app.toasts.show(t("safety.done", { title: who }));
    } catch (error) {
      await dialog(t("safety.failed"), (close) => [h("div", { class: "dialog-body" }, h("p", { class: "wrong", role: "alert" }, explain(error)),
        h("div", { class: "actions" }, button(t("close"), () => close(null), { kind: "main" })))]);
    }
  }
  return { node, update };
}
