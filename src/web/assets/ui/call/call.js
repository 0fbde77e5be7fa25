// @ts-check
// The call: over any screen while it rings; put aside, it stays as a bar, so that one can write
// while one talks.

import { attempt } from "../attempt.js";
import { avatar } from "../avatar.js";
import { h, name, plainName, say, set, spoken } from "../dom.js";
import { icon } from "../icon.js";
import { stopwatch } from "../time.js";
import { explain } from "../trouble.js";
import { t, tOr } from "../words.js";
import { Ring } from "./ring.js";
import { dialCall } from "./dial.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../model.js").Call} Call */

const SECOND = 1000;
/** How long it stays on the screen that a call is over, where there is nothing to read. */
const FAREWELL = 2500;
/** What another attempt may mend. @type {Set<Call["reason"]>} */
const AGAIN = new Set(["timeout", "error", "offline", "busy", "no_relay", "microphone"]);

/** @param {App} app */
export function callOverlay(app) {
  const ring = new Ring();
  const bar = h("button", { type: "button", class: "call-bar", hidden: true, on: { click: () => put("over") } });
  /** @type {ReturnType<typeof callDialog> | null} */
  let view = null;
  let shown = "";
  let ticking = 0;
  let farewell = 0;
  /** @param {"over" | "aside"} where */
  function put(where) {
    if (where === "over") view?.open();
    else view?.close();
    update();
  }

  function update() {
    const { call } = app.model.state;
    ring.follow(call);
    if (!call) {
      view?.remove();
      view = null;
      shown = "";
    } else if (call.id !== shown) {
      view?.remove();
      view = callDialog(app, call, () => put("aside"));
      shown = call.id;
      document.body.append(view.node);
      view.open();
      app.toasts.tell(t(call.outgoing ? "call.to" : "call.from", { title: plainName(call.title) }), true);
    } else if (view && !view.node.open && (call.state === "ringing" && !call.outgoing)) view.open();
    if (call) view?.update(call);
    const aside = call !== null && view !== null && !view.node.open && call.state !== "ended";
    clearTimeout(farewell);
    if (call?.state === "ended") {
      if (view && !view.node.open) return app.model.dismissCall();
      if (call.reason === "hangup" || (call.reason === "rejected" && !call.outgoing)) farewell = window.setTimeout(() => app.model.dismissCall(), FAREWELL);
    }
    bar.hidden = !aside;
    if (aside) {
      const words = line(call);
      if (bar.textContent !== words) bar.replaceChildren(icon("phone"), h("span", { class: "call-bar-who" }, name(call.title)), h("span", { class: "call-bar-time" }, status(call)), spoken(t("call.back")));
    }
    clearTimeout(ticking);
    if (call && (call.state === "connected" || call.state === "reconnecting")) ticking = window.setTimeout(update, SECOND - ((Date.now() - (call.since ?? 0)) % SECOND));
  }
  function leave() {
    ring.follow(null);
    clearTimeout(ticking);
    clearTimeout(farewell);
    view?.remove();
  }
  return { bar, update, leave };
}

/** @param {Call} call */
function line(call) {
  return `${plainName(call.title)}${status(call)}${t("call.back")}`;
}

/** Where the call stands, in a word or as a stopwatch. @param {Call} call */
function status(call) {
  switch (call.state) {
    case "connected": return call.since === null ? t("call.connected") : stopwatch((Date.now() - call.since) / SECOND);
    case "ended": return tOr(`call.ended.${call.reason}`, "call.ended");
    case "ringing": return t(call.outgoing ? "call.ringing" : "call.incoming");
    default: return t(`call.${call.state}`);
  }
}

