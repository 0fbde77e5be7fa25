// @ts-check
// Two people and a real daemon, through nothing but the screens: join, write both ways, one offline
// for a while, compare numbers, call, block, leave. `journey.js BINARY`; with FROM_HERE the pages
// come from this tree, whatever the binary holds.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import { PHONE, check, conclude } from "./browser.js";
import { ASSETS, POLICY } from "./serve.js";

/** @typedef {import("playwright-core").Page} Page */

const [binary] = process.argv.slice(2);
if (!binary) throw new Error("journey.js BINARY");
const folder = mkdtempSync(join(tmpdir(), "journey-"));
const ready = join(folder, "ready.json");
const daemon = spawn(binary, ["serve", "--data", join(folder, "data"), "--ready-file", ready, "--set", 'server.listen=["127.0.0.1:0"]', "--set", 'turn.listen=["127.0.0.1:0"]'], { stdio: "ignore" });
const PATIENCE = 30_000;
for (let count = 0; !existsSync(ready) && count < 300; count += 1) await new Promise((later) => setTimeout(later, 100));
const origin = `http://${JSON.parse(readFileSync(ready, "utf8")).http[0]}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    // Pages that come from here have no address that the browser knows.
    ...(process.env.FROM_HERE ? ["--disable-features=LocalNetworkAccessChecks"] : [])],
});
/** @type {string[]} */
const wrong = [];
try {
  await journey();
} finally {
  await browser.close();
  daemon.kill();
  rmSync(folder, { recursive: true, force: true });
}
conclude();

async function journey() {
  const [anna, mira] = [await join_("anna"), await join_("mira")];
  const link = await own(mira);
  await anna.getByRole("button", { name: "New conversation" }).first().click();
  await anna.getByLabel("Name or link").fill(link);
  await anna.keyboard.press("Enter");
  await write(anna, "Hello Mira");
  await later(anna);
  await mira.locator(".row", { hasText: "Hello Mira" }).waitFor({ timeout: PATIENCE });
  check("a first message comes as a request", await mira.getByText("Message requests").isVisible());
  await mira.locator(".row").first().click();
  await mira.getByRole("button", { name: "Allow" }).click();
  await write(mira, "Hello Anna <b>you</b>");
  await later(mira);
  await seen(anna, "Hello Anna <b>you</b>");
  check("messages go both ways", true);
  await anna.locator("article.mine .marks[data-state=read]").first().waitFor({ timeout: PATIENCE });
  check("what was read is marked so", true);

  await mira.context().setOffline(true);
  await anna.getByLabel(/Message to/).fill("while you were away");
  await anna.keyboard.press("Enter");
  await write(mira, "written without network");
  await mira.locator("article", { hasText: "written without network" }).waitFor();
  await mira.context().setOffline(false);
  await seen(mira, "while you were away");
  await seen(anna, "written without network");
  check("what was written without network comes when it is back", true);

  await anna.locator(".who").click();
  await mira.locator(".who").click();
  const digits = await Promise.all([anna, mira].map(async (page) => { await page.locator(".digits").waitFor({ timeout: PATIENCE }); return page.locator(".digits").textContent(); }));
  check("both see the same safety number", digits[0] === digits[1] && digits[0]?.length === 60, digits);
  for (const page of [anna, mira]) {
    await page.getByRole("button", { name: "Mark as verified" }).click();
    await page.getByRole("button", { name: "They are the same" }).click();
    await page.getByText(/You verified/).waitFor();
  }
  check("and mark each other", true);

  await anna.getByRole("button", { name: "Call", exact: true }).click();
  await mira.getByRole("button", { name: "Answer" }).click({ timeout: PATIENCE });
  for (const page of [anna, mira]) await page.getByText("Connected, encrypted, relayed").waitFor({ timeout: PATIENCE });
  check("a call connects, encrypted and relayed", true);
  await anna.getByRole("button", { name: "Hang up" }).click();
  await mira.locator("dialog.call").waitFor({ state: "detached", timeout: PATIENCE });
  check("and ends on both sides", true);

  await anna.reload();
  await anna.getByText("Details").first().waitFor({ timeout: PATIENCE });
  await anna.getByRole("button", { name: "Back" }).click();
  await seen(anna, "Outgoing call");
  await anna.locator(".bubble", { hasText: "Hello Mira" }).waitFor();
  check("everything is there after the page is opened anew", true);
  await mira.getByRole("button", { name: "Block" }).click();
  await mira.getByText("Blocked").first().waitFor();
  check("somebody is blocked", true);

  await anna.getByRole("button", { name: "Back" }).click();
  await anna.getByRole("button", { name: "Settings" }).click();
  await anna.getByRole("button", { name: "Delete account" }).click();
  const sure = anna.locator("dialog[open]");
  await sure.getByLabel(/Type/).fill("anna");
  await anna.keyboard.press("Enter");
  await anna.getByText("Your account is deleted").waitFor({ timeout: PATIENCE });
  check("an account is deleted", true);
  check("nothing went wrong", wrong.length === 0, wrong);
}

/** A person on a device of their own, who has joined. @param {string} handle */
async function join_(handle) {
  const context = await browser.newContext({ viewport: PHONE, locale: "en-GB", permissions: ["microphone"], serviceWorkers: process.env.FROM_HERE ? "block" : "allow" });
  if (process.env.FROM_HERE) await context.route((url) => /^\/($|app\/|i$|c$|sw\.js|manifest)/.test(url.pathname), here);
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(`${handle}: ${error}`));
  page.on("console", (message) => message.type() === "error" && !/ERR_INTERNET_DISCONNECTED|Failed to load resource/.test(message.text()) && wrong.push(`${handle}: ${message.text()}`));
  await page.goto(origin);
  await page.getByLabel("A name to be found by").fill(handle, { timeout: PATIENCE });
  await page.keyboard.press("Enter");
  await page.getByText("Your recovery code").waitFor({ timeout: PATIENCE });
  const last = await page.locator(".recovery-code li").last().textContent();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByLabel(/the last one/).fill(last ?? "");
  await page.keyboard.press("Enter");
  await page.getByText("No conversations yet").waitFor();
  check(`${handle} joins and keeps a code`, true);
  return page;
}

/** The link that others open to write to somebody. @param {Page} page */
async function own(page) {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  const link = await page.locator(".own-link").textContent();
  await page.getByRole("button", { name: "Back" }).click();
  return link ?? "";
}

/** @param {Page} page @param {string} text */
async function write(page, text) {
  await page.getByLabel(/Message to/).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** @param {Page} page @param {string} text */
async function seen(page, text) {
  await page.locator("article", { hasText: text }).first().waitFor({ timeout: PATIENCE });
}

/** Answers the question about notifications, where it is asked. @param {Page} page */
async function later(page) {
  await page.getByRole("button", { name: "Not now" }).click({ timeout: 3000 }).catch(() => {});
}

/** @param {import("playwright-core").Route} route */
function here(route) {
  const { pathname } = new URL(route.request().url());
  const name = /^\/(i|c)?$/.test(pathname) ? "index.html" : pathname.replace(/^\/(app\/)?/, "");
  const kinds = /** @type {Record<string, string>} */ ({ ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json" });
  return route.fulfill({ body: readFileSync(join(ASSETS, name)), headers: { "content-type": kinds[extname(name)] ?? "text/plain", "content-security-policy": POLICY } });
}
