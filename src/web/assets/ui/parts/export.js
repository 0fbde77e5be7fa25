// @ts-check
// A copy of what this device keeps, as a file.

import { attempt } from "../attempt.js";
import { h } from "../dom.js";

/** @param {import("../app.js").App} app */
export async function exportTo(app) {
  await attempt(app, async () => {
    const url = URL.createObjectURL(await app.model.exportData());
    h("a", { href: url, download: `${app.model.state.me?.handle ?? "export"}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
}
