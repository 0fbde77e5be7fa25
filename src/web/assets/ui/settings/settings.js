// @ts-check
// What a person can set, keep and end.

import { attempt } from "../attempt.js";
import { h, name, plainName, say } from "../dom.js";
import { icon } from "../icon.js";
import { busy, button, choice, iconButton, toggle } from "../parts/button.js";
import { copy } from "../parts/copy.js";
import { card } from "../parts/card.js";
import { ask } from "../parts/dialog.js";
import { showRecovery } from "../screen/recovery.js";
import { t } from "../words.js";
import { leaving, storage } from "./device.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */
/** @typedef {import("../../model.js").State} State */
/** @typedef {{ node: HTMLElement, update: (state: State) => void }} Section */

/** @param {App} app @returns {View} */
export function settings(app) {
  const back = iconButton("back", t("back"), () => app.router.back(), { class: "icon-button back" });
  const sections = [me(app), notices(app), look(app), privacy(app), calls(app), storage(app), blocked(app), leaving(app), about()];
  const update = (/** @type {State} */ state) => sections.forEach((section) => section.update(state));
  update(app.model.state);
  const node = h("div", { class: "page" },
    h("header", { class: "bar" }, back, h("h1", { class: "bar-title" }, t("settings.title"))),
    h("div", { class: "page-body" }, sections.map((section) => section.node)));
  return { node, title: t("settings.title"), update, focus: () => back.focus({ preventScroll: true }) };
}

/** @param {App} app @returns {Section} */
function me(app) {
  const handle = h("p", { class: "me-handle" });
  const shown = h("p", { class: "help" });
  const recovery = h("p", { class: "setting-line" });
  const show = h("div", { class: "actions spread" }, button(t("settings.recovery.show"), () => showRecovery(app), { icon: "key" }));
  const rename = async () => {
    const chosen = await ask({ title: t("settings.name"), label: t("settings.name.label"), help: t("settings.name.help"), value: app.model.state.me?.name ?? "", action: t("save") });
    if (chosen !== null && await attempt(app, () => app.model.publishName(chosen || null))) app.toasts.show(t("saved"));
  };
  const node = card(t("settings.me"), handle, shown,
    h("div", { class: "actions spread" }, button(t("settings.name"), rename, { icon: "pencil" }),
      button(t("add.copy"), () => copy(app, app.model.state.me?.link ?? ""), { icon: "link" }),
      button(t("settings.my_qr"), () => app.router.go({ name: "add" }), { icon: "qr" })), recovery, show);
  return {
    node,
    update({ me }) {
      if (!me) return;
      handle.replaceChildren(name(me.handle));
      say(shown, me.name ? t("settings.name.is", { name: plainName(me.name) }) : t("settings.name.none"));
      show.hidden = !me.keepsCode;
      recovery.dataset.kept = String(me.recoverySaved);
      recovery.replaceChildren(icon(me.recoverySaved ? "check" : "key"), h("span", {}, t(me.recoverySaved ? "settings.recovery.kept" : "settings.recovery.missing")));
    },
  };
}

/** @param {App} app @returns {Section} */
function notices(app) {
  const on = toggle(t("settings.notifications"), t("settings.notifications.help"), (wanted) => attempt(app, () => app.model.change({ notifications: wanted ? "on" : "off" })).then(() => update(app.model.state)));
  const why = h("p", { class: "help" });
  const update = (/** @type {State} */ { settings, server }) => {
    on.input.checked = settings.notifications === "on";
    const without = settings.notifications === "unsupported" || server?.push === false;
    on.input.disabled = without || settings.notifications === "denied";
    say(why, settings.notifications === "denied" ? t("settings.notifications.denied") : without ? t("settings.notifications.unsupported") : "");
    why.hidden = why.textContent === "";
  };
  return { node: card(t("settings.notifications.title"), on.node, why), update };
}

/** @param {App} app @returns {Section} */
function look(app) {
  const theme = choice(t("settings.theme"), [["system", t("settings.system")], ["light", t("settings.light")], ["dark", t("settings.dark")]], (theme) => attempt(app, () => app.model.change({ theme })));
  const language = choice(t("settings.language"), [["system", t("settings.system")], ["en", "English"], ["de", "Deutsch"]], (language) => attempt(app, () => app.model.change({ language })));
  return {
    node: card(t("settings.look"), theme.node, language.node),
    update({ settings }) {
      theme.select.value = settings.theme;
      language.select.value = settings.language;
    },
  };
}

/** @param {App} app @returns {Section} */
function privacy(app) {
  const receipts = toggle(t("settings.receipts"), t("settings.receipts.help"), (readReceipts) => attempt(app, () => app.model.change({ readReceipts })));
  const presence = toggle(t("settings.presence"), t("settings.presence.help"), (presence) => attempt(app, () => app.model.change({ presence })));
  return {
    node: card(t("settings.privacy"), receipts.node, presence.node),
    update({ settings, server }) {
      receipts.input.checked = settings.readReceipts;
      presence.input.checked = settings.presence;
      presence.node.hidden = server?.presence === false;
    },
  };
}

/** @param {App} app @returns {Section} */
function calls(app) {
  const state = h("p", { class: "setting-line", role: "status" });
  const check = button(t("settings.calls.check"), () => busy(check, () => attempt(app, () => app.model.checkCalls()).then(() => {})), { icon: "phone" });
  return {
    node: card(t("settings.calls"), state, h("p", { class: "help" }, t("settings.calls.help")), h("div", { class: "actions spread" }, check)),
    update({ callCheck }) {
      if (state.dataset.check === callCheck) return;
      state.dataset.check = callCheck;
      state.replaceChildren(h("span", { class: "calls-dot", "data-check": callCheck }), h("span", {}, t(`calls.${callCheck}`)));
    },
  };
}

/** @param {App} app @returns {Section} */
function blocked(app) {
  const items = h("ul", { class: "plain-list" });
  const node = card(t("settings.blocked"), items);
  return {
    node,
    update({ conversations }) {
      const list = conversations.filter(({ standing }) => standing === "blocked");
      node.hidden = list.length === 0;
      items.replaceChildren(...list.map(({ id, title }) => h("li", { class: "setting" }, name(title, { class: "long" }), button(t("unblock"), () => attempt(app, () => app.model.unblock(id))))));
    },
  };
}

/** @returns {Section} */
function about() {
  const version = h("p", { class: "help" });
  return {
    node: h("section", { class: "fine about" }, version, h("p", {}, t("settings.trust"))),
    update: ({ server }) => say(version, server ? t("settings.version", { host: server.host, version: server.version }) : ""),
  };
}
