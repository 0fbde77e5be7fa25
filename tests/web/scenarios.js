// @ts-check
// Every screen and state, by name: how the model gets there, and what a person then does.

import { DAY, Fixture, MINUTE, id, trouble } from "./fixture.js";

/** @typedef {(page: Page) => Promise<unknown>} Step what is done in the page once it stands */
/** @typedef {{ click: (label: string) => void, go: (route: unknown) => void }} Page */

/** People and what they said, as on an ordinary day. @param {Partial<import("../../src/web/assets/model.js").State>} [state] */
export function populated(state = {}) {
  const model = new Fixture(state);
  const mira = model.person("Mira", { identity: "verified", online: true });
  const tomas = model.person("Tomás Ferreira", { unread: 3, online: false });
  const club = model.person("Großmutter Hildegard von der Wiesenhöhe-Kronsberg zu Lindenthal", { identity: "unverified" });
  const leila = model.person("ليلى الحسيني");
  const kai = model.person("kai", { identity: "changed", wasVerified: true });
  const unbroken = model.person("Donaudampfschifffahrtsgesellschaftskapitänswitwenrente".repeat(2));
  const request = model.person("Jonas", { standing: "request", unread: 1 });
  model.person("spam-o-mat", { standing: "blocked" });

  const yesterday = DAY + 3 * 60 * MINUTE;
  model.said(mira, "Morning! Did the new strings arrive?", yesterday + 40 * MINUTE);
  model.said(mira, { text: "They did. I put them on last night, and the cello sounds like a different instrument.", mine: true }, yesterday + 36 * MINUTE);
  model.said(mira, { text: "Less nasal on the A, finally", mine: true }, yesterday + 35 * MINUTE);
  model.said(mira, { kind: "call", call: { outgoing: false, seconds: 754, reason: "hangup" } }, yesterday);
  model.said(mira, "That was good to hear 🙂", yesterday - 14 * MINUTE);
  model.said(mira, "Rehearsal is moved to seven. Room plan and parts are at https://orchestra.example/rehearsals/november?room=2, bring the Dvořák.", 95 * MINUTE);
  model.said(mira, { text: "Seven works.\nI can pick you up at half past six if you like — the 12 doesn't run on Saturdays.", mine: true }, 90 * MINUTE);
  model.said(mira, "🎻", 84 * MINUTE);
  model.said(mira, { text: "See you there", mine: true, state: "delivered" }, 82 * MINUTE);
  model.said(tomas, { text: "I'll bring the keys", mine: true }, 5 * 60 * MINUTE);
  model.said(tomas, "Great", 63 * MINUTE);
  model.said(tomas, "The workshop is open from nine", 62 * MINUTE);
  model.said(tomas, "Could you bring the long ladder as well? The lamp in the hall is still broken", 61 * MINUTE);
  model.said(club, { text: "Danke dir, bis Sonntag!", mine: true, state: "sent" }, 2 * DAY);
  model.said(leila, "صباح الخير! هل وصل الطرد؟", 3 * DAY);
  model.said(leila, { text: "نعم، شكراً جزيلاً. It came with the 9:40 tram.", mine: true }, 3 * DAY - MINUTE);
  model.said(kai, { kind: "identity_changed" }, 4 * DAY);
  model.said(kai, { text: "Is that you? New phone?", mine: true, state: "held" }, 4 * DAY - 9 * MINUTE);
  model.said(unbroken, "x".repeat(400), 9 * DAY);
  model.said(request, "Hi, I got your name from Mira. Are you still looking for a second cello?", 12 * MINUTE);
  const newest = (/** @type {import("../../src/web/assets/model.js").Conversation} */ one) => one.last?.at ?? 0;
  model.state = { ...model.state, conversations: [...model.state.conversations].sort((a, b) => newest(b) - newest(a)) };
  return model;
}

/** Everything that can stand in a conversation. */
function everyKind() {
  const model = populated();
  const mira = id("Mira");
  model.kept.set(mira, []);
  model.said(mira, { text: "Look at https://xn--80ak6aa92e.com/login and http://not-a-link.example", timeDoubtful: true }, 50 * MINUTE);
  model.said(mira, { kind: "unreadable" }, 48 * MINUTE);
  model.said(mira, { kind: "unsupported" }, 47 * MINUTE);
  model.said(mira, { kind: "session_reset" }, 46 * MINUTE);
  model.said(mira, { kind: "call", call: { outgoing: false, seconds: null, reason: "timeout" } }, 40 * MINUTE);
  model.said(mira, { kind: "call", mine: true, state: null, call: { outgoing: true, seconds: null, reason: "rejected" } }, 39 * MINUTE);
  model.said(mira, { text: "This one did not get out", mine: true, state: "failed" }, 30 * MINUTE);
  model.said(mira, { text: "Held back", mine: true, state: "held" }, 29 * MINUTE);
  model.said(mira, { text: "On its way", mine: true, state: "waiting" }, 3 * MINUTE);
  model.said(mira, { text: "At the server", mine: true, state: "sent" }, 2 * MINUTE);
  model.said(mira, { text: "There", mine: true, state: "delivered" }, 2 * MINUTE);
  model.said(mira, { text: "Seen", mine: true, state: "read" }, MINUTE);
  return model;
}

