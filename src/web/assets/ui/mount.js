// @ts-check
// Puts the views on the page and keeps them with the state: one screen by phase, the call over it.

import { Attention } from "./attention.js";
import { callOverlay } from "./call/call.js";
import { h } from "./dom.js";
import { home } from "./home.js";
import { Toasts } from "./parts/toast.js";
import { Router } from "./route.js";
import { gone, opening, unsupported } from "./screen/plain.js";
import { recovery } from "./screen/recovery.js";
import { welcome } from "./screen/welcome.js";
import { wear, wearLast } from "./theme.js";
import { Updates } from "./worker.js";
import { language, learn, speak } from "./words.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").View} View */

/** @type {Record<string, (app: App) => View>} */
const SCREENS = { opening, unsupported, welcome, recovery, home, gone };

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
  /** @type {ReturnType<typeof callOverlay> | null} */
  let calls = null;

  function refresh() {
    const { state } = model;
    wear(state.settings.theme);
    const anew = speak(state.settings.language);
    if (anew === null) return void learn(state.settings.language).then(refresh);
    if (anew) relabel();
    const next = screenOf(app, shown);
    if (next !== shown || anew) {
      const first = shown === "opening" || shown === "";
      if (next === "home" && !first && shown !== "home") app.router.restart();
      view.leave?.();
      view = SCREENS[next](app);
      shown = next;
      stage.replaceChildren(view.node);
      if (!first || next !== "home") view.focus?.();
    } else view.update?.(state);
    if (shown === "home") follow(state.visit ?? null);
    calls?.update();
    if (state.phase === "ready") attention.update(state, view.title);
    else if (view.title) document.title = view.title;
  }
  function relabel() {
    document.documentElement.lang = language();
    calls?.leave();
    calls = callOverlay(app);
    root.replaceChildren(calls.bar, stage, app.toasts.node);
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
