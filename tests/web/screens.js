// @ts-check
// Opens every screen and state in light and dark, on a phone and a desktop: nothing may be reported
// by axe-core, nothing may go wrong, nothing may stand outside the page. With a folder, pictures
// are kept there. `screens.js [folder] [part of a name]`

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { DESKTOP, NARROW, PHONE, check, conclude, open, perform, said } from "./browser.js";
import { SCENARIOS } from "./scenarios.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [folder, part = ""] = process.argv.slice(2);
if (folder) mkdirSync(folder, { recursive: true });

const client = await open();
/** @type {[string, { width: number, height: number }, string[]][]} */
const SIZES = [["phone", PHONE, ["light", "dark"]], ["desktop", DESKTOP, ["light", "dark"]], ["narrow", NARROW, ["light"]]];

/** @type {Map<string, string[]>} */
const wrong = new Map();
for (const [size, viewport, themes] of SIZES) {
  for (const theme of themes) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      if (!name.includes(part) || (scenario.phone && size === "desktop")) continue;
      const page = await client.page(`scenario=${name}&theme=${theme}`, { viewport, colorScheme: theme === "dark" ? "dark" : "light", reducedMotion: "reduce", hasTouch: size !== "desktop" });
      const found = await look(page, scenario, folder && `${folder}/${name}-${size}-${theme}.png`).catch((error) => [String(error)]);
      wrong.set(name, [...(wrong.get(name) ?? []), ...found.map((words) => `${size} ${theme}: ${words}`)]);
      await page.context().close();
    }
  }
}
for (const [name, found] of wrong) check(`${name} is accessible, whole and without errors`, found.length === 0, found.join("\n      "));
await client.close();
conclude();

/**
 * What is wrong with a screen.
 * @param {import("playwright-core").Page} page
 * @param {import("./scenarios.js").Scenario} scenario
 * @param {string} [picture]
 */
async function look(page, scenario, picture) {
  await perform(page, scenario);
  await page.waitForTimeout(350);
  if (picture) await page.screenshot({ path: picture });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  return [...await violations(page), ...said(page), ...(wide ? ["wider than the page"] : [])];
}

/** @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return violations.map((/** @type {any} */ one) => `${one.id}: ${one.nodes.map((/** @type {any} */ node) => `${node.target} ${node.any?.[0]?.message ?? ""}`).slice(0, 3).join("; ")}`);
  });
}
