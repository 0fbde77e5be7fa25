// @ts-check
// The service worker: the client opens without network, a newer version waits for the next opening,
// a file that was changed on its way is refused, and a push says nothing.

import { PHONE, check, conclude, open } from "./browser.js";

const client = await open();
const { server } = client;
const page = await client.page("scenario=list", { viewport: PHONE, serviceWorkers: "allow", permissions: ["notifications"] });
/** The versions that are kept, and the one that is served. */
const kept = () => page.evaluate(async () => ({
  shells: (await caches.keys()).filter((name) => name.startsWith("shell-")),
  chosen: await (await (await caches.open("chosen")).match("/version"))?.text(),
}));
/** @param {(state: { shells: string[], chosen?: string }) => boolean} fits */
async function until(fits) {
  for (let count = 0; count < 100; count += 1) {
    const state = await kept();
    if (fits(state)) return state;
    await page.waitForTimeout(100);
  }
  return kept();
}

const first = await until(({ chosen }) => chosen !== undefined);
check("the first opening keeps the client", first.shells.length === 1 && first.chosen === first.shells[0], first);
check("the first opening speaks of no newer version", await page.getByText("A new version is here").count() === 0);

await page.context().setOffline(true);
server.release("nobody hears this");
await page.goto(`${server.origin}/?scenario=list`);
await page.getByText("Tomás Ferreira").waitFor();
check("it opens without network", true);
await page.goto(`${server.origin}/i?scenario=welcome-invited#7Q2M-9XKD-4TRW`);
await page.getByText("You are invited").waitFor();
check("so do its links", true);
server.release("");
await page.context().setOffline(false);

await page.goto(`${server.origin}/?scenario=list`);
server.release("two");
server.tamper("/app/ui/mount.js");
await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.postMessage({ type: "check" }));
await page.waitForTimeout(1500);
await page.reload();
check("a file that was changed on its way is refused", (await kept()).chosen === first.chosen, await kept());
server.tamper("");
await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.postMessage({ type: "check" }));
await page.getByText("A new version is here").waitFor();
check("a newer version is told of, and isn't used yet", (await kept()).chosen === first.chosen);
await page.getByRole("button", { name: "Use it" }).click();
const second = await until(({ chosen, shells }) => chosen !== first.chosen && shells.length === 1);
check("the next opening uses it, and lets go of the old one", second.chosen !== first.chosen && second.shells.length === 1, second);

const session = await page.context().newCDPSession(page);
/** @type {string[]} */
const ids = [];
session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => ids.push(...registrations.map((/** @type {any} */ one) => one.registrationId)));
await session.send("ServiceWorker.enable");
await page.waitForTimeout(300);
await page.goto("about:blank");
await session.send("ServiceWorker.deliverPushMessage", { origin: server.origin, registrationId: ids[0], data: "a secret" });
await page.goto(`${server.origin}/?scenario=list`);
await page.waitForTimeout(500);
const told = await page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body }) => `${title} ${body}`));
check("a push says that there is something, and nothing else", told.length === 1 && told[0] === "Something new for you Open to read it.", told);
await client.close();
conclude();
