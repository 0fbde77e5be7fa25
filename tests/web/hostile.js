// @ts-check
// What strangers choose — messages, names, links — is text, whatever it says: it runs nothing,
// fetches nothing, breaks out of nothing, and leads nowhere unsafe.

import { PHONE, check, conclude, open, said } from "./browser.js";

const PAYLOADS = [
  "<script>globalThis.hit = 1</script>", "<img src=x onerror=\"globalThis.hit=1\">", "<svg/onload=globalThis.hit=1>",
  "\"><iframe srcdoc='<script>parent.hit=1</script>'></iframe>", "javascript:globalThis.hit=1", "[x](javascript:globalThis.hit=1)",
  "{{constructor.constructor('globalThis.hit=1')()}}", "${globalThis.hit=1}", "</textarea><script>globalThis.hit=1</script>",
  "<style>*{display:none}</style>", "<base href=https://evil.example>", "<meta http-equiv=refresh content=0;url=https://evil.example>",
  "https://evil.example/\"onmouseover=\"globalThis.hit=1", "https://user:pass@evil.example/", "data:text/html,<script>parent.hit=1</script>",
  "https://javascript:globalThis.hit=1", "<math><mtext><table><mglyph><style><img src=x onerror=globalThis.hit=1>", "<a href=javascript:globalThis.hit=1>x</a>",
  "__proto__", "constructor", "%00%0d%0aSet-Cookie:x=1", "\u0000\u0001\u0008 control",
];
const TURNING = ["\u202egnp.exe\u202c", "abc\u2066\u202e\u2067def", "\u202e\u202e\u202eright to left", "https://good.example/\u202emoc.live"];
const ZALGO = "Z" + "\u0300\u0301\u0302\u0303\u0304\u0305\u0306".repeat(40) + "algo";
const HUGE = ["a".repeat(65_000), "🎻".repeat(16_000), "\n".repeat(60_000) + "end", "word ".repeat(13_000), "ﷺ".repeat(20_000), "(".repeat(65_000), "https://x.example/".repeat(3_600)];

const client = await open();
const page = await client.page("scenario=chat", { viewport: PHONE });
// What calls are shown with is fetched with the first.
await page.evaluate(() => /** @type {any} */ (globalThis).model.call({ state: "ringing", outgoing: false }));
await page.locator("dialog.call[open]").waitFor();
await page.evaluate(() => { const { model } = /** @type {any} */ (globalThis); model.call({ state: "ended", reason: "error" }); model.dismissCall(); });
const requests = /** @type {string[]} */ ([]);
page.on("request", (request) => requests.push(request.url()));

for (const [kind, texts] of Object.entries({ scripts: PAYLOADS, "turned text": [...TURNING, ZALGO] })) {
  const shown = await page.evaluate((texts) => {
    const { model } = /** @type {any} */ (globalThis);
    const peer = model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").id;
    return texts.map((text) => model.receive(peer, text).id);
  }, texts);
  await page.waitForSelector(`article[data-id="${shown.at(-1)}"]`);
  const texted = await page.evaluate((ids) => ids.map((id) => document.querySelector(`article[data-id="${id}"] .bubble-text`)?.textContent), shown);
  const differing = texts.filter((text, at) => (texted[at] ?? "").replace(/ leads to .*/, "") !== text);
  check(`${kind}: messages are shown as they were written`, differing.length === 0, differing);
}

await page.evaluate((names) => {
  const { model } = /** @type {any} */ (globalThis);
  for (const name of names) model.said(model.person(name, { standing: "request", unread: 1 }), name);
  model.become({});
}, [...PAYLOADS, ...TURNING, ZALGO, "n".repeat(10_000), " ", "​"]);
for (const title of [PAYLOADS[1], TURNING[0], ZALGO]) {
  await page.evaluate((title) => {
    const { model } = /** @type {any} */ (globalThis);
    model.turn(model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").id, { title });
    model.call({ title, state: "ringing", outgoing: false, id: title });
    model.call({ state: "ended", reason: "<b>x</b>" });
    model.dismissCall();
    model.turn(model.state.conversations.find((/** @type {any} */ one) => one.title === title).id, { title: "Mira" });
  }, title);
}
check("no text ran", await page.evaluate(() => !("hit" in globalThis)));
check("no text became an element", await page.evaluate(() => document.querySelectorAll("script:not([src]), iframe, img, base, style, meta[http-equiv], math, object, embed").length === 0));
check("no text fetched anything", requests.length === 0, requests);
const links = await page.evaluate(() => [...document.querySelectorAll("article a")].map((link) => ({ href: /** @type {HTMLAnchorElement} */ (link).href, rel: link.getAttribute("rel") ?? "", target: link.getAttribute("target"), text: link.textContent ?? "" })));
check("links are https, open apart and tell nobody", links.length > 0 && links.every(({ href, rel, target }) => href.startsWith("https://") && !href.includes("@") && rel.includes("noopener") && rel.includes("noreferrer") && target === "_blank"), links);
check("no link holds what turns text", links.every(({ text }) => !/[\u202a-\u202e\u2066-\u2069]/.test(text)));
const loud = await page.evaluate(() => {
  const tall = [...document.querySelectorAll("article")].filter((node) => node.textContent?.includes("algo")).map((node) => node.getBoundingClientRect().height);
  return Math.max(...tall);
});
check("stacked marks stay in their message", loud < 120, loud);
check("nothing is wider than the page", await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll(".log")].every((log) => log.scrollWidth <= log.clientWidth + 1)));

for (const [at, text] of HUGE.entries()) {
  const took = await page.evaluate(async (text) => {
    const { model } = /** @type {any} */ (globalThis);
    const peer = model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").id;
    const begin = performance.now();
    const { id } = model.receive(peer, text);
    while (!document.querySelector(`article[data-id="${id}"]`)) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - begin;
  }, text);
  check(`a message of ${Math.round(Buffer.byteLength(text) / 1024)} KiB (${at}) shows at once`, took < 400, took);
}
const whole = page.getByRole("button", { name: "Show all" }).last();
const begin = Date.now();
await whole.click();
await page.getByRole("button", { name: "Show less" }).last().waitFor();
check("a huge message opens wholly on demand", Date.now() - begin < 3000, Date.now() - begin);
check("nothing went wrong", said(page).length === 0, said(page));
await client.close();
conclude();
