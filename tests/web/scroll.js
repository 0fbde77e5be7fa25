// @ts-check
// Ten thousand messages: opened, switched to and scrolled through, on a processor four times slower.
// What counts is the processor time that a frame costs: frames a second say as much about what else
// the machine does, so that they only count where it does nothing else.

import { availableParallelism, loadavg } from "node:os";

import { PHONE, check, conclude, open, said } from "./browser.js";

const MESSAGES = 10_000;
const SLOWER = Number(process.env.SLOWER ?? 4);
const client = await open();
const page = await client.page(`scenario=chat&messages=${MESSAGES}`, { viewport: PHONE });
await page.waitForSelector("article");
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable", { timeDomain: "threadTicks" });
const busy = loadavg()[0] > availableParallelism() * 0.7;

/** Seconds of processor time that the page took so far. */
async function spent() {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
}

/** @param {string} what @param {number} speed @param {number} seconds */
async function measure(what, speed, seconds) {
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  const before = await spent();
  const free = await scroll(speed, seconds);
  const cost = ((await spent()) - before) * 1000 / (free.frames * seconds);
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  const slow = await scroll(speed, seconds);
  console.log(`${what}: a frame costs ${cost.toFixed(1)} ms of the processor; at ${SLOWER} times slower ${slow.frames.toFixed(0)} frames/s, 99 % within ${slow.p99.toFixed(0)} ms${busy ? " (this machine is busy)" : ""}`);
  check(`${what}: 50 frames a second are within reach`, cost * SLOWER <= 16, cost);
  check(`${what}: they are reached`, busy || slow.frames >= 50, slow.frames);
  check(`${what}: few messages are in the page at once`, Math.max(slow.articles, free.articles) <= 200, slow.articles);
}

/** Scrolls by `speed` pixels a second for a while. @param {number} speed @param {number} seconds */
const scroll = (speed, seconds) => page.evaluate(async ([speed, seconds]) => {
  const log = /** @type {HTMLElement} */ (document.querySelector(".log"));
  const gaps = [];
  const begin = performance.now();
  let last = begin;
  let frames = 0;
  while (last - begin < seconds * 1000) {
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    log.scrollTop += (speed * (now - last)) / 1000;
    gaps.push(now - last);
    last = now;
    frames += 1;
  }
  gaps.sort((a, b) => a - b);
  return { frames: frames / ((last - begin) / 1000), p99: gaps[Math.floor(gaps.length * 0.99)], articles: document.querySelectorAll("article").length };
}, [speed, seconds]);

await measure("scrolling up", -3000, 4);
await measure("a fling", -12000, 4);
await measure("and back", 12000, 4);

const steady = await page.evaluate(async () => {
  const log = /** @type {HTMLElement} */ (document.querySelector(".log"));
  log.scrollTop = -5000;
  await new Promise((later) => setTimeout(later, 600));
  const middle = [...document.querySelectorAll("article")].find((node) => node.getBoundingClientRect().top > 300);
  if (!middle) return -1;
  const before = middle.getBoundingClientRect().top;
  const { model } = /** @type {any} */ (globalThis);
  const peer = model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").id;
  for (let count = 0; count < 3; count += 1) {
    model.receive(peer, "one more\nof three lines\nthat comes");
    await new Promise((later) => setTimeout(later, 200));
  }
  return Math.abs(middle.getBoundingClientRect().top - before);
});
check("what is read stays where it is when messages come", steady >= 0 && steady < 2, steady);

const took = await page.evaluate(async () => {
  const times = [];
  for (const title of ["Tomás Ferreira", "Mira", "kai", "Mira"]) {
    const row = /** @type {HTMLElement} */ ([...document.querySelectorAll(".row")].find((row) => row.querySelector(".row-title")?.textContent === title));
    const begin = performance.now();
    row.click();
    const { model } = /** @type {any} */ (globalThis);
    const last = model.kept.get(model.state.conversations.find((/** @type {any} */ one) => one.title === title).id).at(-1).id;
    while (!document.querySelector(`article[data-id="${last}"]`)) await new Promise(requestAnimationFrame);
    times.push(performance.now() - begin);
  }
  return times;
});
console.log(`switching: ${took.map((time) => time.toFixed(0)).join(", ")} ms`);
check("switching conversations takes under 100 ms", busy || Math.max(...took) < 100, took);

await page.evaluate(() => {
  const { model } = /** @type {any} */ (globalThis);
  const mira = model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").id;
  history.pushState({ route: { name: "list" }, depth: 1 }, "", "/");
  dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
  const early = model.kept.get(mira)[9_000];
  model.kept.get(mira)[9_000] = { ...early, text: "the needle" };
});
await page.getByLabel("Search").first().fill("the needle");
const begin = Date.now();
await page.getByRole("button", { name: /the needle/ }).click();
await page.locator("article:focus").waitFor();
console.log(`to a message a thousand back: ${Date.now() - begin} ms`);
check("a search leads to its message", (await page.locator("article:focus").textContent())?.includes("the needle") ?? false);
check("and shows it", await page.locator("article:focus").evaluate((node) => node.getBoundingClientRect().top > 60 && node.getBoundingClientRect().bottom < innerHeight));
check("nothing went wrong", said(page).length === 0, said(page));
await client.close();
conclude();
