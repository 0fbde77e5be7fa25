// @ts-check
// What a person does, by the keyboard alone and by touch: each deed reaches the model, and the
// focus is always somewhere one can see.

import { DESKTOP, PHONE, check, conclude, open, said } from "./browser.js";

/** @typedef {import("playwright-core").Page} Page */

const client = await open();

/** The last thing that was asked of the model. @param {Page} page @param {string} action */
const asked = (page, action) => page.evaluate((action) => /** @type {any} */ (globalThis).model.asked.findLast((/** @type {any} */ one) => one[0] === action) ?? null, action);
/** What has the focus, as a screen reader would call it. @param {Page} page */
const focused = (page) => page.evaluate(() => {
  const node = document.activeElement;
  return node === null || node === document.body ? "" : node.getAttribute("aria-label") ?? node.textContent?.trim().slice(0, 60) ?? node.tagName;
});
/** Presses Tab until what has the focus is called so. @param {Page} page @param {RegExp} name */
async function tabTo(page, name) {
  for (let count = 0; count < 40; count += 1) {
    if (name.test(await focused(page))) return true;
    await page.keyboard.press("Tab");
  }
  return false;
}

await byKeyboard();
await calls();
await notifying();
await joining();
await keepingLater();
await editing();
await scanning();
await languages();
await client.close();
conclude();

async function byKeyboard() {
  const page = await client.page("scenario=list", { viewport: DESKTOP, reducedMotion: "reduce" });
  check("Tab reaches the conversations", await tabTo(page, /^J/));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  check("arrows walk them", (await focused(page)).includes("Mira"), await focused(page));
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator(".composer-text:focus").waitFor();
  check("Enter opens one, ready to write", /Message to Mira/.test(await focused(page)));
  await page.keyboard.type("typed by hand");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await page.locator("article", { hasText: "second line" }).waitFor();
  check("Enter sends, with Shift it begins a line", (await asked(page, "send"))?.[2] === "typed by hand\nsecond line", await asked(page, "send"));
  check("the question about notifications doesn't take the focus", /Message to Mira/.test(await focused(page)));
  for (let count = 0; count < 9 && await focused(page) !== "Messages"; count += 1) await page.keyboard.press("Shift+Tab");
  check("before the writing stand the messages", await focused(page) === "Messages", await focused(page));
  await page.keyboard.press("ArrowUp");
  check("arrows walk them too", (await focused(page)).startsWith("You: typed by hand"), await focused(page));
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.locator("[role=menu]").waitFor();
  check("Enter opens what can be done with one", await focused(page) === "Copy", await focused(page));
  await page.keyboard.press("Escape");
  check("Esc leaves the menu, to the message", (await focused(page)).startsWith("You: See you there"), await focused(page));
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  await tabTo(page, /^Delete$/);
  await page.keyboard.press("Enter");
  await page.locator("article", { hasText: "See you there" }).waitFor({ state: "detached" });
  check("a message is deleted here", (await asked(page, "remove")) !== null);
  await page.keyboard.press("Escape");
  check("Esc goes back", await page.evaluate(() => history.state.route.name) === "list");
  await page.keyboard.press("Control+k");
  check("Ctrl+K searches", await focused(page) === "Search", await focused(page));
  await page.keyboard.type("rehearsal");
  await page.locator(".results .row").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("article:focus", { hasText: "Rehearsal" }).waitFor();
  check("what was found has the focus", (await focused(page)).includes("Rehearsal is moved"));
  await page.getByRole("searchbox").fill("strings");
  await page.getByRole("button", { name: /new strings/ }).click();
  await page.locator("article:focus", { hasText: "strings" }).waitFor();
  check("also in a conversation that is open already", true);
  await page.getByRole("button", { name: "More about this conversation" }).click();
  await page.getByRole("menuitem", { name: "Delete conversation" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("Choose a conversation").waitFor();
  check("a conversation is deleted, and nothing stands in its place", (await asked(page, "removeConversation")) !== null);
  check("nothing went wrong", said(page).length === 0, said(page));
  await page.context().close();
}

async function calls() {
  const page = await client.page("scenario=chat", { viewport: DESKTOP });
  await page.getByLabel("Message to Mira").fill("half a thou");
  await page.getByLabel("Message to Mira").focus();
  await page.evaluate(() => /** @type {any} */ (globalThis).model.call({ outgoing: false, state: "ringing" }));
  await page.locator("dialog.call[open]").waitFor();
  check("an incoming call takes the focus", await focused(page) === "Answer", await focused(page));
  await page.keyboard.press("Escape");
  check("Esc doesn't turn it away", await page.locator("dialog.call[open]").count() === 1);
  await page.keyboard.press("Enter");
  check("Enter answers", (await asked(page, "answer")) !== null);
  check("and doesn't stand on hanging up", await focused(page) === "Mute", await focused(page));
  await page.evaluate(() => /** @type {any} */ (globalThis).model.call({ state: "connected", since: Date.now() }));
  await page.keyboard.press("Enter");
  check("mute is one key away", (await asked(page, "mute"))?.[1] === true);
  check("and says so", await page.locator("[aria-pressed=true]").count() === 1);
  await page.keyboard.press("Escape");
  check("Esc puts the call aside, back to what was written", /Message to Mira/.test(await focused(page)), await focused(page));
  await page.getByRole("button", { name: /Back to the call/ }).click();
  await page.getByRole("button", { name: "Hang up" }).click();
  check("hanging up reaches the model", (await asked(page, "hangUp")) !== null);
  await page.locator("dialog.call").waitFor({ state: "detached", timeout: 5000 });
  check("the end of a call goes by itself", (await asked(page, "dismissCall")) !== null);
  check("what was begun is still there", await page.getByLabel("Message to Mira").inputValue() === "half a thou");
  await page.evaluate(() => { const { model } = /** @type {any} */ (globalThis); model.failing.set("dial", Object.assign(new Error(""), { code: "microphone" })); });
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "No microphone" }).waitFor();
  check("a call without microphone says why", true);
  check("nothing went wrong in calls", said(page).length === 0, said(page));
  await page.context().close();
}

