// @ts-check
// A browser at the served client.

import { chromium } from "playwright-core";
import { serve } from "./serve.js";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** @typedef {import("playwright-core").Page} Page */

export const PHONE = { width: 390, height: 844 };
export const NARROW = { width: 320, height: 568 };
export const DESKTOP = { width: 1200, height: 800 };

/** What the page said that it shouldn't have, by page. @type {WeakMap<Page, string[]>} */
const complaints = new WeakMap();

/** @param {boolean} [own] with the client's own composition in place of a fixture */
export async function open(own = false) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const server = await serve(own);
  return {
    browser, server,
    /**
     * A page with a scenario, ready.
     * @param {string} query
     * @param {import("playwright-core").BrowserContextOptions} [options]
     */
    async page(query, options = {}) {
      const context = await browser.newContext({ viewport: PHONE, serviceWorkers: "block", locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
      const page = await context.newPage();
      const said = /** @type {string[]} */ ([]);
      complaints.set(page, said);
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      await page.goto(`${server.origin}/?${query}`);
      await page.waitForSelector("html[data-ready]", { timeout: 20_000 });
      return page;
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** Errors and refusals of the policy since the page opened. @param {Page} page */
export function said(page) {
  return complaints.get(page) ?? [];
}

/** Puts a scenario's steps to the page. @param {Page} page @param {import("./scenarios.js").Scenario} scenario */
export async function perform(page, scenario) {
  for (const [label, words] of scenario.type ?? []) {
    const visible = page.getByLabel(label, { exact: true }).locator("visible=true").first();
    await visible.fill(words);
  }
  for (const label of scenario.press ?? []) await page.getByRole("button", { name: label, exact: true }).locator("visible=true").first().click();
}

let failures = 0;
/** @param {string} fact @param {boolean} holds @param {unknown} [detail] */
export function check(fact, holds, detail) {
  if (holds) return console.log(`ok    ${fact}`);
  failures += 1;
  console.log(`FAIL  ${fact}${detail === undefined ? "" : `: ${typeof detail === "string" ? detail : JSON.stringify(detail)}`}`);
}

export function conclude() {
  process.exitCode = failures ? 1 : 0;
}
