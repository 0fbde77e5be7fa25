// @ts-check
// Says things in the person's language.

/** @typedef {import("./words/en.js").Words} Words */
/** @typedef {keyof Words} Key */
/** @typedef {Record<string, string | number>} Values */
/** @typedef {"en" | "de"} Language */

/** Fetched when they are spoken. @type {Record<Language, () => Promise<Words>>} */
const LANGUAGES = {
  en: async () => (await import("./words/en.js")).en,
  de: async () => (await import("./words/de.js")).de,
};

/** @type {Map<Language, Words>} */
const known = new Map();

/** @type {Language} */
let current = "en";
/** @type {Words} */
let words;
let plurals = new Intl.PluralRules(current);

/**
 * The words of `key`, with `{holes}` filled; `count` chooses between one and several.
 * @param {Key} key
 * @param {Values} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const found = words[key];
  const chosen = typeof found === "string" ? found : found[plurals.select(Number(values.count)) === "one" ? "one" : "other"];
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
  return Object.hasOwn(words, key) ? /** @type {Key} */ (key) : otherwise;
}

/** @returns {Language} */
export function language() {
  return current;
}

/**
 * Whether that is another language than before; null where its words have to be learnt first.
 * @param {"system" | Language} wanted
 */
export function speak(wanted) {
  const next = wanted === "system" ? ofBrowser() : wanted;
  const found = known.get(next);
  if (!found) return null;
  if (found === words) return false;
  [current, words, plurals] = [next, found, new Intl.PluralRules(next)];
  return true;
}

/** @param {"system" | Language} wanted */
export async function learn(wanted) {
  const next = wanted === "system" ? ofBrowser() : wanted;
  known.set(next, await LANGUAGES[next]());
}

/** @returns {Language} */
function ofBrowser() {
  const first = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
  return first === "de" ? "de" : "en";
}
