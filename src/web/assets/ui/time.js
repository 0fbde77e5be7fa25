// @ts-check
// Says when, in the person's language and time zone.

import { language, t } from "./words.js";

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** As people write it where this one lives, where that is a place of the language. */
const place = () => navigator.languages.find((tag) => tag.startsWith(language())) ?? language();

/**
 * @param {string} key
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(key, options) {
  const id = `${language()} ${key}`;
  let found = formats.get(id);
  if (!found) formats.set(id, (found = new Intl.DateTimeFormat(place(), options)));
  return found;
}

/** @param {number} at */
export function clock(at) {
  return format("clock", { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** The day, as a number that grows by one at midnight. @param {number} at */
export function day(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

/** @param {number} at */
export function dayWords(at) {
  const ago = day(Date.now()) - day(at);
  if (ago === 0) return t("time.today");
  if (ago === 1) return t("time.yesterday");
  if (ago > 1 && ago < 7) return format("weekday", { weekday: "long" }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date().getFullYear();
  return format(sameYear ? "day" : "date", { weekday: "short", day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }).format(at);
}

/** As short as a row of a list needs it. @param {number} at */
export function shortly(at) {
  const ago = day(Date.now()) - day(at);
  if (ago <= 0) return clock(at);
  if (ago === 1) return t("time.yesterday");
  if (ago < 7) return format("short weekday", { weekday: "short" }).format(at);
  return format("short date", { day: "2-digit", month: "2-digit", year: "2-digit" }).format(at);
}

/** @param {number} at */
export function fully(at) {
  return format("full", { dateStyle: "full", timeStyle: "short" }).format(at);
}

/** How long, as on a stopwatch. @param {number} seconds */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}
