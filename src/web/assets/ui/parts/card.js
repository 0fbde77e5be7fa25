// @ts-check
// A part of a page, with its heading.

import { h } from "../dom.js";

/** @param {string} title @param {...Node} content */
export function card(title, ...content) {
  return h("section", { class: "card" }, h("h2", {}, title), ...content);
}
