// @ts-check
// Does what was asked for, or says why not.

import { explain } from "./trouble.js";

/**
 * Whether it worked.
 * @param {import("./app.js").App} app
 * @param {() => Promise<unknown>} work
 */
export async function attempt(app, work) {
  try {
    await work();
    return true;
  } catch (error) {
    app.toasts.show(explain(error), "bad");
    return false;
  }
}
