// @ts-check
// The conversations: requests first, the newest next; searching; what is wrong above them.

import { avatar, presence, rename } from "./avatar.js";
import { preview } from "./chat/preview.js";
import { arrange, h, name, plainName, say, set, spoken } from "./dom.js";
import { icon } from "./icon.js";
import { notices } from "./notices.js";
import { button, iconButton } from "./parts/button.js";
import { search } from "./search.js";
import { shortly } from "./time.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").View} View */
/** @typedef {import("../model.js").Conversation} Conversation */
/** @typedef {import("../model.js").State} State */

/** @param {App} app @returns {View} */
export function list(app) {
  const above = notices(app);
  const host = h("h1", { class: "bar-title" });
  const dot = h("span", { class: "calls-dot" });
  const requests = group("requests", t("list.requests"));
  const others = group("others", t("list.conversations"));
  const empty = h("div", { class: "empty" }, h("p", { class: "empty-title" }, t("list.empty")), h("p", {}, t("list.empty.help")),
    button(t("list.first"), () => app.router.go({ name: "add" }), { kind: "main", icon: "plus" }));
  const loading = h("div", { class: "skeletons", role: "status" }, spoken(t("list.loading")),
    Array.from({ length: 5 }, () => h("div", { class: "skeleton-row" }, h("span", { class: "skeleton round" }), h("span", { class: "skeleton" }))));
  const found = search(app);
  const body = h("div", { class: "list-body" });
  const node = h("nav", { class: "side", "aria-label": t("list.title") },
    h("header", { class: "bar" }, host, dot,
      iconButton("plus", t("list.new"), () => app.router.go({ name: "add" })),
      iconButton("sliders", t("settings.title"), () => app.router.go({ name: "settings" }))),
    found.field, above.node, body);
  /** @type {Map<string, ReturnType<typeof conversationRow>>} */
  const rows = new Map();
  body.addEventListener("keydown", (event) => walk(body, event));

  /** @param {State} state */
  function update(state) {
    say(host, state.server?.host ?? location.host);
    above.update(state);
    showCheck(dot, state);
    const shown = state.conversations.filter(({ standing }) => standing !== "blocked");
    const chosen = app.router.route;
    for (const conversation of shown) {
      const row = rows.get(conversation.id) ?? conversationRow(app, conversation);
      rows.set(conversation.id, row);
      row.update(conversation, "peer" in chosen && chosen.peer === conversation.id);
    }
    const ids = new Set(shown.map(({ id }) => id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    requests.fill(pick(shown, rows, (standing) => standing === "request"));
    others.fill(pick(shown, rows, (standing) => standing !== "request"));
    const waiting = shown.length === 0 && state.link === "catching_up";
    arrange(body, found.active() ? [found.results] : shown.length ? [requests.node, others.node] : [waiting ? loading : empty]);
    reachable(body);
  }
  found.changed(() => update(app.model.state));
  update(app.model.state);
  return {
    node,
    update,
    focus: () => /** @type {HTMLElement | null} */ (body.querySelector("[tabindex='0']") ?? body.querySelector("button"))?.focus({ preventScroll: true }),
  };
}

/** @param {Conversation[]} shown @param {Map<string, { node: HTMLElement }>} rows @param {(standing: string) => boolean} fits */
function pick(shown, rows, fits) {
  return shown.filter(({ standing }) => fits(standing)).flatMap(({ id }) => rows.get(id)?.node ?? []);
}

/** @param {string} id @param {string} title */
function group(id, title) {
  const count = h("span", { class: "count" });
  const items = h("ul", { class: "rows", "aria-labelledby": `group-${id}` });
  const node = h("section", { class: `group ${id}` }, h("h2", { class: "group-title", id: `group-${id}` }, title, " ", count), items);
  /** @param {HTMLElement[]} rows */
  const fill = (rows) => {
    node.hidden = rows.length === 0;
    say(count, id === "requests" ? String(rows.length) : "");
    arrange(items, rows);
  };
  return { node, fill };
}

/** @param {App} app @param {Conversation} first */
function conversationRow(app, first) {
  const { id } = first;
  const face = avatar(id, first.title);
  const title = name(first.title, { class: "row-title" });
  const mark = h("span", { class: "row-mark" });
  const when = h("time", { class: "row-time" });
  const last = h("span", { class: "row-last", dir: "auto" });
  const badge = h("span", { class: "badge" });
  const open = h("button", { type: "button", class: "row", tabindex: "-1", on: { click: () => app.router.go({ name: "chat", peer: id }) } },
    face, h("span", { class: "row-top" }, title, mark, when), h("span", { class: "row-below" }, last, badge));
  const node = h("li", {}, open);
  let seen = "";

  /** @param {Conversation} now @param {boolean} chosen */
  function update(now, chosen) {
    set(open, "aria-current", chosen && "true");
    presence(face, now.online);
    const key = JSON.stringify([now.title, now.identity, now.unread, now.last?.id, now.last?.state, now.last?.text.length, now.last && shortly(now.last.at)]);
    if (key === seen) return;
    seen = key;
    say(title, plainName(now.title));
    rename(face, now.title);
    mark.replaceChildren(...(now.identity === "verified" ? [icon("verified"), spoken(t("verified"))] : now.identity === "changed" ? [icon("alert"), spoken(t("chat.changed.short"))] : []));
    mark.dataset.identity = now.identity;
    say(when, now.last ? shortly(now.last.at) : "");
    last.replaceChildren(...(now.last ? preview(now.last) : [t("list.no_messages")]));
    say(badge, now.unread ? (now.unread > 99 ? "99+" : String(now.unread)) : "");
    badge.hidden = now.unread === 0;
    open.classList.toggle("unread", now.unread > 0);
    if (now.unread) badge.append(spoken(t("list.unread", { count: now.unread })));
  }
  return { node, update };
}

/** Arrows go through the rows; Tab passes them as one. @param {HTMLElement} body @param {KeyboardEvent} event */
function walk(body, event) {
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const rows = /** @type {HTMLElement[]} */ ([...body.querySelectorAll(".row")]);
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0) return;
  event.preventDefault();
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key] ?? at;
  rows[Math.max(0, Math.min(next, rows.length - 1))].focus();
  reachable(body);
}

/** One row takes part in Tab: the focused one, else the open one, else the first. @param {HTMLElement} body */
function reachable(body) {
  const rows = [...body.querySelectorAll(".row")];
  const one = rows.find((row) => row === document.activeElement) ?? rows.find((row) => row.hasAttribute("aria-current")) ?? rows[0];
  for (const row of rows) set(row, "tabindex", row === one ? "0" : "-1");
}

/** @param {HTMLElement} dot @param {State} state */
function showCheck(dot, { callCheck }) {
  const known = callCheck !== "unknown" && callCheck !== "checking";
  if (dot.dataset.check === callCheck) return;
  dot.dataset.check = callCheck;
  dot.hidden = !known;
  dot.title = known ? t(`calls.${callCheck}`) : "";
  dot.replaceChildren(...(known ? [spoken(t(`calls.${callCheck}`))] : []));
}
