// @ts-check
// Keeps the client's files, so that it opens without network; shows a notification without content
// for a push. It never sees a message or a key.
//
// The files of one version stand in one cache, `shell-VERSION`, and are complete and checked before
// the cache is used. A newer version is fetched beside it and is used from the next opening on.

/// <reference lib="webworker" />

const sw = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const LIST = "/app/files.json";
const SHELL = "shell-";
const CHOSEN = "chosen";
const PAGES = new Set(["/", "/i", "/c"]);

/** @typedef {{ version: string, files: Record<string, string> }} List digests in hex */

sw.addEventListener("install", (event) => {
  event.waitUntil(update().then(() => sw.skipWaiting()));
});

sw.addEventListener("activate", (event) => {
  event.waitUntil(sw.clients.claim());
});

sw.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== sw.location.origin) return;
  const page = event.request.mode === "navigate";
  if (page ? PAGES.has(pathname) : pathname.startsWith("/app/") && pathname !== LIST || pathname === "/manifest.webmanifest") {
    event.respondWith(serve(event.request, page ? "/" : pathname, page));
  }
});

sw.addEventListener("message", (event) => {
  if (event.data?.type === "check") event.waitUntil(update().catch(() => {}));
});

sw.addEventListener("push", (event) => {
  event.waitUntil(wake());
});

sw.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

/**
 * @param {Request} request
 * @param {string} path
 * @param {boolean} page whether this opens the client: the moment to take the newest version that is complete
 */
async function serve(request, path, page) {
  if (page) await choose();
  const version = await chosen();
  const kept = version && await (await caches.open(version)).match(path);
  return kept || fetch(request);
}

/** Fetches a version that isn't here yet, and tells the open tabs. */
async function update() {
  const answer = await fetch(LIST, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`the list of files: ${answer.status}`);
  const list = /** @type {List} */ (await answer.json());
  const name = SHELL + list.version;
  if ((await caches.keys()).includes(name) && await complete(name)) return;
  const cache = await caches.open(name);
  await Promise.all([...new Set(["/", ...Object.keys(list.files)])].map(async (path) => {
    const digest = list.files[path];
    const file = await fetch(path, { cache: "no-cache", ...(digest ? { integrity: integrity(digest) } : {}) });
    if (!file.ok || file.redirected) throw new Error(`${path}: ${file.status}`);
    await cache.put(path, file);
  }));
  await cache.put("/complete", new Response(list.version));
  const before = await chosen();
  if (!before) return choose(name);
  for (const client of await sw.clients.matchAll({ type: "window" })) client.postMessage({ type: "updated", version: list.version });
}

/** A digest in hex, as browsers want it (Subresource Integrity). @param {string} digest */
function integrity(digest) {
  const bytes = (digest.match(/../g) ?? []).map((byte) => parseInt(byte, 16));
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
}

/** @param {string} name */
async function complete(name) {
  return (await (await caches.open(name)).match("/complete")) !== undefined;
}

/** @returns {Promise<string | null>} */
async function chosen() {
  const note = await (await caches.open(CHOSEN)).match("/version");
  return note ? note.text() : null;
}

/**
 * From now on the newest complete version is the one that is served; older ones go.
 * @param {string} [newest]
 */
async function choose(newest) {
  const shells = (await caches.keys()).filter((name) => name.startsWith(SHELL));
  for (const name of shells.reverse()) {
    if (!newest && await complete(name)) newest = name;
  }
  if (!newest || newest === await chosen()) return;
  await (await caches.open(CHOSEN)).put("/version", new Response(newest));
  await Promise.all(shells.filter((name) => name !== newest).map((name) => caches.delete(name)));
}

/** A push says nothing but that there is something. */
async function wake() {
  const windows = await sw.clients.matchAll({ type: "window" });
  if (windows.some((client) => client.visibilityState === "visible" && client.focused)) return;
  const german = sw.navigator.language.startsWith("de");
  await sw.registration.showNotification(german ? "Etwas Neues für dich" : "Something new for you", {
    body: german ? "Öffnen, um es zu lesen." : "Open to read it.",
    tag: "new",
    icon: "/app/icons/icon-192.png",
    badge: "/app/icons/badge.png",
  });
}

async function open() {
  const [client] = await sw.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (client) await client.focus();
  else await sw.clients.openWindow("/");
}
