// @ts-check
// Writing to somebody new: by their name, their link or their QR code; and one's own to give away.

import { h } from "../dom.js";
import { busy, button, field, iconButton } from "../parts/button.js";
import { canShare, copy, share } from "../parts/copy.js";
import { canScan, scan } from "../parts/scan.js";
import { picture } from "../qr/picture.js";
import { explain } from "../trouble.js";
import { t } from "../words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */

/** @param {App} app @param {{ who?: string }} route @returns {View} */
export function addContact(app, { who: given }) {
  const who = field(t("add.label"), { value: given ?? "", autocapitalize: "off", dir: "auto", enterkeyhint: "go" }, t("add.help"));
  const go = button(t("add.go"), () => {}, { kind: "main", type: "submit", class: "wide" });
  /** @param {string} text */
  const add = (text) => busy(go, async () => {
    try {
      const peer = await app.model.addContact(text);
      app.router.go({ name: "chat", peer }, { instead: true });
    } catch (error) {
      who.complain(explain(error, "add"));
    }
  });
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const text = who.input.value.trim();
    if (text) void add(text);
    else who.complain(t("trouble.user_not_found"));
  };
  const camera = button(t("add.scan"), async () => {
    const text = await scan(t("add.scan"));
    if (text !== null) await add(text);
  }, { icon: "camera", class: "wide" });
  camera.hidden = true;
  void canScan().then((can) => (camera.hidden = !can));
  const node = h("div", { class: "page" },
    h("header", { class: "bar" }, iconButton("back", t("back"), () => app.router.back(), { class: "icon-button back" }), h("h1", { class: "bar-title" }, t("add.title"))),
    h("div", { class: "page-body" },
      h("form", { class: "card stack", on: { submit } }, who.node, go, camera),
      mine(app)));
  return { node, title: t("add.title"), focus: () => who.input.focus({ preventScroll: true }) };
}

/** @param {App} app */
function mine(app) {
  const { me } = app.model.state;
  if (!me) return h("div", {});
  return h("section", { class: "card own" },
    h("h2", {}, t("add.mine")),
    h("p", { class: "help" }, t("add.mine.help")),
    picture(me.link, t("add.mine.qr", { handle: me.handle })),
    h("p", { class: "own-handle" }, h("bdi", {}, me.handle)),
    h("p", { class: "own-link" }, me.link),
    h("div", { class: "actions spread" },
      button(t("add.copy"), () => copy(app, me.link), { icon: "copy" }),
      canShare() && button(t("add.share"), () => share(app, me.link), { icon: "link" })));
}
