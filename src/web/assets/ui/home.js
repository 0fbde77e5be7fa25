// @ts-check
// The two panes: the conversations, and beside or over them what was opened.

import { chat } from "./chat/chat.js";
import { h } from "./dom.js";
import { emblem } from "./icon.js";
import { later } from "./later.js";
import { list } from "./list.js";
import { wheel } from "./parts/button.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").View} View */

/** @typedef {(app: App, route: any) => View} Pane */

/** @type {Partial<Record<import("./route.js").Route["name"], Pane>>} */
const PANES = { list: nothing, chat };
/** @type {Partial<Record<import("./route.js").Route["name"], import("./later.js").Later<Pane>>>} */
const LATER = {
  contact: later(async () => (await import("./screen/contact.js")).contact),
  add: later(async () => (await import("./screen/add.js")).addContact),
  settings: later(async () => (await import("./settings/settings.js")).settings),
};

/** @param {App} app @returns {View} */
export function home(app) {
  const side = list(app);
  const place = h("section", { class: "pane" });
  const node = h("main", { class: "home" }, side.node, place);
  /** @type {View} */
  let open = nothing();
  let key = "";
  let isHere = true;
  /** @type {string | undefined} */
  let revealed;

  const show = () => {
    const { route } = app.router;
    const pane = PANES[route.name] ?? LATER[route.name]?.now() ?? null;
    if (!pane) LATER[route.name]?.fetch(() => isHere && show());
    const next = JSON.stringify({ ...route, message: undefined, isFetched: pane !== null });
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
    open = (pane ?? coming)(app, route);
    place.replaceChildren(open.node);
    place.setAttribute("aria-label", open.title ?? t("list.empty_pane"));
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
      isHere = false;
      side.leave?.();
      open.leave?.();
    },
  };
}

/** Until a pane is fetched. @returns {View} */
function coming() {
  return { node: h("div", { class: "nothing", "data-coming": "" }, wheel(t("opening"))) };
}

/** @returns {View} */
function nothing() {
  return { node: h("div", { class: "nothing" }, emblem(), h("p", {}, t("list.choose"))) };
}
