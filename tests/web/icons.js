// @ts-check
// Draws the app's icons anew from `icons/icon.svg`: those that platforms want as PNG.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ASSETS } from "./serve.js";

const icon = readFileSync(join(ASSETS, "icons/icon.svg"), "utf8");
// Platforms cut maskable icons to a circle of four fifths: no corners, and the mark well inside.
const maskable = icon.replace(' rx="15"', "").replace("translate(6.4 6.4) scale(1.067)", "translate(11.4 11.4) scale(0.86)");
const badge = icon.replace(/<rect[^>]*>/, "").replace(/fill="#9be3cb"/, 'fill="none"').replace("translate(6.4 6.4) scale(1.067)", "translate(1 1) scale(1.3)").replace('stroke-width="2.6"', 'stroke-width="3.6"');

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
for (const [name, drawing, size] of /** @type {[string, string, number][]} */ ([["icon-192", icon, 192], ["icon-512", icon, 512], ["icon-maskable-512", maskable, 512], ["badge", badge, 96]])) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>html, body { margin: 0 } svg { display: block; width: ${size}px; height: ${size}px }</style>${drawing}`);
  const path = join(ASSETS, `icons/${name}.png`);
  await page.screenshot({ path, omitBackground: true });
  execFileSync("optipng", ["-quiet", "-strip", "all", "-o5", path]);
}
await browser.close();
