// @ts-check
// What modules import, and the list of them in the page: with it a browser asks for all at once, not
// for those of each depth when those above have come. `modules.js --write` writes it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, conclude } from "./browser.js";
import { ASSETS, files } from "./serve.js";

const PAGE = join(ASSETS, "index.html");
/** What somebody without an account is shown, too; who has one has these in the service worker's cache. */
const FROM = ["/app/app.js", "/app/ui/screen/welcome.js"];
const LINE = /^<link rel="modulepreload" href="(.*)">\n/gm;

/** What these modules import, and what those do, but not what they fetch later. @param {string[]} from */
export function graph(from) {
  const known = new Map(files());
  const found = new Set(from);
  for (const path of found) {
    const text = readFileSync(/** @type {string} */ (known.get(path)), "utf8");
    for (const [, to] of text.matchAll(/^(?:import|export) (?:.*? from )?"(\..*?)"/gm)) found.add(new URL(to, `http://x${path}`).pathname);
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = [...graph(FROM)].filter((path) => path !== "/app/app.js").toSorted();
  if (process.argv[2] === "--write") {
    const lines = wanted.map((path) => `<link rel="modulepreload" href="${path}">\n`).join("");
    const page = readFileSync(PAGE, "utf8").replace(LINE, "");
    writeFileSync(PAGE, page.replace(/^<script type="module"/m, `${lines}$&`));
  }
  const listed = [...readFileSync(PAGE, "utf8").matchAll(LINE)].map(([, path]) => path);
  check("the page lists the modules that it begins with (tests/web/modules.js --write)", JSON.stringify(listed) === JSON.stringify(wanted),
    [...wanted.filter((path) => !listed.includes(path)), ...listed.filter((path) => !wanted.includes(path))]);
  conclude();
}
