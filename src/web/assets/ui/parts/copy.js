// @ts-check
// Gives text to the clipboard, or to the share sheet of a phone.

import { t } from "../words.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app @param {string} text */
export async function copy(app, text) {
  try {
    await navigator.clipboard.writeText(text);
    app.toasts.show(t("copied"));
  } catch {
    app.toasts.show(t("copy_failed"), "bad");
  }
}

export const canShare = () => typeof navigator.share === "function";

/** @param {App} app @param {string} url */
export async function share(app, url) {
  try {
    await navigator.share({ url });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) await copy(app, url);
  }
}
