// @ts-check
// Ten thousand messages: opened, switched to and scrolled through, on a processor four times slower.
// Prints frames a second; below the last line stand the goals.

import { PHONE, check, conclude, open, said } from "./browser.js";

const MESSAGES = 10_000;
const SLOWER = Number(process.env.SLOWER ?? 4);
const client = await open();
const page = await client.page(`scenario=chat&messages=${MESSAGES}`, { viewport: PHONE });
await page.waitForSelector("article");
const session = await page.context().newCDPSession(page);
await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });

/** Scrolls up by `speed` pixels a second for a while, or to the start. @param {number} speed @param {number} seconds */
const scroll = (speed, seconds) => page.evaluate(async ([speed, seconds]) => {
  const log = /** @type {HTMLElement} */ (document.querySelector(".log"));
  const gaps = [];
  const begin = performance.now();
  let last = begin;
  let frames = 0;
  let moved = 0;
  while (last - begin < seconds * 1000) {
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    log.scrollTop -= (speed * (now - last)) / 1000;
    moved += (speed * (now - last)) / 1000;
    gaps.push(now - last);
    last = now;
    frames += 1;
  }
  gaps.sort((a, b) => a - b);
  return { frames: frames / ((last - begin) / 1000), worst: gaps[gaps.length - 1], p99: gaps[Math.floor(gaps.length * 0.99)], moved, top: log.scrollTop, articles: document.querySelectorAll("article").length };
}, [speed, seconds]);

// What this machine gives to a page that does nothing: no page draws more often.
const idle = (await scroll(0, 2)).frames;
const goal = Math.min(50, idle * 0.85);
console.log(`a page at rest: ${idle.toFixed(1)} frames/s`);
const up = await scroll(3000, 6);
console.log(`up at 3000 px/s: ${up.frames.toFixed(1)} frames/s, 99 % within ${up.p99.toFixed(0)} ms, worst ${up.worst.toFixed(0)} ms, ${up.articles} messages in the page`);
check("scrolling up keeps 50 frames a second", up.frames >= goal, up.frames);
check("few of them are in the page at once", up.articles < 500, up.articles);
const fling = await scroll(12000, 6);
console.log(`a fling at 12000 px/s: ${fling.frames.toFixed(1)} frames/s, 99 % within ${fling.p99.toFixed(0)} ms, worst ${fling.worst.toFixed(0)} ms, ${fling.articles} messages in the page`);
check("a fling keeps 50 frames a second", fling.frames >= goal, fling.frames);
const down = await scroll(-12000, 6);
console.log(`and back: ${down.frames.toFixed(1)} frames/s, 99 % within ${down.p99.toFixed(0)} ms, worst ${down.worst.toFixed(0)} ms`);
check("coming back keeps 50 frames a second", down.frames >= goal, down.frames);

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
check("switching conversations takes under 100 ms", Math.max(...took) < 100, took);

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
