// @ts-check
// A conversation: who it is with, what was said, and where to write.

import { attempt } from "../attempt.js";
import { avatar, presence, rename } from "../avatar.js";
import { dialCall } from "../call/dial.js";
import { arrange, h, plainName, say } from "../dom.js";
import { icon } from "../icon.js";
import { iconButton } from "../parts/button.js";
import { copy } from "../parts/copy.js";
import { confirm } from "../parts/dialog.js";
import { menu } from "../parts/menu.js";
import { removeConversation, reportContact } from "../parting.js";
import { t } from "../words.js";
import { blockedBar, changedBar, notifyBar, requestBar } from "./bars.js";
import { composer, hasKeyboard } from "./composer.js";
import { Log } from "./log.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */
/** @typedef {import("../../model.js").Conversation} Conversation */
/** @typedef {import("../../model.js").Message} Message */
/** @typedef {import("../../model.js").State} State */

const ASKED = "asked-about-notifications";

/** @param {App} app @param {{ peer: string, message?: string }} route @returns {View} */
export function chat(app, { peer, message }) {
  const { model } = app;
  const find = (state = model.state) => state.conversations.find(({ id }) => id === peer);
  const begin = find();
  if (!begin) return missing(app);
  let title = plainName(begin.title);
  const top = header(app, begin);
  const log = new Log(model, peer, deeds(app, peer, () => title));
  const write = composer(app, peer, begin.title, sent);
  const bars = h("div", { class: "bars" });
  const hint = h("p", { class: "chat-empty", hidden: true }, icon("shield"), h("span", {}, t("chat.first", { title: plainName(begin.title) })));
  const node = h("div", { class: "chat" }, top.node, h("div", { class: "log-frame" }, hint, log.node, log.down), bars, write.node);
  let asking = false;
  let reading = false;
  let key = "";

  function sent() {
    const { notifications } = model.state.settings;
    if (notifications === "off" && model.state.server?.push !== false && !localStorage.getItem(ASKED)) {
      asking = true;
      key = "";
      update(model.state);
    }
  }
  const asked = () => {
    localStorage.setItem(ASKED, "yes");
    asking = false;
    update(model.state);
    write.input.focus();
  };
  /** @param {State} state */
  function update(state) {
    const now = find(state);
    if (!now) return queueMicrotask(() => app.router.go({ name: "list" }, { instead: true }));
    title = plainName(now.title);
    top.update(now);
    read(now);
    const next = JSON.stringify([now.standing, now.identity, now.wasVerified, asking, now.title]);
    if (next === key) return;
    key = next;
    arrange(bars, [
      now.standing === "request" && requestBar(app, now),
      now.standing === "blocked" && blockedBar(app, now),
      now.identity === "changed" && now.standing === "allowed" && changedBar(app, now),
      asking && notifyBar(app, asked),
    ].filter((bar) => bar !== false));
    write.node.hidden = now.standing !== "allowed";
  }
  /** @param {Conversation} now */
  function read(now) {
    if (reading || now.unread === 0 || now.standing !== "allowed" || document.hidden || !document.hasFocus()) return;
    reading = true;
    void model.markRead(peer).catch(() => {}).finally(() => (reading = false));
  }
  const awake = () => {
    const now = find();
    if (now) read(now);
  };
  document.addEventListener("visibilitychange", awake);
  addEventListener("focus", awake);
  const opened = log.open(begin.unread).then(async () => {
    hint.hidden = !log.empty;
    if (message) await log.reveal(message);
  });
  update(model.state);
  return {
    node,
    title: plainName(begin.title),
    update,
    messages(changed) {
      if (changed === peer) void opened.then(() => log.refresh()).then(() => { hint.hidden = !log.empty; });
    },
    reveal: (id) => void opened.then(() => log.reveal(id)),
    focus() {
      write.grow();
      if (message) return;
      if (hasKeyboard() && !write.node.hidden) write.input.focus({ preventScroll: true });
      else top.focus();
    },
    leave() {
      log.close();
      document.removeEventListener("visibilitychange", awake);
      removeEventListener("focus", awake);
    },
  };
}

