// @ts-check
// What a first opening costs: everything that the browser fetches until the client can be used, compressed
// as it is served. Once with the client's own modules and no account, as on an invite link; once with the views
// over a fixture, and the modules that an account needs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { PHONE, check, conclude, open } from "./browser.js";
import { graph } from "./modules.js";
import { ASSETS, files } from "./serve.js";

const KIB = 1024;
const MOST = 145 * KIB;
/** What the opening of somebody new may take, who is to stay. */
const FIRST = 100 * KIB;

const known = new Map([["/", join(ASSETS, "index.html")], ["/manifest.webmanifest", join(ASSETS, "manifest.webmanifest")], ...files()]);
const packed = {
  gzip: (/** @type {Buffer} */ bytes) => gzipSync(bytes, { level: 9 }).length,
  brotli: (/** @type {Buffer} */ bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
};

/** What is fetched of the client's until `selector` stands and nothing more comes. @param {boolean} own @param {string} path @param {string} selector @param {string} locale */
async function fetched(own, path, selector, locale) {
  const client = await open(own);
  const context = await client.browser.newContext({ viewport: PHONE, serviceWorkers: "block", locale });
  const page = await context.newPage();
  const paths = new Set();
  page.on("request", (request) => paths.add(new URL(request.url()).pathname.replace(/^\/(i|c)$/, "/")));
  await page.goto(`${client.server.origin}${path}`);
  await page.waitForSelector(selector);
  await page.waitForLoadState("networkidle");
  await client.close();
  return paths;
}

/** @param {string} what @param {Iterable<string>} paths @param {number} most */
function weigh(what, paths, most) {
  const ours = [...new Set(paths)].filter((path) => known.has(path));
  const sums = Object.entries(packed).map(([name, pack]) => ({ name, bytes: ours.reduce((sum, path) => sum + pack(readFileSync(/** @type {string} */ (known.get(path)))), 0) }));
  console.log(`${what}: ${ours.length} files, ${sums.map(({ name, bytes }) => `${(bytes / KIB).toFixed(1)} KiB with ${name}`).join(", ")}`);
  for (const { name, bytes } of sums) check(`${what} takes less than ${most / KIB} KiB with ${name}`, bytes < most, bytes);
}

for (const locale of ["en-GB", "de-DE"]) {
  const first = await fetched(true, "/i#7Q2M-9XKD-4TRW", "form", locale);
  check("every module of it is one that is served", [...first].every((path) => known.has(path) || path.startsWith("/api/")), [...first].filter((path) => !known.has(path)));
  weigh(`the first opening (${locale})`, first, FIRST);
  const list = await fetched(false, `/?scenario=list&language=${locale.slice(0, 2)}`, ".row", locale);
  weigh(`the opening of an account (${locale})`, [...list, ...graph(["/app/app.js", "/app/messenger/member.js"])], MOST);
}
conclude();
