// @ts-check
// Beginning a call: the microphone is asked for now, and not before.

import { explain } from "../trouble.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app @param {string} peer */
export async function dialCall(app, peer) {
  try {
    await app.model.dial(peer);
  } catch (error) {
    app.toasts.show(explain(error, "call"), "bad");
  }
}
