// @ts-check
// The two panes: the conversations, and beside or over them what was opened.

import { addContact } from "./screen/add.js";
import { chat } from "./chat/chat.js";
import { contact } from "./screen/contact.js";
import { h } from "./dom.js";
import { emblem } from "./icon.js";
import { list } from "./list.js";
import { settings } from "./settings/settings.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").View} View */

/** @type {Record<import("./route.js").Route["name"], (app: App, route: any) => View>} */
const PANES = { list: nothing, chat, contact, add: addContact, settings };

/** @param {App} app @returns {View} */
export function home(app) {
  const side = list(app);
  const pane = h("section", { class: "pane" });
  const node = h("main", { class: "home" }, side.node, pane);
  /** @type {View} */
  let open = nothing();
  let key = "";
  /** @type {string | undefined} */
  let revealed;

  const show = () => {
    const { route } = app.router;
    const next = JSON.stringify({ ...route, message: undefined });
    const message = route.name === "chat" ? route.message : undefined;
    if (next === key) {
      open.update?.(app.model.state);
      if (message && message !== revealed) open.reveal?.(message);
      revealed = message;
      return;
    }
    revealed = message;
    const first = key === "";
    key = next;
    open.leave?.();
    open = PANES[route.name](app, route);
    pane.replaceChildren(open.node);
    pane.setAttribute("aria-label", open.title ?? t("list.empty_pane"));
    node.dataset.route = route.name;
    if (!first || route.name !== "list") open.focus?.();
    if (!first && route.name === "list") side.focus?.();
  };
  show();
  return {
    node,
    get title() {
      return open.title;
    },
    update(state) {
      side.update?.(state);
      show();
    },
    messages(peer) {
      side.messages?.(peer);
      open.messages?.(peer);
    },
    leave() {
      side.leave?.();
      open.leave?.();
    },
  };
}

/** @returns {View} */
function nothing() {
  return { node: h("div", { class: "nothing" }, emblem(), h("p", {}, t("list.choose"))) };
}
