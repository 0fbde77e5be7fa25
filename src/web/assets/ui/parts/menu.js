// @ts-check
// A menu at a button or a point: arrows move, Esc closes, the focus goes back.

import { h } from "../dom.js";
import { icon } from "../icon.js";

/** @typedef {{ words: string, icon?: import("../icon.js").IconName, danger?: boolean, pick: () => unknown }} Choice */

const GAP = 4;

/**
 * @param {HTMLElement} at
 * @param {string} label
 * @param {(Choice | null | false)[]} choices
 * @param {HTMLElement} [back] what has the focus afterwards; `at` unless told
 */
export function menu(at, label, choices, back = at) {
  const node = h("div", { class: "menu", popover: "auto", role: "menu", "aria-label": label });
  for (const choice of choices) {
    if (!choice) continue;
    node.append(h("button", { type: "button", role: "menuitem", tabindex: "-1", class: choice.danger ? "danger" : "",
      on: { click: () => { node.hidePopover(); choice.pick(); } } }, choice.icon && icon(choice.icon), h("span", {}, choice.words)));
  }
  node.addEventListener("keydown", (event) => walk(node, event));
  node.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const within = node.contains(document.activeElement) || document.activeElement === document.body;
    node.remove();
    at.removeAttribute("aria-expanded");
    if (within && back.isConnected) back.focus({ preventScroll: true });
  });
  (at.closest("dialog, main") ?? document.body).append(node);
  node.showPopover();
  at.setAttribute("aria-expanded", "true");
  place(node, at.getBoundingClientRect());
  /** @type {HTMLElement} */ (node.firstElementChild)?.focus();
}

/** @param {HTMLElement} node @param {DOMRect} at */
function place(node, at) {
  const { width, height } = node.getBoundingClientRect();
  const below = at.bottom + GAP + height <= innerHeight || at.top < height + GAP;
  const left = document.dir === "rtl" || at.left + width > innerWidth - GAP ? at.right - width : at.left;
  node.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
  node.style.top = `${Math.max(GAP, Math.min(below ? at.bottom + GAP : at.top - height - GAP, innerHeight - height - GAP))}px`;
}

/** @param {HTMLElement} node @param {KeyboardEvent} event */
function walk(node, event) {
  const items = /** @type {HTMLElement[]} */ ([...node.children]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key === "Tab") return node.hidePopover();
  if (!(event.key in steps)) return;
  event.preventDefault();
  event.stopPropagation();
  items.at(steps[event.key] % items.length)?.focus();
}
