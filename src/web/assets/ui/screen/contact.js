// @ts-check
// Somebody: whether they are who they say, how calls to them go, and leaving them be.

import { attempt } from "../attempt.js";
import { avatar, rename } from "../avatar.js";
import { dialCall } from "../call/dial.js";
import { h, name, plainName, say } from "../dom.js";
import { icon } from "../icon.js";
import { button, iconButton, toggle } from "../parts/button.js";
import { ask } from "../parts/dialog.js";
import { t } from "../words.js";
import { removeConversation, reportContact } from "../parting.js";
import { safety } from "./safety.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */
/** @typedef {import("../../model.js").Conversation} Conversation */

/** @param {App} app @param {{ peer: string }} route @returns {View} */
export function contact(app, { peer }) {
  const { model } = app;
  const find = () => model.state.conversations.find(({ id }) => id === peer);
  const begin = find();
  const heading = h("h1", { class: "bar-title" }, t("contact.title"));
  const back = iconButton("back", t("back"), () => app.router.back(), { class: "icon-button back" });
  const bar = h("header", { class: "bar" }, back, heading);
  if (!begin) return { node: h("div", { class: "page" }, bar, h("p", { class: "empty" }, t("chat.gone"))), title: t("chat.gone") };

  const face = avatar(peer, begin.title, "large");
  const title = name(begin.title, { class: "contact-title" });
  const handle = h("p", { class: "contact-handle" });
  const standing = h("p", { class: "contact-standing" });
  const call = button(t("call.start"), () => dialCall(app, peer), { icon: "phone" });
  const number = safety(app, peer);
  const direct = toggle(t("contact.direct"), t("contact.direct.help"), (on) => attempt(app, () => model.setDirectCalls(peer, on)).then(refresh));
  const block = button("", () => attempt(app, () => (find()?.standing === "blocked" ? model.unblock(peer) : model.block(peer))), { icon: "block", kind: "danger" });

  function refresh() {
    const now = find();
    if (!now) return;
    say(title, plainName(now.title));
    rename(face, now.title);
    say(handle, now.handle && now.handle !== now.title ? `@${plainName(now.handle)}` : "");
    handle.hidden = handle.textContent === "";
    standing.replaceChildren(...standingWords(now));
    standing.hidden = !standing.hasChildNodes();
    direct.input.checked = now.directCalls;
    direct.input.disabled = now.identity !== "verified";
    const state = model.state.call;
    call.disabled = now.standing !== "allowed" || now.identity === "changed" || (state !== null && state.state !== "ended");
    say(/** @type {Element} */ (block.lastElementChild), t(now.standing === "blocked" ? "unblock" : "block"));
    number.update(now);
  }
  refresh();
  const node = h("div", { class: "page" }, bar, h("div", { class: "page-body" },
    h("section", { class: "contact-head" }, face, h("h2", {}, title), handle, standing,
      h("div", { class: "actions spread" },
        button(t("contact.write"), () => app.router.go({ name: "chat", peer }), { icon: "send" }), call,
        button(t("contact.rename"), () => renameContact(app, find() ?? begin), { icon: "pencil" }))),
    number.node,
    h("section", { class: "card" }, h("h2", {}, t("contact.calls")), direct.node),
    h("section", { class: "card rows-of-buttons" },
      button(t("report"), () => reportContact(app, find() ?? begin), { icon: "flag" }), block,
      button(t("contact.remove"), () => removeConversation(app, find() ?? begin), { icon: "bin", kind: "danger" }))));
  return { node, title: plainName(begin.title), update: refresh, focus: () => back.focus({ preventScroll: true }) };
}

/** @param {Conversation} now */
function standingWords(now) {
  if (now.standing === "blocked") return [icon("block"), t("contact.blocked")];
  if (now.identity === "verified") return [icon("verified"), t("verified")];
  if (now.identity === "changed") return [icon("alert"), t("chat.changed.short")];
  return now.online ? [t("online")] : [];
}

/** @param {App} app @param {Conversation} conversation */
async function renameContact(app, { id, title, handle }) {
  const chosen = await ask({ title: t("contact.rename"), label: t("contact.rename.label"), help: t("contact.rename.help"), value: title === handle ? "" : title, action: t("save") });
  if (chosen !== null) await attempt(app, () => app.model.rename(id, chosen || null));
}
