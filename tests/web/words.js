// @ts-check
// Both languages say the same things, with the same holes, and nothing is asked for that isn't said.

import { readFileSync } from "node:fs";
import { de } from "../../src/web/assets/ui/words/de.js";
import { en } from "../../src/web/assets/ui/words/en.js";
import { check, conclude } from "./browser.js";
import { files } from "./serve.js";

const keys = Object.keys(en);
check("both languages have the same words", JSON.stringify(keys.toSorted()) === JSON.stringify(Object.keys(de).toSorted()),
  [...keys.filter((key) => !(key in de)), ...Object.keys(de).filter((key) => !(key in en))]);
check("words stand in order", JSON.stringify(keys.filter((key) => key.includes("."))) === JSON.stringify(keys.filter((key) => key.includes(".")).toSorted()));

/** @param {unknown} words */
const holes = (words) => [...JSON.stringify(words).matchAll(/\{(\w+)\}/g)].map(([, hole]) => hole);
const uneven = keys.filter((key) => key !== "time.minutes" && key !== "time.seconds" && unlike(new Set(holes(en[/** @type {keyof typeof en} */ (key)])), new Set(holes(de[/** @type {keyof typeof de} */ (key)]))));
check("both languages have the same holes", uneven.length === 0, uneven);
const shapes = keys.filter((key) => typeof en[/** @type {keyof typeof en} */ (key)] !== typeof de[/** @type {keyof typeof de} */ (key)]);
check("both languages count the same things", shapes.length === 0, shapes);

const sources = files().filter(([path]) => path.startsWith("/app/ui/") && !path.includes("/words/")).map(([, file]) => readFileSync(file, "utf8")).join("\n");
const made = [...sources.matchAll(/`([a-z.]+\.)\$\{/g)].map(([, start]) => start);
const unused = keys.filter((key) => !sources.includes(`"${key}"`) && !made.some((start) => key.startsWith(start)));
check("every word is used", unused.length === 0, unused);

const forbidden = [/innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment/, /\beval\(|new Function/, /\.style\.cssText|setAttribute\("style/, /console\./, /javascript:/];
check("no view parses markup, runs text or logs", forbidden.every((word) => !word.test(sources)), forbidden.filter((word) => word.test(sources)).map(String));
const foreign = [...sources.matchAll(/from "([^"]+)"/g)].map(([, from]) => from).filter((from) => !from.startsWith("."));
const deeper = files().filter(([path]) => path.startsWith("/app/ui/")).flatMap(([path, file]) => [...readFileSync(file, "utf8").matchAll(/^import .* from "([^"]+)"/gm)].map(([, from]) => new URL(from, `http://x${path}`).pathname)).filter((path) => !path.startsWith("/app/ui/"));
check("views import nothing but views", foreign.length === 0 && deeper.length === 0, [...foreign, ...deeper]);
conclude();

/** @param {Set<string>} one @param {Set<string>} other */
function unlike(one, other) {
  return one.size !== other.size || [...one].some((hole) => !other.has(hole));
}
