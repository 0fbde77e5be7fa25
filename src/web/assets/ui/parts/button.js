// @ts-check
// Buttons, switches and fields, each with its name for screen readers.

import { h, say, set, spoken } from "../dom.js";
import { icon } from "../icon.js";

/** @typedef {import("../icon.js").IconName} IconName */

/**
 * A button with words.
 * @param {string} words
 * @param {() => unknown} press
 * @param {{ kind?: "main" | "plain" | "danger" | "quiet", icon?: IconName, type?: "submit" | "button", class?: string }} [look]
 */
export function button(words, press, { kind = "plain", icon: sign, type = "button", class: more = "" } = {}) {
  return h("button", { type, class: `button ${kind} ${more}`.trim(), on: { click: press } },
    sign && icon(sign), h("span", {}, words));
}

/**
 * A button that is an icon.
 * @param {IconName} sign
 * @param {string} label
 * @param {(event: MouseEvent) => unknown} press
 * @param {import("../dom.js").Props} [props]
 */
export function iconButton(sign, label, press, props = {}) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, on: { click: press }, ...props }, icon(sign));
}

/**
 * On or off, at once.
 * @param {string} label
 * @param {string} help
 * @param {(on: boolean) => unknown} turn
 */
export function toggle(label, help, turn) {
  const id = fresh();
  const input = h("input", { type: "checkbox", role: "switch", class: "switch", id, "aria-describedby": help && `${id}-help`,
    on: { change: () => turn(input.checked) } });
  const row = h("div", { class: "setting" },
    h("div", { class: "setting-words" }, h("label", { for: id }, label), help && h("p", { class: "help", id: `${id}-help` }, help)),
    input);
  return { node: row, input };
}

/**
 * One of several.
 * @template {string} V
 * @param {string} label
 * @param {[V, string][]} options
 * @param {(value: V) => unknown} pick
 */
export function choice(label, options, pick) {
  const id = fresh();
  const select = h("select", { id, on: { change: () => pick(/** @type {V} */ (select.value)) } },
    options.map(([value, words]) => h("option", { value }, words)));
  return { node: h("div", { class: "setting" }, h("label", { for: id }, label), select), select };
}

/**
 * A line to type in, with what is wrong with it below.
 * @param {string} label
 * @param {import("../dom.js").Props} [props]
 * @param {string} [help]
 */
export function field(label, props = {}, help = "") {
  const id = fresh();
  const input = h("input", { id, type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-help ${id}-wrong`, ...props });
  const wrong = h("p", { class: "wrong", id: `${id}-wrong`, role: "alert" });
  const node = h("div", { class: "field" }, h("label", { for: id }, label), input,
    h("p", { class: "help", id: `${id}-help` }, help), wrong);
  /** @param {string} words */
  const complain = (words) => {
    say(wrong, words);
    set(input, "aria-invalid", words !== "" && "true");
    if (words) input.focus();
  };
  input.addEventListener("input", () => complain(""));
  return { node, input, complain };
}

/**
 * Runs what a button starts, once at a time: it shows that it works, and can't be pressed twice.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} work
 */
export async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  set(button, "aria-disabled", "true");
  button.classList.add("busy");
  try {
    await work();
  } finally {
    set(button, "aria-disabled", null);
    button.classList.remove("busy");
  }
}

/** A little wheel, for what takes a while. @param {string} words */
export function wheel(words) {
  return h("span", { class: "wheel", role: "status" }, spoken(words));
}

let last = 0;
/** An id that nothing else has. */
export function fresh() {
  last += 1;
  return `n${last}`;
}
