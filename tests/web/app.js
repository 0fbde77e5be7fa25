// @ts-check
// Stands in for the client's own composition: the views over a fixture, by the name in the query.

// @ts-ignore the path is the server's
import { mount as put } from "/app/ui/mount.js";
import { SCENARIOS, long } from "./scenarios.js";

/** @typedef {import("./fixture.js").Fixture} Fixture */

const mount = /** @type {typeof import("../../src/web/assets/ui/mount.js").mount} */ (put);
const query = new URLSearchParams(location.search);
const scenario = /** @type {import("./scenarios.js").Scenario} */ (SCENARIOS[query.get("scenario") ?? "list"]);
const count = Number(query.get("messages"));
const model = /** @type {Fixture} */ (count ? long(count) : scenario.make());
const theme = query.get("theme");
const language = query.get("language");
if (theme === "light" || theme === "dark") model.state.settings.theme = theme;
if (language === "de" || language === "en") model.state.settings.language = language;
if (scenario.route) history.replaceState({ route: scenario.route, depth: 0 }, "");
Object.assign(globalThis, { model });
mount(/** @type {HTMLElement} */ (document.getElementById("app")), model);
// Screens are fetched when they are first needed.
while (!document.querySelector(".stage > *") || document.querySelector("[data-coming]") || !shown()) await new Promise((later) => setTimeout(later, 5));
scenario.then?.(model);
document.documentElement.dataset.ready = "yes";

function shown() {
  return model.state.phase === "opening" || !document.querySelector(".stage > .opening");
}