/** @param {number} count */
export function long(count) {
  const model = populated();
  const mira = id("Mira");
  model.kept.set(mira, []);
  const words = "the tram was late again and the rehearsal began without us so we listened from the stairs until the second movement".split(" ");
  for (let at = 0; at < count; at += 1) {
    const length = 3 + ((at * 7919) % 38);
    const text = Array.from({ length }, (_, word) => words[(at * 31 + word * 7) % words.length]).join(" ");
    model.said(mira, { text: `${at}: ${text}${at % 40 === 0 ? " https://orchestra.example/n" : ""}`, mine: at % 3 === 0 }, (count - at) * 17 * MINUTE);
  }
  return model;
}

const MIRA = () => ({ name: "chat", peer: id("Mira") });
/** @param {string} title @param {string} [name] */
const at = (title, name = "chat") => ({ name, peer: id(title) });

/** @param {Partial<import("../../src/web/assets/model.js").Call>} call */
function calling(call) {
  return { make: () => populated(), route: MIRA(), then: (/** @type {Fixture} */ model) => model.call(call) };
}

/** @param {Partial<import("../../src/web/assets/model.js").State>} state */
const welcome = (state) => () => new Fixture({ phase: "welcome", me: null, ...state });
const server = (/** @type {"invite" | "open" | "closed"} */ registration) => ({ host: "kestrel.example", registration, version: "1.0.0", push: true, presence: true });
const INVITE = { code: "7Q2M-9XKD-4TRW", handle: null };

/**
 * @typedef {object} Scenario
 * @property {() => Fixture} make
 * @property {unknown} [route]
 * @property {(model: Fixture) => unknown} [then]
 * @property {string[]} [press] names of buttons to press, one after the other
 * @property {[string, string][]} [type] what to type, by label
 * @property {boolean} [phone] worth a picture on a phone alone
 */

/** The recovery code wasn't kept when the account was made. @param {Fixture} model */
function keepingCode(model) {
  if (model.state.me) model.become({ me: { ...model.state.me, recoverySaved: false, keepsCode: true } });
  return model;
}

