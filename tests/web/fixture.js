// @ts-check
// A model without network or keys, that can be put into every state the views know.

/** @typedef {import("../../src/web/assets/model.js").State} State */
/** @typedef {import("../../src/web/assets/model.js").Message} Message */
/** @typedef {import("../../src/web/assets/model.js").Conversation} Conversation */
/** @typedef {import("../../src/web/assets/model.js").Call} Call */
/** @typedef {import("../../src/web/assets/model.js").Actions} Actions */

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const DIGITS = "193048271650934827165591003847261942870536601948273310584927";

const WORDS = "amber birch candle delta ember falcon garnet harbor indigo juniper kernel lantern marble nectar orchid pepper quartz river saddle timber umber velvet willow zephyr";

/** @param {string} code @param {number} [retryAfter] */
export function trouble(code, retryAfter) {
  return Object.assign(new Error(code), { code, retryAfter });
}

/** @param {string} name */
const id = (name) => `00000000-0000-4000-8000-${[...name].reduce((sum, letter) => (sum * 33 + (letter.codePointAt(0) ?? 0)) % 1e12, 7).toString().padStart(12, "0")}`;

/** @implements {Actions} */
export class Fixture extends EventTarget {
  /** @param {Partial<State>} [state] */
  constructor(state = {}) {
    super();
    /** @type {State} */
    this.state = {
      phase: "ready", link: "online", invite: null,
      server: { host: "kestrel.example", registration: "invite", version: "1.0.0", push: true, presence: true },
      me: { id: id("me"), handle: "anna", name: null, link: `https://kestrel.example/c#anna.${"Qm9".repeat(14)}`, recoverySaved: true, persisted: true },
      conversations: [], call: null,
      settings: { theme: "system", language: "en", notifications: "off", readReceipts: true, presence: true },
      callCheck: "works", tookOver: false, ...state,
    };
    /** @type {Map<string, Message[]>} */
    this.kept = new Map();
    /** @type {Map<string, unknown>} what an action is to fail with */
    this.failing = new Map();
    /** @type {[string, ...unknown[]][]} what was asked for */
    this.asked = [];
    this.number = 0;
    this.delay = 0;
  }

  /** @param {Partial<State>} state */
  become(state) {
    this.state = { ...this.state, ...state };
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} peer @param {Partial<Conversation>} now */
  turn(peer, now) {
    this.become({ conversations: this.state.conversations.map((one) => (one.id === peer ? { ...one, ...now } : one)) });
  }

  /** @param {string} action @param {...unknown} what */
  async note(action, ...what) {
    this.asked.push([action, ...what]);
    if (this.delay) await new Promise((later) => setTimeout(later, this.delay));
    if (this.failing.has(action)) throw this.failing.get(action);
  }

  /** @param {string} title @param {Partial<Conversation>} [more] */
  person(title, more = {}) {
    const peer = id(title);
    /** @type {Conversation} */
    const one = { id: peer, title, handle: title.toLowerCase().split(" ")[0], standing: "allowed", identity: "unverified", wasVerified: false, unread: 0, last: null, online: null, directCalls: false, ...more };
    this.state = { ...this.state, conversations: [...this.state.conversations, one] };
    this.kept.set(peer, []);
    return peer;
  }

  /** @param {string} peer @param {Partial<Message> | string} what @param {number} [ago] */
  said(peer, what, ago = 0) {
    this.number += 1;
    const given = typeof what === "string" ? { text: what } : what;
    /** @type {Message} */
    const message = { id: `m${this.number}`, peer, mine: false, at: Date.now() - ago, timeDoubtful: false, kind: "text", text: "", state: given.mine ? "read" : null, call: null, ...given };
    this.kept.get(peer)?.push(message);
    this.state = { ...this.state, conversations: this.state.conversations.map((one) => (one.id === peer ? { ...one, last: message } : one)) };
    return message;
  }

  /** As if it came just now. @param {string} peer @param {string} text */
  receive(peer, text) {
    const message = this.said(peer, text);
    this.become({ conversations: this.state.conversations.map((one) => (one.id === peer ? { ...one, unread: one.unread + 1 } : one)) });
    this.moved(peer);
    return message;
  }

