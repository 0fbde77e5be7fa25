// @ts-check
// Serves the client as the daemon does: its paths, its policy, its list of files. The views stand
// over a fixture: in place of the client's `app.js` comes the one beside this.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
export const ASSETS = join(HERE, "../../src/web/assets");
const KINDS = /** @type {Record<string, string>} */ ({
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json", ".json": "application/json",
});
export const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "manifest-src 'self'",
  "worker-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'", "trusted-types privcomm-worker",
].join("; ");

/** What is served in place of the client's own. */
const STAND_INS = ["/app/app.js", "/app/fixture.js", "/app/scenarios.js"];

/** Paths as they are asked for, to files. @param {string} [under] @returns {[string, string][]} */
export function files(under = "") {
  return readdirSync(join(ASSETS, under)).flatMap((name) => {
    const inside = join(under, name);
    if (statSync(join(ASSETS, inside)).isDirectory()) return files(inside);
    return shipped(inside) ? [/** @type {[string, string]} */ ([`/app/${inside}`, join(ASSETS, inside)])] : [];
  });
}

/** What holds types alone: no page ever loads it. */
const TYPES = ["model.js", "messenger/parts.js", "ui/app.js"];

/** @param {string} path */
function shipped(path) {
  return !/^(test\.|index\.html|sw\.js|manifest\.)/.test(path) && !TYPES.includes(path);
}

/** The list the service worker reads. @param {string} salt */
function list(salt) {
  const hash = (/** @type {string} */ file) => createHash("sha256").update(readFileSync(file)).digest("hex");
  const all = Object.fromEntries(/** @type {[string, string][]} */ ([["/manifest.webmanifest", join(ASSETS, "manifest.webmanifest")], ...files(), ...STAND_INS.map((path) => [path, join(HERE, path.slice(5))])].filter(([path], at, every) => every.findLastIndex(([other]) => other === path) === at)).map(([path, file]) => [path, hash(file)]));
  const version = createHash("sha256").update(JSON.stringify(all) + salt).digest("hex").slice(0, 16);
  return JSON.stringify({ version, files: all });
}

/**
 * `release` lets there be another version; `tamper` changes a file on its way.
 * `own`: with the client's own `app.js`, and no server behind it.
 * @param {boolean} [own]
 * @returns {Promise<{ origin: string, close: () => void, release: (salt: string) => void, tamper: (path: string) => void }>}
 */
export function serve(own = false) {
  let salt = "";
  let tampered = "";
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const file = own && path === "/app/app.js" ? join(ASSETS, "app.js") : place(path);
    /** @param {number} status @param {string} kind @param {string | Buffer} body */
    const answer = (status, kind, body) => {
      response.writeHead(status, { "Content-Type": kind, "Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff" });
      response.end(body);
    };
    if (path === "/app/files.json") return answer(200, KINDS[".json"], list(salt));
    try {
      answer(200, KINDS[extname(file)] ?? "application/octet-stream", path === tampered ? Buffer.concat([readFileSync(file), Buffer.from("\n// more")]) : readFileSync(file));
    } catch {
      answer(404, "text/plain", "not here");
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      resolve({ origin: `http://127.0.0.1:${port}`, close: () => { server.closeAllConnections(); server.close(); }, release: (next) => { salt = next; }, tamper: (path) => { tampered = path; } });
    });
  });
}

/** @param {string} path */
function place(path) {
  if (path === "/" || path === "/i" || path === "/c") return join(ASSETS, "index.html");
  if (STAND_INS.includes(path)) return join(HERE, path.slice(5));
  if (path.startsWith("/app/")) return join(ASSETS, path.slice(5));
  return join(ASSETS, path.slice(1));
}
