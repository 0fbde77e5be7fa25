// @ts-check
// What this device keeps: how much, a copy of it, and its end.

import { attempt } from "../attempt.js";
import { h, say } from "../dom.js";
import { busy, button } from "../parts/button.js";
import { card } from "../parts/card.js";
import { confirm } from "../parts/dialog.js";
import { exportTo } from "../parts/export.js";
import { language, t } from "../words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("./settings.js").Section} Section */

/** @param {App} app @returns {Section} */
export function storage(app) {
  const words = h("p", { class: "setting-line" }, t("settings.storage.counting"));
  const meter = h("meter", { min: "0", max: "1", "aria-label": t("settings.storage") });
  const lasting = h("p", { class: "help" });
  const save = button(t("settings.export"), () => busy(save, () => exportTo(app)), { icon: "update" });
  void app.model.storage().then(({ used, quota }) => {
    say(words, t("settings.storage.used", { used: size(used), quota: size(quota) }));
    meter.value = quota ? used / quota : 0;
    say(meter, size(used));
  }).catch(() => say(words, t("settings.storage.unknown")));
  return {
    node: card(t("settings.storage"), words, meter, lasting, h("p", { class: "help" }, t("settings.export.help")), h("div", { class: "actions spread" }, save)),
    update: ({ me }) => say(lasting, t(me?.persisted ? "settings.storage.lasting" : "settings.storage.evictable")),
  };
}

/** @param {App} app @returns {Section} */
export function leaving(app) {
  const logOut = async () => {
    const kept = app.model.state.me?.recoverySaved;
    const sure = await confirm({ title: t("settings.log_out.title"), body: t(kept ? "settings.log_out.body" : "settings.log_out.body.lost"), action: t("settings.log_out"), danger: true });
    if (sure) await attempt(app, () => app.model.logOut());
  };
  const remove = async () => {
    const sure = await confirm({ title: t("settings.delete.title"), body: t("settings.delete.body"), action: t("settings.delete"), danger: true, typed: app.model.state.me?.handle });
    if (sure) await attempt(app, () => app.model.deleteAccount());
  };
  return {
    node: card(t("settings.leave"), h("div", { class: "rows-of-buttons" }, button(t("settings.log_out"), logOut, { icon: "leave" }), button(t("settings.delete"), remove, { icon: "bin", kind: "danger" }))),
    update() {},
  };
}

/** @param {number} bytes */
function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${new Intl.NumberFormat(language(), { maximumSignificantDigits: 3 }).format(bytes / 1000 ** power)} ${units[power]}`;
}
