// @ts-check
// The model that the views talk to, in the one tab that has the socket.

/** @import { Actions, Invite, Message, SafetyNumber, Settings, State } from "../model.js" */
/** @import { Origins, Own } from "./parts.js" */
/** @import { Over } from "../net/line.js" */
/** @import { Member } from "./member.js" */
/** @import { Place } from "./joining.js" */
import { fromBase64, toBase64 } from "../crypto/bytes.js";
import { signLogin } from "../crypto/identity.js";
import { Api } from "../net/api.js";
import { challenge } from "../net/login.js";
import { Trouble } from "../net/trouble.js";
import { hasMark, removeMark } from "../store/account_mark.js";
import { Store } from "../store/store.js";
import { Clock } from "./clock.js";
import { exported, searched } from "./history.js";
import { forgetRecoveryCode, join, load, recover, recoveryCode } from "./joining.js";
import { lacks } from "./lacks.js";
import { readInvite } from "./links.js";
import { possible, subscribe } from "./notifications.js";
import { seenOf } from "./seen_state.js";

/** @type {Settings} */
const SETTINGS = { theme: "system", language: "system", notifications: "off", readReceipts: true, presence: false };

const PAUSE = 10_000; // milliseconds before the server is asked again what it is

/** What works for a member; fetched when there is one, or about to be. */
const working = () => import("./member.js").catch((error) => {
  throw new Trouble("network", String(error));
});

/** @returns {State} */
export const opening = () => ({
  phase: "opening",
  link: navigator.onLine ? "connecting" : "offline",
  invite: null,
  visit: null,
  server: null,
  me: null,
  conversations: [],
  call: null,
  settings: SETTINGS,
  callCheck: "unknown",
  tookOver: false,
});

/** @implements {Actions} */
export class Messenger extends EventTarget {
  /** @type {State} */
  state = opening();
  /** @type {Place | null} */
  #place = null;
  /** @type {Member | null} */
  #member = null;
  #origins;
  #isTold = false;
  #persisted = false;

  /** @param {Origins} origins */
  constructor(origins) {
    super();
    this.#origins = origins;
  }

  /** Opens what this device keeps. */
  async open() {
    const missing = await lacks();
    if (missing.length) return this.#show({ phase: "unsupported", lacks: missing });
    let store;
    try {
      store = await Store.open();
    } catch {
      return this.#show({ phase: "unsupported", lacks: ["indexeddb"] });
    }
    this.#place = { api: new Api(this.#origins.server), origins: this.#origins, store, clock: new Clock() };
    const settings = await store.read("settings");
    const own = await load(store);
    const chosen = { ...SETTINGS, ...settings };
    this.#show({ settings: { ...chosen, notifications: possible(chosen.notifications) } });
    this.#askServer();
    if (own) await this.#begin(own);
    else this.#show(hasMark() ? { phase: "gone", gone: "evicted" } : { phase: "welcome" });
  }

  /** The tab goes, or another takes over. */
  stop() {
    this.#member?.stop();
    this.#place?.store.close();
    this.#member = this.#place = null;
  }

  /** @param {string} text @returns {Invite} */
  readInvite(text) {
    return readInvite(text);
  }

