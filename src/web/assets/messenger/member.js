// @ts-check
// A member at work: the socket, and the rooms that what it brings belongs to.

/** @import { Link, Settings } from "../model.js" */
/** @import { Own, Parts } from "./parts.js" */
/** @import { Place } from "./joining.js" */
/** @import { Frame, Over } from "../net/line.js" */
import { Line } from "../net/line.js";
import { Login } from "../net/login.js";
import { Refusal } from "../crypto/refusal.js";
import { Trouble } from "../net/trouble.js";
import { fetchBundle, meetOwner } from "./bundle.js";
import { Calls } from "./calls.js";
import { Contacts } from "./contacts.js";
import { Inbox } from "./inbox.js";
import { credentials } from "./joining.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { Requests } from "./requests.js";
import { Sending } from "./sending.js";
import { Talk } from "./talk.js";
import { Trust } from "./trust.js";
import { Upkeep } from "./upkeep.js";

const QUIET = 5000; // milliseconds after which it is looked whether calls work
const BARRED = 20_000; // milliseconds after which somebody suspended asks whether they still are
const UPKEEP = 6 * 3600_000; // milliseconds between two looks at the prekeys, while the socket stands

/** Dispatches `change`, `messages` with `{ peer }`, `ready` when the socket stands, and `over` with why. */
export class Member extends EventTarget {
  /** @type {Map<string, boolean>} */
  online = new Map();
  /** Whether the operator lets this member read alone. */
  isSuspended = false;
  #parts;
  #caughtUp = false;
  #isElsewhere = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #again;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #ask;
  #tell = () => void this.dispatchEvent(new Event("change"));

  /** @param {Place} place @param {Own} own @param {() => Settings} settings */
  constructor({ api, origins, store, clock }, own, settings) {
    super();
    const pass = new Login(api, credentials(own, api));
    api.identify(pass);
    const line = new Line(api.origin, pass);
    const people = new People(store, clock);
    /** @type {Parts} */
    const parts = { api, line, origins, store, clock, people, own, settings };
    this.#parts = parts;
    this.people = people;
    this.own = own;
    this.sending = new Sending(parts);
    this.outbox = new Outbox(parts, this.sending);
    this.requests = new Requests(parts);
    this.inbox = new Inbox(parts, this.outbox, this.sending, this.requests);
    this.contacts = new Contacts(parts, this.outbox);
    this.talk = new Talk(parts, this.outbox, this.contacts);
    this.trust = new Trust(parts, this.outbox);
    this.upkeep = new Upkeep(parts);
    this.calls = new Calls(parts, this.inbox, this.outbox);
    this.#listen();
  }

  /** Loads what is kept, and connects. */
  async start() {
    await this.people.load();
    await this.sending.load();
    await this.requests.load();
    this.#parts.line.open();
    this.#again = setInterval(() => this.upkeep.check(true).catch((error) => this.#trouble(error)), UPKEEP);
  }