/** @param {App} app @param {Conversation} first */
function header(app, first) {
  const { id } = first;
  const face = avatar(id, first.title, "small");
  const title = h("bdi", { dir: "auto", class: "who-title" });
  const below = h("span", { class: "who-below" });
  const who = h("button", { type: "button", class: "who", on: { click: () => app.router.go({ name: "contact", peer: id }) } }, face, h("span", { class: "who-words" }, h("span", { class: "who-line" }, title), below));
  const back = iconButton("back", t("back"), () => app.router.back(), { class: "icon-button back" });
  const call = iconButton("phone", t("call.start"), () => dialCall(app, id));
  const more = iconButton("more", t("chat.more"), () => choices(), { "aria-haspopup": "menu" });
  const now = () => app.model.state.conversations.find((one) => one.id === id) ?? first;
  const choices = () => menu(more, t("chat.more"), [
    { words: t("contact.title"), icon: "person", pick: () => app.router.go({ name: "contact", peer: id }) },
    { words: t("report"), icon: "flag", pick: () => reportContact(app, now()) },
    now().standing === "blocked"
      ? { words: t("unblock"), icon: "block", pick: () => attempt(app, () => app.model.unblock(id)) }
      : { words: t("block"), icon: "block", danger: true, pick: () => attempt(app, () => app.model.block(id)) },
    { words: t("contact.remove"), icon: "bin", danger: true, pick: () => removeConversation(app, now()) },
  ]);
  /** @param {Conversation} conversation */
  const update = (conversation) => {
    say(title, plainName(conversation.title));
    rename(face, conversation.title);
    presence(face, conversation.online);
    const busy = app.model.state.call !== null && app.model.state.call.state !== "ended";
    call.disabled = busy || conversation.standing !== "allowed" || conversation.identity === "changed";
    const words = { verified: t("verified"), changed: t("chat.changed.short"), unverified: "" }[conversation.identity];
    const link = app.model.state.link === "offline" ? t("chat.offline") : conversation.online ? t("online") : "";
    const state = [link, words].filter(Boolean).join(" · ");
    below.dataset.identity = conversation.identity;
    if (below.dataset.words !== state) {
      below.dataset.words = state;
      below.replaceChildren(...(conversation.identity === "verified" ? [icon("verified")] : conversation.identity === "changed" ? [icon("alert")] : []), h("span", { class: "who-state" }, state || t("contact.open")));
    }
  };
  return { node: h("header", { class: "bar" }, back, h("h1", { class: "who-heading" }, who), call, more), update, focus: () => who.focus({ preventScroll: true }) };
}

/** What can be done with a message. @param {App} app @param {string} peer @param {() => string} title @returns {import("./bubble.js").Deeds} */
function deeds(app, peer, title) {
  const { model } = app;
  /** @param {Message} message */
  const retry = ({ id }) => attempt(app, () => model.retry(peer, id));
  return {
    title,
    retry,
    menu: (message, at, from) => menu(at, t("message.more"), [
      message.kind === "text" && { words: t("message.copy"), icon: "copy", pick: () => copy(app, message.text) },
      message.state === "failed" && { words: t("retry"), icon: "retry", pick: () => retry(message) },
      { words: t("message.remove"), icon: "bin", danger: true, pick: () => remove(message) },
    ], from),
  };
  /** @param {Message} message */
  async function remove({ id }) {
    if (await confirm({ title: t("message.remove"), body: t("message.remove.body"), action: t("remove"), danger: true })) await attempt(app, () => model.remove(peer, id));
  }
}

/** @param {App} app @returns {View} */
function missing(app) {
  return { node: h("div", { class: "nothing" }, h("p", {}, t("chat.gone")), iconButton("back", t("back"), () => app.router.back())), title: t("chat.gone") };
}