/** @type {Record<string, Scenario>} */
export const SCENARIOS = {
  opening: { make: () => new Fixture({ phase: "opening" }), phone: true },
  unsupported: { make: () => new Fixture({ phase: "unsupported", lacks: ["x25519", "locks"] }), phone: true },
  "unsupported-http": { make: () => new Fixture({ phase: "unsupported", lacks: ["https"] }), phone: true },
  "gone-evicted": { make: () => new Fixture({ phase: "gone", gone: "evicted" }), phone: true },
  "gone-replaced": { make: () => new Fixture({ phase: "gone", gone: "replaced" }), phone: true },
  "gone-removed": { make: () => new Fixture({ phase: "gone", gone: "removed" }), phone: true },
  "gone-suspended": { make: () => new Fixture({ phase: "gone", gone: "suspended" }), phone: true },
  "list-suspended": { make: () => { const model = populated(); if (model.state.me) model.become({ me: { ...model.state.me, suspended: true } }); return model; }, phone: true },
  "list-second-session": { make: () => keepingCode(populated()), phone: true },
  "list-crowded": { make: () => populated({ keptOut: 7 }), phone: true },
  "settings-keeping-code": { make: () => keepingCode(populated()), route: { name: "settings" }, phone: true },
  "list-elsewhere": { make: () => populated({ link: "elsewhere" }) },
  "welcome-invited": { make: welcome({ invite: INVITE }) },
  "welcome-open": { make: welcome({ server: server("open") }), phone: true },
  "welcome-code": { make: welcome({}) },
  "welcome-closed": { make: welcome({ server: server("closed") }), phone: true },
  "welcome-clock": { make: welcome({ invite: INVITE, link: "clock_wrong" }), phone: true },
  "welcome-used": {
    make: () => { const model = welcome({ invite: INVITE })(); model.failing.set("join", trouble("invite_used")); return model; },
    type: [["A name to be found by", "anna"]], press: ["Join"],
  },
  "welcome-taken": {
    make: () => { const model = welcome({ invite: INVITE })(); model.failing.set("join", trouble("handle_taken")); return model; },
    type: [["A name to be found by", "anna"]], press: ["Join"], phone: true,
  },
  "welcome-recover": { make: welcome({}), press: ["I have a recovery code"] },
  "recovery-shown": { make: joinable, type: [["A name to be found by", "anna"]], press: ["Join"] },
  "recovery-confirm": { make: joinable, type: [["A name to be found by", "anna"]], press: ["Join", "I have kept it"], phone: true },
  "list-empty": { make: () => new Fixture() },
  "list-loading": { make: () => new Fixture({ link: "catching_up" }) },
  list: { make: () => populated() },
  "list-offline": { make: () => populated({ link: "offline", callCheck: "fails", tookOver: true }) },
  "list-clock": { make: () => populated({ link: "clock_wrong" }), phone: true },
  "list-search": { make: () => populated(), type: [["Search", "th"]] },
  "list-nothing": { make: () => populated(), type: [["Search", "zebra crossing"]], phone: true },
  chat: { make: () => populated(), route: MIRA() },
  "chat-new": { make: () => { const model = populated(); model.kept.set(id("Mira"), []); return model; }, route: MIRA() },
  "chat-unread": { make: () => populated(), route: at("Tomás Ferreira"), phone: true },
  "chat-kinds": { make: everyKind, route: MIRA() },
  "chat-request": { make: () => populated(), route: at("Jonas") },
  "chat-changed": { make: () => populated(), route: at("kai") },
  "chat-blocked": { make: () => populated(), route: at("spam-o-mat"), phone: true },
  "chat-rtl": { make: () => populated(), route: at("ليلى الحسيني") },
  "chat-unbroken": { make: () => populated(), route: at("Donaudampfschifffahrtsgesellschaftskapitänswitwenrente".repeat(2)) },
  "chat-notify": { make: () => populated(), route: MIRA(), then: (model) => model, type: [["Message to Mira", "On my way"]], press: ["Send"] },
  "chat-menu": { make: () => populated(), route: MIRA(), press: ["More about this conversation"] },
  "chat-too-long": { make: () => { const model = populated(); model.failing.set("send", trouble("too_long")); return model; }, route: MIRA(), type: [["Message to Mira", "far too long"]], press: ["Send"], phone: true },
  add: { make: () => populated(), route: { name: "add" } },
  "add-unknown": { make: () => { const model = populated(); model.failing.set("addContact", trouble("user_not_found")); return model; }, route: { name: "add" }, type: [["Name or link", "mirra"]], press: ["Start a conversation"], phone: true },
  contact: { make: () => populated(), route: at("Mira", "contact") },
  "contact-unverified": { make: () => populated(), route: at("Tomás Ferreira", "contact") },
  "contact-changed": { make: () => populated(), route: at("kai", "contact"), phone: true },
  "contact-qr": { make: () => populated(), route: at("Mira", "contact"), press: ["Show QR code"] },
  "contact-report": { make: () => populated(), route: at("Mira", "contact"), press: ["Report"], phone: true },
  "contact-rename": { make: () => populated(), route: at("Mira", "contact"), press: ["Rename"], phone: true },
  settings: { make: () => populated(), route: { name: "settings" } },
  "settings-delete": { make: () => populated(), route: { name: "settings" }, press: ["Delete account"] },
  "call-incoming": calling({ outgoing: false, state: "ringing" }),
  "call-incoming-unverified": { ...calling({ outgoing: false, state: "ringing", verified: false, title: "Großmutter Hildegard von der Wiesenhöhe-Kronsberg zu Lindenthal" }), phone: true },
  "call-dialing": { ...calling({ state: "dialing" }), phone: true },
  "call-ringing": { ...calling({ state: "ringing" }), phone: true },
  "call-connected": calling({ state: "connected", since: Date.now() - 133_000, quality: "good", speakers: [{ id: "a", label: "Built-in speaker" }, { id: "b", label: "Headset" }], speaker: "b" }),
  "call-poor": { ...calling({ state: "connected", since: Date.now() - 3_733_000, quality: "bad", muted: true, relayed: false }), phone: true },
  "call-reconnecting": { ...calling({ state: "reconnecting", since: Date.now() - 133_000 }), phone: true },
  "call-aside": { ...calling({ state: "connected", since: Date.now() - 133_000, quality: "good" }), press: ["Put the call aside"] },
  "call-no-answer": { ...calling({ state: "ended", reason: "timeout" }), phone: true },
  "call-no-relay": { ...calling({ state: "ended", reason: "no_relay" }), phone: true },
};

function joinable() {
  return new Fixture({ phase: "welcome", invite: INVITE });
}