  stop() {
    const { line, api } = this.#parts;
    clearTimeout(this.#later);
    clearTimeout(this.#ask);
    clearInterval(this.#again);
    this.calls.stop();
    this.outbox.stop();
    this.sending.stop();
    line.close();
    api.identify(null);
    removeEventListener("online", this.#tell);
    removeEventListener("offline", this.#tell);
  }

  /** @returns {Link} */
  get link() {
    const { line, clock } = this.#parts;
    if (this.#isElsewhere) return "elsewhere";
    if (line.state !== "open") return navigator.onLine ? "connecting" : "offline";
    if (clock.isWrong) return "clock_wrong";
    return this.#caughtUp ? "online" : "catching_up";
  }

  /** Connects here again; whichever other device had the place is told. */
  takeOver() {
    if (!this.#isElsewhere) return;
    this.#isElsewhere = false;
    this.#parts.line.open();
    this.#tell();
  }

  async keepOwn() {
    const batch = this.#parts.store.batch();
    batch.record("account", this.own.record);
    await batch.commit();
    this.#tell();
  }

  /** @param {boolean} shared */
  async publishPresence(shared) {
    await this.#parts.api.asMember("PATCH", "/account", { presence: shared });
    if (!shared) this.online.clear();
  }

  #listen() {
    const { line, people } = this.#parts;
    line.addEventListener("frame", (event) => {
      this.#take(/** @type {CustomEvent<Frame>} */ (event).detail).catch((error) => this.#trouble(error));
    });
    line.addEventListener("state", () => {
      this.#caughtUp = false;
      if (line.state !== "open") this.online.clear();
      this.calls.lineChanged();
      this.#tell();
    });
    line.addEventListener("over", (event) => {
      const { detail } = /** @type {CustomEvent<Over>} */ (event);
      // Two that both came back by themselves would take turns without end (PROTOCOL.md §5).
      this.#isElsewhere = detail === "replaced";
      if (this.#isElsewhere) this.#tell();
      else this.dispatchEvent(new CustomEvent("over", { detail }));
    });
    for (const room of [people, this.calls, this.contacts, this.requests]) room.addEventListener("change", this.#tell);
    people.addEventListener("messages", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      this.dispatchEvent(new CustomEvent("messages", { detail }));
    });
    this.inbox.addEventListener("arrived", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.handle) this.contacts.lookUp(detail.peer, detail.handle);
      this.dispatchEvent(new CustomEvent("arrived", { detail }));
    });
    this.upkeep.addEventListener("replaced", () => {
      line.close();
      this.dispatchEvent(new CustomEvent("over", { detail: "replaced" }));
    });
    addEventListener("online", this.#tell);
    addEventListener("offline", this.#tell);
  }

  /** @param {Frame} frame */
  async #take(frame) {
    switch (frame.type) {
      case "ready":
        return this.#ready(frame);
      case "encrypted_message":
        return this.inbox.take(frame);
      case "message_accepted":
        return this.sending.accepted(frame.id);
      case "queue_drained":
        this.#caughtUp = true;
        return this.#tell();
      case "prekeys_low":
        return this.upkeep.check(true);
      case "identity_changed":
        return this.#meetAgain(frame.user_id);
      case "presence":
        this.online.set(frame.user_id, Boolean(frame.online));
        return this.#tell();
      case "error":
        if (typeof frame.id === "string") await this.sending.refused(frame.id, frame.code, frame.retry_after);
        else if (frame.call_id) this.calls.refused(frame);
        return;
      default:
        return this.calls.take(frame);
    }
  }

  /** @param {Frame} frame */
  async #ready(frame) {
    const { clock, own } = this.#parts;
    clock.compare(Date.parse(frame.server_time));
    this.#caughtUp = frame.pending === 0;
    this.#tell();
    if (frame.epoch > own.record.epoch) {
      if (own.record.epoch) {
        await this.sending.sendAgain();
        await this.contacts.tellAgain();
      }
      own.record.epoch = frame.epoch;
      await this.keepOwn();
    }
    this.sending.restart();
    this.outbox.restart();
    await this.contacts.synchronize();
    await this.upkeep.check(frame.one_time_prekeys_remaining < 20);
    await this.#learnStanding();
    this.dispatchEvent(new Event("ready"));
    // Once, and when nothing else is in a hurry.
    if (this.calls.check === "unknown") this.#later = setTimeout(() => this.calls.runCheck(), QUIET);
  }

  // Nothing tells of the end of a suspension.
  async #learnStanding() {
    clearTimeout(this.#ask);
    const { suspended } = await this.#parts.api.asMember("GET", "/account");
    this.isSuspended = suspended === true;
    this.#tell();
    if (this.isSuspended) this.#ask = setTimeout(() => this.#learnStanding().catch((error) => this.#trouble(error)), BARRED);
  }

  /** They have a new identity; what it is comes with a bundle. @param {string} peer */
  async #meetAgain(peer) {
    if (!this.people.get(peer)) return;
    const bundle = await fetchBundle(this.#parts.api, peer);
    await this.people.exchange(peer, (entry) => meetOwner(this.#parts, entry, bundle));
  }

  // What fails here is tried again with the next socket, or was refused for good.
  /** @param {unknown} error */
  #trouble(error) {
    if (!(error instanceof Trouble) && !(error instanceof Refusal)) throw error;
  }
}
