// @ts-check
// Searching people by what they are called, and messages by their words.

import { avatar } from "./avatar.js";
import { h, name, plainName, set } from "./dom.js";
import { icon } from "./icon.js";
import { fresh, iconButton, wheel } from "./parts/button.js";
import { shortly } from "./time.js";
import { explain } from "./trouble.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../model.js").Message} Message */

const PAUSE = 200;
/** How much of a message is shown before what was searched for, and after it. */
const AROUND = 14;
const AFTER = 120;

/** @param {App} app */
export function search(app) {
  const id = fresh();
  const input = h("input", { type: "search", id, placeholder: t("search.title"), "aria-label": t("search.title"), autocomplete: "off", spellcheck: "false", dir: "auto", enterkeyhint: "search" });
  const clear = iconButton("close", t("search.clear"), () => { input.value = ""; typed(); input.focus(); });
  const field = h("div", { role: "search", class: "search" }, icon("search"), input, clear);
  const results = h("div", { class: "results" });
  const summary = h("p", { class: "spoken", role: "status" });
  field.append(summary);
  /** @type {Message[] | null} */
  let messages = null;
  let timer = 0;
  let asked = 0;
  let changed = () => {};

  const words = () => input.value.trim();
  const active = () => words() !== "";

  function typed() {
    clear.hidden = !active();
    messages = null;
    clearTimeout(timer);
    asked += 1;
    if (active()) timer = window.setTimeout(ask, PAUSE, asked);
    else summary.textContent = "";
    render();
    changed();
  }
  /** @param {number} mine */
  async function ask(mine) {
    try {
      const found = await app.model.search(words());
      if (mine !== asked) return;
      messages = found;
      summary.textContent = t("search.found", { count: found.length });
      render();
    } catch (error) {
      if (mine === asked) results.replaceChildren(h("p", { class: "wrong", role: "alert" }, explain(error)));
    }
  }
  function render() {
    if (!active()) return results.replaceChildren();
    const wanted = words().toLocaleLowerCase();
    const people = app.model.state.conversations.filter(({ title, handle }) => `${title} ${handle ?? ""}`.toLocaleLowerCase().includes(wanted));
    const nothing = messages?.length === 0 && people.length === 0;
    results.replaceChildren(
      ...section(t("search.people"), people.map((one) => hit(app, one.id, one.title, one.standing === "blocked" ? t("contact.blocked") : one.handle ? `@${plainName(one.handle)}` : t("search.open")))),
      ...section(t("search.messages"), (messages ?? []).map((message) => messageHit(app, message, wanted))),
      ...(messages ? [] : [wheel(t("search.searching"))]),
      ...(nothing ? [h("p", { class: "empty" }, t("search.none", { words: words() }))] : []));
    set(results.querySelector(".row") ?? results, "tabindex", "0");
  }
  input.addEventListener("input", typed);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && active()) {
      event.stopPropagation();
      event.preventDefault();
      input.value = "";
      typed();
    }
    if (event.key === "ArrowDown") {
      event.preventDefault();
      /** @type {HTMLElement | null} */ (field.parentElement?.querySelector(".list-body .row") ?? null)?.focus();
    }
  });
  clear.hidden = true;
  return {
    field, results, active,
    changed: (/** @type {() => void} */ tell) => { changed = tell; },
  };
}

/** @param {string} title @param {HTMLElement[]} hits */
function section(title, hits) {
  return hits.length ? [h("h2", { class: "group-title" }, title), h("ul", { class: "rows" }, hits)] : [];
}

/** @param {App} app @param {string} peer @param {string} title @param {string} below */
function hit(app, peer, title, below) {
  return h("li", {}, h("button", { type: "button", class: "row", tabindex: "-1", on: { click: () => app.router.go({ name: "chat", peer }) } },
    avatar(peer, title), h("span", { class: "row-top" }, name(title, { class: "row-title" })), h("span", { class: "row-below" }, h("span", { class: "row-last" }, below))));
}

/** @param {App} app @param {Message} message @param {string} wanted */
function messageHit(app, message, wanted) {
  const title = app.model.state.conversations.find(({ id }) => id === message.peer)?.title ?? "";
  const at = message.text.toLocaleLowerCase().indexOf(wanted);
  const from = Math.max(0, at - AROUND);
  const end = at + wanted.length;
  const around = h("span", { class: "row-last", dir: "auto" }, from > 0 ? "…" : "", message.text.slice(from, at), at >= 0 && h("mark", {}, message.text.slice(at, end)), message.text.slice(Math.max(end, from), end + AFTER));
  return h("li", {}, h("button", { type: "button", class: "row", tabindex: "-1", on: { click: () => app.router.go({ name: "chat", peer: message.peer, message: message.id }) } },
    avatar(message.peer, title), h("span", { class: "row-top" }, h("bdi", { class: "row-title", dir: "auto" }, message.mine ? t("search.to", { title: plainName(title) }) : plainName(title)), h("time", { class: "row-time" }, shortly(message.at))),
    h("span", { class: "row-below" }, around)));
}
