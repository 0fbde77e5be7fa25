// @ts-check
// Puts the views on the page and keeps them with the state: one screen by phase, the call over it.

import { Attention } from "./attention.js";
import { h } from "./dom.js";
import { later } from "./later.js";
import { Toasts } from "./parts/toast.js";
import { Router } from "./route.js";
import { gone, opening, unsupported } from "./screen/plain.js";
import { wear, wearLast } from "./theme.js";
import { Updates } from "./worker.js";
import { language, learn, speak } from "./words.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").View} View */

/** @typedef {(app: App) => View} Screen */

/** @param {Screen} screen @returns {import("./later.js").Later<Screen>} */
const here = (screen) => ({ now: () => screen, fetch() {} });

/** @type {Record<string, import("./later.js").Later<Screen>>} */
const SCREENS = {
  opening: here(opening),
  unsupported: here(unsupported),
  gone: here(gone),
  welcome: later(async () => (await import("./screen/welcome.js")).welcome),
  recovery: later(async () => (await import("./screen/recovery.js")).recovery),
  home: later(async () => (await import("./home.js")).home),
};
const CALLS = later(async () => (await import("./call/call.js")).callOverlay);

/**
 * Shows `model` in `root` from now on.
 * @param {HTMLElement} root
 * @param {Model} model
 */
export function mount(root, model) {
  wearLast();
  followKeyboard();
  /** @type {Router | null} */
  let router = null;
  /** @type {App} */
  const app = {
    model,
    toasts: new Toasts(),
    drafts: new Map(),
    recovery: null,
    isNew: false,
    joining: false,
    updates: new Updates(() => refresh()),
    refresh: () => refresh(),
    // Made when it is first needed: until there is an account, what stands behind the # stays there.
    get router() {
      return (router ??= new Router(refresh));
    },
  };
  const attention = new Attention(app);
  const stage = h("div", { class: "stage" });
  /** @type {View} */
  let view = { node: h("div") };
  let shown = "";
  /** @type {string | null} */
  let visited = null;
  /** @type {ReturnType<typeof import("./call/call.js").callOverlay> | null} */
  let calls = null;

  function refresh() {
    const { state } = model;
    wear(state.settings.theme);
    const anew = speak(state.settings.language);
    if (anew === null) return void learn(state.settings.language).then(refresh);
    if (anew) relabel();
    const next = screenOf(app, shown);
    if (next !== shown || anew) {
      const screen = SCREENS[next].now();
      if (!screen) return SCREENS[next].fetch(refresh);
      const first = shown === "opening" || shown === "";
      if (next === "home" && !first && shown !== "home") app.router.restart();
      view.leave?.();
      view = screen(app);
      shown = next;
      stage.replaceChildren(view.node);
      if (!first || next !== "home") view.focus?.();
    } else view.update?.(state);
    if (shown === "home") follow(state.visit ?? null);
    if (state.call && !calls) overlay();
    calls?.update();
    if (state.phase === "ready") attention.update(state, view.title);
    else if (view.title) document.title = view.title;
  }
  function relabel() {
    document.documentElement.lang = language();
    calls?.leave();
    calls = null;
    root.replaceChildren(stage, app.toasts.node);
  }
  function overlay() {
    const callOverlay = CALLS.now();
    if (!callOverlay) return CALLS.fetch(refresh);
    calls = callOverlay(app);
    root.prepend(calls.bar);
  }
  /** @param {string | null} visit */
  function follow(visit) {
    if (visit !== null && visit !== visited) app.router.go({ name: "add", who: visit });
    visited = visit;
  }
  model.addEventListener("change", refresh);
  model.addEventListener("messages", (event) => view.messages?.(/** @type {CustomEvent<{ peer: string }>} */ (event).detail.peer));
  document.addEventListener("keydown", shortcuts(app, () => shown));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  refresh();
}

/** @param {App} app @param {string} shown */
function screenOf({ model, recovery, joining }, shown) {
  const { phase } = model.state;
  if (joining && shown === "welcome") return "welcome";
  if (phase === "ready") return recovery === null ? "home" : "recovery";
  return phase;
}

/** Esc goes back; Ctrl+K searches. @param {App} app @param {() => string} shown */
function shortcuts(app, shown) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (shown() !== "home" || event.defaultPrevented || document.querySelector("dialog[open], [popover]:popover-open")) return;
    if (event.key === "Escape" && !event.isComposing && app.router.route.name !== "list") {
      event.preventDefault();
      app.router.back();
    }
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      const input = /** @type {HTMLElement | null} */ (document.querySelector(".side input[type=search]"));
      if (!input?.checkVisibility()) return;
      event.preventDefault();
      input.focus();
    }
  };
}

/** Where a keyboard on the screen covers the page, the page ends above it. */
function followKeyboard() {
  const seen = globalThis.visualViewport;
  if (!seen) return;
  const fit = () => {
    const covered = innerHeight - seen.height > 80 && seen.scale === 1;
    document.documentElement.style.setProperty("--screen", covered ? `${seen.height}px` : "100dvh");
    if (covered) scrollTo(0, 0);
  };
  seen.addEventListener("resize", fit);
}
