// @ts-check
// A face for somebody: the first letter of what they are called, in a colour that stays theirs.

import { h, plainName, set } from "./dom.js";

const COLOURS = 8;

/**
 * @param {string} id
 * @param {string} title
 * @param {"small" | "large"} [size]
 */
export function avatar(id, title, size) {
  const face = h("span", { class: size ? `avatar ${size}` : "avatar", "aria-hidden": "true", "data-colour": colour(id) });
  rename(face, title);
  return face;
}

/**
 * @param {HTMLElement} face
 * @param {string} title
 */
export function rename(face, title) {
  const letter = initial(title);
  if (face.textContent !== letter) face.textContent = letter;
}

/**
 * Whether somebody is there, as a dot; nothing where that isn't known.
 * @param {HTMLElement} face
 * @param {boolean | null} online
 */
export function presence(face, online) {
  set(face, "data-online", online === null ? null : String(online));
}

/** @param {string} title */
function initial(title) {
  const letter = /\p{L}|\p{N}|\p{Extended_Pictographic}/u.exec(plainName(title))?.[0] ?? "·";
  return letter.toLocaleUpperCase();
}

/** @param {string} id */
function colour(id) {
  let sum = 0;
  for (let at = 0; at < id.length; at += 1) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  return sum % COLOURS;
}