async function notifying() {
  const page = await client.page("scenario=chat", { viewport: PHONE, hasTouch: true });
  const question = page.getByText("Be told about new messages?");
  check("notifications aren't asked for before the first message", await question.count() === 0);
  await page.getByLabel("Message to Mira").fill("hello");
  await page.getByRole("button", { name: "Send" }).click();
  await question.waitFor();
  await page.getByRole("button", { name: "Yes" }).click();
  check("after it they are, once", (await asked(page, "change"))?.[1].notifications === "on" && await question.count() === 0);
  await page.evaluate(() => { const { model } = /** @type {any} */ (globalThis); model.receive(model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").id, "spoken aloud"); });
  await page.getByRole("status").filter({ hasText: "Mira: spoken aloud" }).waitFor({ state: "attached" });
  check("a new message is read out", true);
  check("what is seen is marked as read", await page.evaluate(() => /** @type {any} */ (globalThis).model.state.conversations.find((/** @type {any} */ one) => one.title === "Mira").unread) === 0);
  await page.locator("article", { hasText: "spoken aloud" }).tap();
  await page.locator("article", { hasText: "spoken aloud" }).getByRole("button").tap();
  check("touching a message offers what can be done with it", await page.getByRole("menuitem", { name: "Delete here" }).count() === 1);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Back" }).tap();
  await page.locator(".row", { hasText: "Tomás" }).tap();
  await page.locator("article", { hasText: "long ladder" }).waitFor();
  await page.goBack();
  await page.locator(".side").waitFor();
  check("Back leads to the list", await page.locator(".side").isVisible());
  check("no address holds anything", new URL(page.url()).pathname === "/" && new URL(page.url()).search === "");
  await page.context().close();
}

async function joining() {
  const page = await client.page("scenario=recovery-shown", { viewport: PHONE });
  await page.getByLabel("A name to be found by").fill("anna");
  await page.evaluate(() => { const { model } = /** @type {any} */ (globalThis); model.become({ server: { ...model.state.server, host: "renamed.example" } }); });
  await page.getByText("You are invited to renamed.example.").waitFor();
  check("what is typed stays when the server is heard of", await page.getByLabel("A name to be found by").inputValue() === "anna" && /found by|INPUT/.test(await page.evaluate(() => document.activeElement?.tagName ?? "")));
  await page.keyboard.press("Enter");
  await page.getByText("Your recovery code").waitFor();
  check("joining takes a name and one key", JSON.stringify((await asked(page, "join"))?.slice(1)) === JSON.stringify(["anna", "7Q2M-9XKD-4TRW"]));
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  check("a wrong last part is said", await page.getByText("That isn't it.").count() === 1);
  await page.getByLabel("Part 24, the last one").fill("Zephyr");
  await page.keyboard.press("Enter");
  await page.getByText("No conversations yet").waitFor();
  check("the right one ends it", (await asked(page, "recoveryWasSaved")) !== null);
  check("the code is nowhere in the page", !(await page.content()).includes("zephyr"));
  await page.context().close();
}

async function keepingLater() {
  const page = await client.page("scenario=list-second-session", { viewport: PHONE });
  await page.locator(".notice").getByRole("button", { name: "Show it" }).click();
  await page.getByText("Your recovery code", { exact: true }).waitFor();
  check("a code that wasn't kept is shown in the second session", await page.locator(".recovery-code li").count() === 24);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.keyboard.type("zephyr");
  await page.keyboard.press("Enter");
  await page.locator(".row").first().waitFor();
  check("kept, it isn't offered any more", await page.getByText("Your recovery code isn't kept yet").count() === 0);
  await page.context().close();
}

async function editing() {
  const page = await client.page("scenario=settings", { viewport: DESKTOP });
  await page.getByRole("button", { name: "Delete account" }).click();
  const sure = page.locator("dialog[open]");
  await sure.getByRole("button", { name: "Delete account" }).click();
  check("an account isn't deleted by a click", (await asked(page, "deleteAccount")) === null && await sure.getByText("That isn't").count() === 1);
  await sure.getByLabel(/Type/).fill("ANNA");
  await page.keyboard.press("Enter");
  await page.getByText("Your account is deleted").waitFor();
  check("but by its name", (await asked(page, "deleteAccount")) !== null);
  await page.context().close();

  const request = await client.page("scenario=chat-request", { viewport: PHONE });
  check("a request can't be answered before it is allowed", !(await request.getByLabel("Message to Jonas").isVisible()));
  check("nor is it marked as read", (await asked(request, "markRead")) === null);
  await request.getByRole("button", { name: "Allow" }).click();
  await request.getByLabel("Message to Jonas").waitFor();
  check("allowing lets one write", (await asked(request, "allow")) !== null);
  await request.context().close();

  const failed = await client.page("scenario=chat-kinds", { viewport: PHONE });
  await failed.getByRole("button", { name: "Try again" }).click();
  check("what failed is tried again", (await asked(failed, "retry")) !== null);
  await failed.locator(".failed").waitFor({ state: "detached" });
  await failed.context().close();

  const changed = await client.page("scenario=chat-changed", { viewport: PHONE });
  await changed.getByRole("button", { name: "Compare" }).click();
  await changed.getByRole("button", { name: "Mark as verified" }).click();
  await changed.getByRole("button", { name: "They are the same" }).click();
  await changed.getByText("You verified kai").waitFor();
  check("a changed number is compared and marked", /^(\d{5} ?){12}$/.test((await asked(changed, "verify"))?.[2] ?? ""));
  await changed.context().close();

  const unmarked = await client.page("scenario=chat-changed", { viewport: PHONE });
  await unmarked.getByRole("button", { name: "Go on unverified" }).click();
  await unmarked.getByRole("button", { name: "Go on unverified" }).waitFor({ state: "detached" });
  check("the mark of a key that changed is taken away, which accepting it wouldn't", (await asked(unmarked, "unverify")) !== null && (await asked(unmarked, "acceptIdentity")) === null);
  await unmarked.context().close();
}

async function scanning() {
  const context = await client.browser.newContext({ viewport: PHONE, serviceWorkers: "block" });
  await context.addInitScript(() => {
    /** @type {any} */ (globalThis).BarcodeDetector = class {
      static async getSupportedFormats() { return ["qr_code"]; }
      async detect() { return [{ rawValue: /** @type {any} */ (globalThis).scanned }]; }
    };
    navigator.mediaDevices.getUserMedia = async () => {
      const canvas = document.createElement("canvas");
      const pen = canvas.getContext("2d");
      setInterval(() => pen?.fillRect(Math.random() * 99, 0, 9, 9), 50);
      const stream = canvas.captureStream(5);
      /** @type {any} */ (globalThis).camera = stream;
      return stream;
    };
  });
  const page = await context.newPage();
  await page.goto(`${client.server.origin}/?scenario=welcome-code`);
  await page.evaluate(() => { /** @type {any} */ (globalThis).scanned = "https://kestrel.example/i#7Q2M-9XKD-4TRW"; });
  await page.getByRole("button", { name: "Scan the QR code" }).click();
  await page.getByText("You are invited to kestrel.example.").waitFor();
  check("an invitation is scanned", true);
  check("the camera is off again", await page.evaluate(() => /** @type {any} */ (globalThis).camera.getTracks().every((/** @type {any} */ track) => track.readyState === "ended")));
  await page.goto(`${client.server.origin}/?scenario=contact-unverified`);
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).scanned = "privcomm:sn1:other";
    /** @type {any} */ (globalThis).model.failing.set("verify", Object.assign(new Error(""), { code: "safety_number_differs" }));
  });
  await page.getByRole("button", { name: "Scan theirs" }).click();
  await page.getByRole("alert").filter({ hasText: "The numbers differ" }).waitFor();
  check("a number that differs is said loudly", true);
  await context.close();
}

async function languages() {
  const page = await client.page("scenario=settings&language=de", { viewport: PHONE });
  check("German is spoken, and said to be", await page.evaluate(() => document.documentElement.lang) === "de" && await page.getByRole("heading", { name: "Einstellungen" }).count() === 1);
  await page.getByLabel("Sprache").selectOption("en");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  check("a language changes at once", true);
  await page.getByLabel("Theme").selectOption("dark");
  check("a theme too", await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme) === "dark");
  check("nothing went wrong in settings", said(page).length === 0, said(page));
  await page.context().close();
}