  /** @param {string} peer */
  moved(peer) {
    this.dispatchEvent(new CustomEvent("messages", { detail: { peer } }));
  }

  /** @param {Partial<Call>} call */
  call(call) {
    /** @type {Call} */
    const whole = { id: "c1", peer: id("Mira"), title: "Mira", outgoing: true, state: "dialing", reason: null, since: null, muted: false, quality: null, relayed: true, verified: true, speakers: [], speaker: null, ...this.state.call, ...call };
    this.become({ call: whole });
  }

  /** @param {string} code */
  readInvite(code) {
    if (this.failing.has("readInvite")) throw this.failing.get("readInvite");
    const found = /([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})$/i.exec(code.trim());
    if (!found) throw trouble("invite_invalid");
    return { code: found[1], handle: null };
  }

  /** @param {string} handle @param {string | null} code */
  async join(handle, code) {
    await this.note("join", handle, code);
    const { me } = this.state;
    this.become({ phase: "ready", me: me && { ...me, handle, recoverySaved: false } });
    return { words: WORDS };
  }

  /** @param {string} handle @param {string} words @param {string | null} code */
  async recover(handle, words, code) {
    await this.note("recover", handle, words, code);
    this.become({ phase: "ready" });
  }

  async recoveryWasSaved() {
    await this.note("recoveryWasSaved");
    const { me } = this.state;
    this.become({ me: me && { ...me, recoverySaved: true, keepsCode: false } });
  }

  /** @param {string} who */
  async addContact(who) {
    await this.note("addContact", who);
    const peer = this.person(who);
    this.become({});
    return peer;
  }

  /** @param {string} peer @param {string | null} title */
  async rename(peer, title) {
    await this.note("rename", peer, title);
    this.turn(peer, { title: title ?? "anonymous" });
  }

  /** @param {string} peer */
  async allow(peer) {
    await this.note("allow", peer);
    this.turn(peer, { standing: "allowed" });
  }

  /** @param {string} peer */
  async block(peer) {
    await this.note("block", peer);
    this.turn(peer, { standing: "blocked" });
  }

  /** @param {string} peer */
  async unblock(peer) {
    await this.note("unblock", peer);
    this.turn(peer, { standing: "allowed" });
  }

  /** @param {string} peer */
  async report(peer) {
    await this.note("report", peer);
    return `privcomm report\nreported: ${peer}\nby: anna\nat: 2026-11-20T14:02:11Z\nlast messages: 3`;
  }

  /** @param {string} peer */
  async removeConversation(peer) {
    await this.note("removeConversation", peer);
    this.become({ conversations: this.state.conversations.filter(({ id }) => id !== peer) });
  }

  /** @param {string} peer @param {{ before?: number, limit: number }} page */
  async messages(peer, { before, limit }) {
    await this.note("messages", peer, before, limit);
    const all = this.kept.get(peer) ?? [];
    const end = before ?? all.length;
    return all.slice(Math.max(0, end - limit), end);
  }

  /** @param {string} peer */
  async countMessages(peer) {
    return this.kept.get(peer)?.length ?? 0;
  }

  /** @param {string} words */
  async search(words) {
    await this.note("search", words);
    const wanted = words.toLowerCase();
    return [...this.kept.values()].flat().filter(({ text }) => text.toLowerCase().includes(wanted)).sort((a, b) => b.at - a.at).slice(0, 100);
  }

  /** @param {string} peer @param {string} text */
  async send(peer, text) {
    await this.note("send", peer, text);
    this.said(peer, { text, mine: true, state: this.state.link === "online" ? "sent" : "waiting" });
    this.become({});
    this.moved(peer);
  }

  /** @param {string} peer @param {string} which */
  async retry(peer, which) {
    await this.note("retry", peer, which);
    this.set(peer, which, { state: "sent" });
  }

