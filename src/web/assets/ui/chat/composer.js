// @ts-check
// Where a message is written. Enter sends where there is a keyboard; what was begun is kept.

import { h, plainName } from "../dom.js";
import { iconButton } from "../parts/button.js";
import { explain } from "../trouble.js";
import { t } from "../words.js";

/** @typedef {import("../app.js").App} App */

export const hasKeyboard = () => matchMedia("(hover: hover) and (pointer: fine)").matches;

/**
 * @param {App} app
 * @param {string} peer
 * @param {string} title
 * @param {() => void} sent
 */
export function composer(app, peer, title, sent) {
  const input = h("textarea", { class: "composer-text", rows: "1", dir: "auto", "aria-label": t("chat.write", { title: plainName(title) }), placeholder: t("chat.placeholder"), enterkeyhint: hasKeyboard() ? "send" : "enter" });
  const send = iconButton("send", t("chat.send"), () => submit(), { type: "submit", class: "icon-button send" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const node = h("form", { class: "composer", on: { submit: (/** @type {Event} */ event) => event.preventDefault() } }, wrong, input, send);
  input.value = app.drafts.get(peer) ?? "";

  function typed() {
    wrong.textContent = "";
    app.drafts.set(peer, input.value);
    grow();
  }
  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  }
  async function submit() {
    const text = input.value.replace(/\s+$/, "");
    if (!text.trim()) return input.focus();
    input.value = "";
    typed();
    input.focus();
    try {
      await app.model.send(peer, text);
      sent();
    } catch (error) {
      input.value = input.value ? `${text}\n${input.value}` : text;
      typed();
      wrong.textContent = explain(error, "send");
    }
  }
  input.addEventListener("input", typed);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !hasKeyboard()) return;
    event.preventDefault();
    void submit();
  });
  return { node, input, grow };
}