  /** @param {string} handle @param {string | null} code */
  async join(handle, code) {
    await working();
    const { own, words } = await join(this.#ready(), handle, code);
    await this.#persist();
    await this.#begin(own);
    return { words };
  }

  /** @param {string} handle @param {string} words @param {string | null} code */
  async recover(handle, words, code) {
    await working();
    const own = await recover(this.#ready(), handle, words, code);
    await this.#persist();
    await this.#begin(own);
    await this.#learnSettings();
  }

  async recoveryWasSaved() {
    await forgetRecoveryCode(this.#ready().store, this.#working().own.record);
    this.#tell();
  }

  recoveryCode() {
    return recoveryCode(this.#ready().store);
  }

  /** @param {string} who */
  addContact(who) {
    return this.#working().contacts.add(who);
  }

  /** @param {string} peer @param {string | null} title */
  rename(peer, title) {
    return this.#working().talk.rename(peer, title);
  }

  /** @param {string} peer */
  allow(peer) {
    return this.#working().contacts.allow(peer);
  }

  /** @param {string} peer */
  block(peer) {
    return this.#working().contacts.block(peer);
  }

  /** @param {string} peer */
  unblock(peer) {
    return this.#working().contacts.unblock(peer);
  }

  /** @param {string} peer */
  report(peer) {
    return this.#working().talk.report(peer);
  }

  /** @param {string} peer */
  removeConversation(peer) {
    return this.#working().talk.removeAll(peer);
  }

  /** @param {string} peer @param {{ before?: number, limit: number }} page @returns {Promise<Message[]>} */
  messages(peer, { before = Infinity, limit }) {
    return this.#working().people.messages(peer, before, limit);
  }

  /** @param {string} peer */
  async countMessages(peer) {
    return (await this.#working().people.positions(peer)).length;
  }

  /** @param {string} words */
  search(words) {
    return searched(this.#working().people, words);
  }

  /** @param {string} peer @param {string} text @param {string} [id] the same for the same message, whoever asks again */
  async send(peer, text, id = crypto.randomUUID()) {
    await this.#working().talk.send(peer, text, id);
  }

  /** @param {string} peer @param {string} id */
  retry(peer, id) {
    return this.#working().talk.retry(peer, id);
  }

  /** @param {string} peer @param {string} id */
  remove(peer, id) {
    return this.#working().talk.remove(peer, id);
  }

  /** @param {string} peer */
  markRead(peer) {
    return this.#working().talk.markRead(peer, this.state.settings);
  }

  /** @param {string} peer @returns {Promise<SafetyNumber>} */
  safetyNumber(peer) {
    return this.#working().trust.safetyNumber(peer);
  }

  /** @param {string} peer @param {string} compared */
  verify(peer, compared) {
    return this.#working().trust.verify(peer, compared);
  }

  /** @param {string} peer */
  unverify(peer) {
    return this.#working().trust.unverify(peer);
  }

  /** @param {string} peer */
  acceptIdentity(peer) {
    return this.#working().trust.acceptIdentity(peer);
  }

  /** @param {string} peer */
  keepIdentity(peer) {
    return this.#working().trust.keepIdentity(peer);
  }

  /** @param {string} peer @param {boolean} allowed */
  setDirectCalls(peer, allowed) {
    return this.#working().talk.setDirectCalls(peer, allowed);
  }

  /** @param {string} peer */
  dial(peer) {
    return this.#working().calls.dial(peer);
  }

  answer() {
    return this.#working().calls.answer();
  }

  reject() {
    return this.#working().calls.reject();
  }

  hangUp() {
    return this.#working().calls.hangUp();
  }

  dismissCall() {
    this.#member?.calls.dismiss();
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#member?.calls.mute(muted);
  }

  /** @param {string} device */
  setSpeaker(device) {
    return this.#working().calls.setSpeaker(device);
  }

  checkCalls() {
    return this.#working().calls.runCheck();
  }

  /** @param {Partial<Settings>} settings */
  async change(settings) {
    const { store } = this.#ready();
    const next = { ...this.state.settings, ...settings };
    if (settings.presence !== undefined) await this.#working().publishPresence(settings.presence);
    const batch = store.batch();
    batch.record("settings", next);
    await batch.commit();
    this.#show({ settings: next });
    if (settings.notifications) await this.#subscribe();
  }

  /** @param {string | null} name */
  async publishName(name) {
    const member = this.#working();
    const publicName = name?.trim() || null;
    await this.#ready().api.asMember("PATCH", "/account", { public_name: publicName });
    member.own.record.name = publicName;
    await member.keepOwn();
  }

  async storage() {
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    return { used: usage, quota };
  }

  exportData() {
    const { people, own } = this.#working();
    return exported(people, own);
  }

  async logOut() {
    await this.#subscribe(false);
    await this.#forget();
    await this.open();
  }

  async startAgain() {
    if (this.#place) await this.#forget();
    await this.open();
  }

  async takeOver() {
    this.#working().takeOver();
  }

  async deleteAccount() {
    const { api } = this.#ready();
    const { record, account } = this.#working().own;
    const { handleHash } = record;
    const nonce = await challenge(api, handleHash);
    const asked = { origin: api.origin, handleHash, nonce: fromBase64(nonce) };
    const signature = toBase64(await signLogin(account.identity, asked));
    await this.#subscribe(false);
    await api.asMember("DELETE", "/account", { phone_hash: handleHash, nonce, signature });
    await this.#forget();
    this.#show({ phase: "gone", gone: "deleted" });
  }

  /** @param {boolean} [isWanted] */
  async #subscribe(isWanted = this.state.settings.notifications === "on") {
    const { api, store } = this.#ready();
    const isPossible = this.state.server?.push && this.#member;
    // What never was has no end.
    if (isPossible && (isWanted || (await store.read("push")))) await subscribe(api, store, isWanted);
  }

  async #forget() {
    const { store } = this.#ready();
    this.#member?.stop();
    this.#member = null;
    await store.erase();
    removeMark();
    const { server } = this.state;
    this.#place = null;
    this.state = opening();
    this.#show({ server });
  }

  /** @param {Own} own */
  async #begin(own) {
    const { Member } = await working();
    if (!this.#place) return;
    const member = new Member(this.#ready(), own, () => this.state.settings);
    this.#member = member;
    member.addEventListener("change", () => this.#tell());
    for (const name of ["messages", "arrived"]) {
      member.addEventListener(name, (event) => {
        this.dispatchEvent(new CustomEvent(name, { detail: /** @type {CustomEvent} */ (event).detail }));
      });
    }
    member.addEventListener("ready", () => this.#subscribe());
    member.addEventListener("over", (event) => {
      const { detail } = /** @type {CustomEvent<Over>} */ (event);
      this.#show({ phase: "gone", gone: detail === "suspended" || detail === "removed" ? detail : "replaced" });
    });
    this.#persisted = (await navigator.storage?.persisted?.()) ?? false;
    await member.start();
    this.#show({ phase: "ready", ...this.#seen(member) });
  }

  /** @param {Member} member */
  #seen(member) {
    return seenOf(member, this.#origins.page, this.state.settings, this.#persisted);
  }

  // Once for all that changes in one go.
  #tell() {
    if (this.#isTold) return;
    this.#isTold = true;
    queueMicrotask(() => {
      this.#isTold = false;
      if (this.#member && this.state.phase === "ready") this.#show(this.#seen(this.#member));
    });
  }

  /** @param {Partial<State>} change */
  #show(change) {
    this.state = { ...this.state, ...change };
    this.dispatchEvent(new Event("change"));
  }

  // Until it answered once.
  async #askServer() {
    const place = this.#place;
    if (!place) return;
    try {
      const { registration, version, features } = await place.api.ask("GET", "/server");
      const has = (/** @type {string} */ feature) => Array.isArray(features) && features.includes(feature);
      const { host } = new URL(this.#origins.server);
      this.#show({ server: { host, registration, version, push: has("push"), presence: has("presence") } });
    } catch {
      setTimeout(() => this.#askServer(), PAUSE);
    }
  }

  // What an account was set to before it was brought back.
  async #learnSettings() {
    const { api, store } = this.#ready();
    const member = this.#working();
    try {
      const { public_name: name, presence } = await api.asMember("GET", "/account");
      member.own.record.name = name ?? null;
      await member.keepOwn();
      const settings = { ...this.state.settings, presence: presence === true };
      const batch = store.batch();
      batch.record("settings", settings);
      await batch.commit();
      this.#show({ settings });
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
    }
  }

  async #persist() {
    try {
      this.#persisted = await navigator.storage.persist();
    } catch {
      this.#persisted = false;
    }
  }

  #ready() {
    if (!this.#place) throw new Trouble("storage");
    return this.#place;
  }

  #working() {
    if (!this.#member) throw new Trouble("unauthorized");
    return this.#member;
  }
}
