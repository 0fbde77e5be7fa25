// @ts-check
// Says things in the person's language.

import { de } from "./words/de.js";
import { en } from "./words/en.js";

/** @typedef {import("./words/en.js").Words} Words */
/** @typedef {keyof Words} Key */
/** @typedef {Record<string, string | number>} Values */
/** @typedef {"en" | "de"} Language */

/** @type {Record<Language, Words>} */
const LANGUAGES = { en, de };

/** @type {Language} */
let current = "en";
let plurals = new Intl.PluralRules(current);

/**
 * The words of `key`, with `{holes}` filled; `count` chooses between one and several.
 * @param {Key} key
 * @param {Values} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const words = LANGUAGES[current][key];
  const chosen = typeof words === "string" ? words : words[plurals.select(Number(values.count)) === "one" ? "one" : "other"];
  return chosen.replace(/\{(\w+)\}/g, (hole, what) => (what in values ? String(values[what]) : hole));
}

/**
 * The words of a key made of parts, or those of `otherwise` where there are none.
 * @param {string} key
 * @param {Key} otherwise
 * @param {Values} [values]
 */
export function tOr(key, otherwise, values) {
  return t(keyOr(key, otherwise), values);
}

/**
 * @param {string} key
 * @param {Key} otherwise
 * @returns {Key}
 */
export function keyOr(key, otherwise) {
  return Object.hasOwn(en, key) ? /** @type {Key} */ (key) : otherwise;
}

/** @returns {Language} */
export function language() {
  return current;
}

/**
 * Whether that changed anything.
 * @param {"system" | Language} wanted
 */
export function speak(wanted) {
  const next = wanted === "system" ? ofBrowser() : wanted;
  if (next === current) return false;
  current = next;
  plurals = new Intl.PluralRules(current);
  return true;
}

/** @returns {Language} */
function ofBrowser() {
  const known = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
  return known === "de" ? "de" : "en";
}