  /** @param {string} peer @param {string} which @param {Partial<Message>} now */
  set(peer, which, now) {
    this.kept.set(peer, (this.kept.get(peer) ?? []).map((one) => (one.id === which ? { ...one, ...now } : one)));
    this.moved(peer);
  }

  /** @param {string} peer @param {string} which */
  async remove(peer, which) {
    await this.note("remove", peer, which);
    this.kept.set(peer, (this.kept.get(peer) ?? []).filter((one) => one.id !== which));
    this.moved(peer);
  }

  /** @param {string} peer */
  async markRead(peer) {
    await this.note("markRead", peer);
    this.turn(peer, { unread: 0 });
  }

  /** @param {string} peer */
  async safetyNumber(peer) {
    await this.note("safetyNumber", peer);
    return { digits: DIGITS, qr: `privcomm:sn1:${"Ab0_".repeat(33)}`.slice(0, 142), verified: this.state.conversations.find(({ id }) => id === peer)?.identity === "verified" };
  }

  /** @param {string} peer @param {string} compared */
  async verify(peer, compared) {
    await this.note("verify", peer, compared);
    this.turn(peer, { identity: "verified" });
  }

  /** @param {string} peer */
  async unverify(peer) {
    await this.note("unverify", peer);
    this.turn(peer, { identity: "unverified", directCalls: false });
  }

  /** @param {string} peer */
  async acceptIdentity(peer) {
    await this.note("acceptIdentity", peer);
    this.turn(peer, { identity: "unverified" });
  }

  /** @param {string} peer */
  async keepIdentity(peer) {
    await this.note("keepIdentity", peer);
    this.turn(peer, { identity: "unverified" });
  }

  /** @param {string} peer @param {boolean} allowed */
  async setDirectCalls(peer, allowed) {
    await this.note("setDirectCalls", peer, allowed);
    this.turn(peer, { directCalls: allowed });
  }

  /** @param {string} peer */
  async dial(peer) {
    await this.note("dial", peer);
    const { title, identity } = this.state.conversations.find(({ id }) => id === peer) ?? { title: "", identity: "" };
    this.call({ id: `c${Math.random()}`, peer, title, outgoing: true, state: "dialing", since: null, verified: identity === "verified" });
  }

  async answer() {
    await this.note("answer");
    this.call({ state: "connecting" });
  }

  async reject() {
    await this.note("reject");
    this.call({ state: "ended", reason: "rejected" });
  }

  async hangUp() {
    await this.note("hangUp");
    this.call({ state: "ended", reason: "hangup" });
  }

  dismissCall() {
    void this.note("dismissCall");
    this.become({ call: null });
  }

  /** @param {boolean} muted */
  mute(muted) {
    void this.note("mute", muted);
    this.call({ muted });
  }

  /** @param {string} speaker */
  async setSpeaker(speaker) {
    await this.note("setSpeaker", speaker);
    this.call({ speaker });
  }

  async checkCalls() {
    await this.note("checkCalls");
    this.become({ callCheck: "works" });
  }

  /** @param {Partial<State["settings"]>} settings */
  async change(settings) {
    await this.note("change", settings);
    this.become({ settings: { ...this.state.settings, ...settings } });
  }

  /** @param {string | null} name */
  async publishName(name) {
    await this.note("publishName", name);
    const { me } = this.state;
    this.become({ me: me && { ...me, name } });
  }

  async storage() {
    return { used: 48_200_000, quota: 2_100_000_000 };
  }

  async exportData() {
    await this.note("exportData");
    return new Blob(["{}"], { type: "application/json" });
  }

  async logOut() {
    await this.note("logOut");
    this.become({ phase: "welcome", me: null, conversations: [] });
  }

  async deleteAccount() {
    await this.note("deleteAccount");
    this.become({ phase: "gone", gone: "deleted" });
  }

  async recoveryCode() {
    await this.note("recoveryCode");
    return WORDS;
  }

  async startAgain() {
    await this.note("startAgain");
    this.become({ phase: "welcome", me: null, conversations: [] });
  }

  async takeOver() {
    await this.note("takeOver");
    this.become({ link: "online" });
  }
}

export { DAY, MINUTE, id };
