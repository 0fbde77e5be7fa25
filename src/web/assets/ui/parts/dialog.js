// @ts-check
// Dialogs over everything: they hold the focus, Esc closes them, and the focus goes back.

import { h } from "../dom.js";
import { t } from "../words.js";
import { button, field, fresh, iconButton } from "./button.js";

/**
 * Opens a dialog; `filled` gets what closes it.
 * @template T
 * @param {string} title
 * @param {(close: (result: T | null) => void) => (Node | string)[]} filled
 * @param {string} [look]
 * @returns {Promise<T | null>} null when it was dismissed
 */
export function dialog(title, filled, look = "") {
  return new Promise((resolve) => {
    /** @type {T | null} */
    let result = null;
    const id = fresh();
    const node = h("dialog", { class: `dialog ${look}`.trim(), "aria-labelledby": id });
    /** @param {T | null} value */
    const close = (value) => {
      result = value;
      node.close();
    };
    node.append(h("div", { class: "dialog-head" },
      h("h2", { id }, title), iconButton("close", t("close"), () => close(null))), ...filled(close));
    node.addEventListener("click", (event) => event.target === node && close(null));
    node.addEventListener("close", () => {
      node.remove();
      resolve(result);
    });
    document.body.append(node);
    node.showModal();
  });
}

/**
 * Asks before something that can't be taken back.
 * @param {{ title: string, body: string, action: string, danger?: boolean, typed?: string }} question `typed`: what has to be typed first
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, body, action, danger = false, typed }) {
  return (await dialog(title, (close) => {
    const proof = typed === undefined ? null : field(t("confirm.type", { word: typed }), { autocapitalize: "off" });
    const agree = () => {
      if (proof && typed && proof.input.value.trim().toLocaleLowerCase() !== typed.toLocaleLowerCase()) {
        return proof.complain(t("confirm.differs", { word: typed }));
      }
      close(true);
    };
    const form = h("form", { class: "dialog-body", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); agree(); } } },
      h("p", {}, body), proof && proof.node,
      h("div", { class: "actions" },
        button(t("cancel"), () => close(null)),
        button(action, () => {}, { kind: danger ? "danger" : "main", type: "submit" })));
    return [form];
  })) === true;
}

/**
 * Asks for a line of text.
 * @param {{ title: string, label: string, help?: string, value?: string, action: string, longest?: number }} question
 * @returns {Promise<string | null>}
 */
export function ask({ title, label, help = "", value = "", action, longest = 64 }) {
  return dialog(title, (close) => {
    const line = field(label, { value, maxlength: longest, dir: "auto" }, help);
    return [h("form", { class: "dialog-body", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); close(line.input.value.trim()); } } },
      line.node,
      h("div", { class: "actions" }, button(t("cancel"), () => close(null)), button(action, () => {}, { kind: "main", type: "submit" })))];
  });
}
