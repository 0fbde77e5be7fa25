// @ts-check
// What stands above the conversations while it lasts: no network, a wrong clock, another tab, calls
// that don't work here, a newer version, a recovery code that wasn't kept.

import { attempt } from "./attempt.js";
import { arrange, h, say } from "./dom.js";
import { icon } from "./icon.js";
import { button, iconButton } from "./parts/button.js";
import { showRecovery } from "./screen/recovery.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../model.js").State} State */
/** @typedef {{ id: string, icon: import("./icon.js").IconName, words: string, kind?: "warn" | "bad", more?: string, action?: [string, () => unknown], away?: boolean }} Notice */

/** A connection that comes back at once isn't worth a word. */
const PATIENCE = 1500;

/** @param {App} app */
export function notices(app) {
  const node = h("div", { class: "notices", role: "status" });
  /** @type {Map<string, { row: HTMLElement, words: HTMLElement }>} */
  const rows = new Map();
  /** @type {Set<string>} */
  const dismissed = new Set();
  let connectingSince = 0;
  let timer = 0;

  /** @param {State} state */
  function update(state) {
    clearTimeout(timer);
    connectingSince = state.link === "connecting" ? connectingSince || Date.now() : 0;
    const waited = connectingSince !== 0 && Date.now() - connectingSince >= PATIENCE;
    if (connectingSince && !waited) timer = window.setTimeout(() => update(app.model.state), PATIENCE);
    const wanted = current(app, state, waited).filter(({ id }) => !dismissed.has(id));
    arrange(node, wanted.map((notice) => {
      const kept = rows.get(notice.id) ?? make(notice);
      rows.set(notice.id, kept);
      say(kept.words, notice.words);
      return kept.row;
    }));
    const ids = new Set(wanted.map(({ id }) => id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
  }

  /** @param {Notice} notice */
  function make(notice) {
    const words = h("span", { class: "notice-words" });
    const row = h("div", { class: `notice ${notice.kind ?? ""}`.trim() }, icon(notice.icon),
      h("div", {}, words, notice.more && h("details", {}, h("summary", {}, t("why")), h("p", {}, notice.more))),
      notice.action && button(notice.action[0], notice.action[1], { kind: "quiet" }),
      notice.away && iconButton("close", t("dismiss"), () => {
        dismissed.add(notice.id);
        update(app.model.state);
      }));
    return { row, words };
  }
  return { node, update };
}

/** @param {App} app @param {State} state @param {boolean} waited @returns {Notice[]} */
function current(app, state, waited) {
  /** @type {(Notice | false)[]} */
  const all = [
    state.link === "offline" && { id: "offline", icon: "offline", words: t("notice.offline") },
    state.link === "clock_wrong" && { id: "clock", icon: "clock", kind: "bad", words: t("trouble.clock_wrong") },
    state.link === "elsewhere" && { id: "elsewhere", icon: "alert", kind: "warn", words: t("notice.elsewhere"), more: t("notice.elsewhere.why"), action: [t("notice.elsewhere.go"), () => attempt(app, () => app.model.takeOver())] },
    state.me?.suspended === true && { id: "suspended", icon: "block", kind: "bad", words: t("trouble.suspended") },
    waited && { id: "connecting", icon: "retry", words: t("notice.connecting") },
    app.updates.ready && { id: "update", icon: "update", words: t("notice.update"), action: [t("notice.update.go"), () => app.updates.apply()], away: true },
    !app.isNew && state.me?.keepsCode === true && { id: "recovery", icon: "key", words: t("notice.recovery"), action: [t("notice.recovery.go"), () => showRecovery(app)], away: true },
    Boolean(state.keptOut) && { id: "requests", icon: "person", words: t("notice.requests", { count: state.keptOut ?? 0 }), away: true },
    state.tookOver && { id: "tabs", icon: "copy", words: t("notice.tabs"), away: true },
    state.callCheck === "fails" && { id: "calls", icon: "phone", kind: "warn", words: t("notice.calls"), more: t("notice.calls.why"), away: true },
  ];
  return all.filter((notice) => notice !== false);
}