/** @param {App} app @param {Call} first @param {() => void} aside */
function callDialog(app, first, aside) {
  const { model } = app;
  const title = h("h2", { id: "call-title", class: "call-title" }, name(first.title));
  const state = h("p", { class: "call-state" });
  const told = h("p", { class: "spoken", role: "status" });
  const facts = h("ul", { class: "call-facts" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const speaker = h("select", { "aria-label": t("call.speaker"), on: { change: () => attempt(app, () => model.setSpeaker(speaker.value)) } });
  const speakers = h("div", { class: "call-speaker" }, icon("speaker"), speaker);
  const shrink = h("button", { type: "button", class: "icon-button call-shrink", "aria-label": t("call.aside"), title: t("call.aside"), on: { click: aside } }, icon("shrink"));
  const deeds = h("div", { class: "call-deeds" });
  const node = h("dialog", { class: "call", "aria-labelledby": "call-title" },
    shrink, h("div", { class: "call-body" }, h("div", { class: "call-face" }, avatar(first.peer, first.title, "large")), title, state, told, facts, wrong), speakers, deeds);
  let key = "";
  /** @param {() => Promise<unknown>} work */
  const work = (work) => async () => {
    wrong.textContent = "";
    await work().catch((error) => (wrong.textContent = explain(error, "call")));
  };
  const deed = (/** @type {import("../icon.js").IconName} */ sign, /** @type {string} */ words, /** @type {string} */ kind, /** @type {() => unknown} */ press) =>
    h("button", { type: "button", class: `deed ${kind}`, on: { click: press } }, h("span", { class: "deed-face" }, icon(sign)), h("span", {}, words));
  const mute = deed("mic", t("call.mute"), "plain", () => model.mute(!(model.state.call?.muted ?? false)));

  /** @param {Call} call */
  function buttons(call) {
    if (call.state === "ended") {
      return [deed("close", t("close"), "plain", () => model.dismissCall()),
        ...(call.outgoing && AGAIN.has(call.reason) ? [deed("retry", t("call.again"), "answer", () => { model.dismissCall(); void dialCall(app, call.peer); })] : [])];
    }
    if (call.state === "ringing" && !call.outgoing) {
      return [deed("hangup", t("call.reject"), "hangup", work(() => model.reject())), deed("phone", t("call.answer"), "answer", work(() => model.answer()))];
    }
    return [mute, deed("hangup", t("call.hangup"), "hangup", work(() => model.hangUp()))];
  }

  /** @param {Call} call */
  function update(call) {
    say(state, status(call));
    node.dataset.state = call.state;
    node.dataset.quality = call.quality ?? "";
    const spokenState = call.state === "connected" ? t("call.connected") : status(call);
    say(told, call.state === "connected" && call.quality === "bad" ? t("call.quality.bad") : spokenState);
    facts.replaceChildren(...aboutCall(call).map(([sign, words]) => h("li", {}, icon(sign), h("span", {}, words))));
    set(mute, "aria-pressed", String(call.muted));
    mute.querySelector(".deed-face")?.replaceChildren(icon(call.muted ? "micOff" : "mic"));
    say(/** @type {Element} */ (mute.lastElementChild), t(call.muted ? "call.unmute" : "call.mute"));
    speakers.hidden = call.speakers.length < 2 || call.state === "ended";
    const options = call.speakers.map(({ id, label }) => `${id} ${label}`).join("\n");
    if (speaker.dataset.options !== options) {
      speaker.dataset.options = options;
      speaker.replaceChildren(...call.speakers.map(({ id, label }) => h("option", { value: id }, label || t("call.speaker"))));
    }
    if (call.speaker) speaker.value = call.speaker;
    shrink.hidden = call.state === "ended" || (call.state === "ringing" && !call.outgoing);
    const next = `${call.state === "ended"} ${call.state === "ringing" && !call.outgoing}`;
    if (next === key) return;
    key = next;
    const held = deeds.contains(document.activeElement) || document.activeElement === node;
    deeds.replaceChildren(...buttons(call));
    if (held || node.open) focus();
  }
  // Answering is at hand; hanging up never is by accident.
  const focus = () => {
    const { call } = model.state;
    const asked = call?.state === "ringing" && !call.outgoing;
    /** @type {HTMLElement | null} */ (asked ? deeds.lastElementChild : deeds.firstElementChild)?.focus({ preventScroll: true });
  };
  node.addEventListener("cancel", (event) => {
    event.preventDefault();
    const { call } = model.state;
    if (call?.state === "ended") model.dismissCall();
    else if (!shrink.hidden) aside();
  });
  return {
    node, update,
    open() {
      if (node.open) return;
      node.showModal();
      focus();
    },
    close: () => node.close(),
    remove() {
      if (node.open) node.close();
      node.remove();
    },
  };
}

/** @param {Call} call @returns {[import("../icon.js").IconName, string][]} */
function aboutCall(call) {
  if (call.state === "ended") return [];
  /** @type {[import("../icon.js").IconName, string][]} */
  const all = [];
  const up = call.state === "connected" || call.state === "reconnecting";
  if (call.state === "connected") all.push(["shield", t(call.relayed ? "call.fact.relayed" : "call.fact.direct")]);
  all.push(call.verified ? ["verified", t("verified")] : ["alert", t("call.fact.unverified")]);
  if (up && call.quality && call.quality !== "good") all.push(["offline", t(`call.quality.${call.quality}`)]);
  if (up && call.muted) all.push(["micOff", t("call.fact.muted")]);
  return all;
}
