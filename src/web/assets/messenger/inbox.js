// @ts-check
// What comes in. Opened, and stored with the sessions that opened it, in one transaction; only then
// is it acknowledged (E2EE.md §8.4). What the server delivers again is dropped.

/** @import { Content } from "../crypto/content.js" */
/** @import { Envelope } from "../crypto/envelope.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Exchange } from "./people.js" */
/** @import { Requests } from "./requests.js" */
/** @import { Sending } from "./sending.js" */
import { isUuid } from "../crypto/bytes.js";
import { isPlausible, readContent } from "../crypto/content.js";
import { readPayload } from "../crypto/envelope.js";
import { mayReset, openFrom } from "../crypto/peer.js";
import { draw } from "../crypto/ratchet.js";
import { Refusal } from "../crypto/refusal.js";
import { hasSeen, noteSeen } from "../crypto/seen.js";
import { isFull, owing } from "./conversation.js";
import { appendEvent, noteMeeting } from "./events.js";
import { Prekeys } from "./prekeys.js";

/** @typedef {{ message_id: string, sender_id: string, payload: string, timestamp: string }} Delivery */

const TOGETHER = 50; // deliveries that are stored in one transaction
const RECEIPTS = 300; // milliseconds that receipts are gathered for

/** Dispatches `arrived` with `{ peer }` for each message a person wrote, and `named` with `{ peer, handle }`. */
export class Inbox extends EventTarget {
  #parts;
  #outbox;
  #sending;
  #requests;
  /** @type {Map<string, Delivery[]>} */
  #queues = new Map();
  /** @type {Set<string>} */
  #draining = new Set();
  /** How many payloads couldn't be read at all. */
  malformed = 0;

  /** @param {Parts} parts @param {Outbox} outbox @param {Sending} sending @param {Requests} requests */
  constructor(parts, outbox, sending, requests) {
    super();
    this.#parts = parts;
    this.#outbox = outbox;
    this.#sending = sending;
    this.#requests = requests;
  }

  /** @param {any} delivery */
  take(delivery) {
    const { sender_id: peer, message_id: id } = delivery;
    if (!isUuid(peer) || !isUuid(id)) return;
    const queue = this.#queues.get(peer) ?? [];
    queue.push(delivery);
    this.#queues.set(peer, queue);
    if (!this.#draining.has(peer)) this.#drain(peer, queue);
  }

  /** What a payload says that isn't kept: the offer of a call. @param {string} peer @param {string} payload @returns {Promise<Content | null>} */
  async openOffer(peer, payload) {
    const envelope = readPayload(payload);
    return this.#withPrekeys([envelope], (prekeys) =>
      this.#parts.people.exchange(peer, (entry) => this.#open(entry, envelope, prekeys)),
    );
  }

  /** @param {string} peer @param {Delivery[]} queue */
  async #drain(peer, queue) {
    this.#draining.add(peer);
    try {
      while (queue.length) {
        const some = queue.splice(0, TOGETHER);
        // Acknowledged all the same: at the server it would stand before what others write.
        if (this.#requests.admits(peer, this.#draining)) await this.#receive(peer, some);
        else await this.#requests.keepOut(some.length);
        this.#parts.line.send({ type: "ack", message_ids: some.map((one) => one.message_id) });
      }
    } catch (error) {
      // It couldn't be stored. It isn't acknowledged, so it comes again with the next socket.
      queue.length = 0;
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    } finally {
      this.#draining.delete(peer);
    }
    setTimeout(() => this.#outbox.seal(peer), RECEIPTS);
  }

  /** @param {string} peer @param {Delivery[]} deliveries */
  async #receive(peer, deliveries) {
    const envelopes = deliveries.map(({ payload }) => attempt(() => readPayload(payload)));
    const events = await this.#withPrekeys(envelopes, (prekeys) =>
      this.#parts.people.exchange(peer, async (entry) => {
        const events = [];
        for (const [place, delivery] of deliveries.entries()) {
          events.push(await this.#deliver(entry, delivery, envelopes[place], prekeys));
        }
        return events;
      }),
    );
    for (const event of events) if (event) this.dispatchEvent(event);
  }

  // Two first messages must not use one prekey.
  /** @template T @param {(Envelope | Refusal)[]} envelopes @param {(prekeys: Prekeys | null) => Promise<T>} work @returns {Promise<T>} */
  #withPrekeys(envelopes, work) {
    const needsThem = envelopes.some((envelope) => "type" in envelope && envelope.type === 1);
    return needsThem ? Prekeys.alone(this.#parts.store, work) : work(null);
  }

  /** @param {Exchange} entry @param {Delivery} delivery @param {Envelope | Refusal} envelope @param {Prekeys | null} prekeys @returns {Promise<Event | null>} */
  async #deliver(entry, delivery, envelope, prekeys) {
    const { clock } = this.#parts;
    const { kept } = entry;
    const arrived = timeOf(delivery.timestamp, clock.now());
    if (kept.standing === "blocked" || hasSeen(entry.seen, outer(delivery))) return null;
    entry.seen = noteSeen(entry.seen, outer(delivery), clock.now());
    try {
      if (envelope instanceof Refusal) throw envelope;
      const content = await this.#open(entry, envelope, prekeys);
      return content && this.#take(entry, content, arrived);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.isSilent) this.malformed += 1;
      else this.#leavePlaceholder(entry, arrived);
      return null;
    }
  }

  /** Null where it was there before. @param {Exchange} entry @param {Envelope} envelope @param {Prekeys | null} prekeys @returns {Promise<Content | null>} */
  async #open(entry, envelope, prekeys) {
    const { own, clock } = this.#parts;
    const now = clock.now();
    const findKeys = (/** @type {import("../crypto/message.js").Prefix} */ prefix) => {
      if (!prekeys) throw new Refusal("unknown_prekey");
      return prekeys.find(prefix);
    };
    const opened = await openFrom(entry.peer, own.account, envelope, findKeys, draw, now);
    entry.peer = opened.peer;
    if (opened.begun && prekeys) await prekeys.spend(entry.batch, opened.begun);
    noteMeeting(this.#parts, entry, opened.meeting);
    const content = attempt(() => readContent(opened.opened));
    if (content instanceof Refusal || hasSeen(entry.seen, content.id)) return null;
    // They know the ids of what was written to them too, and no two messages stand under one.
    if (await this.#parts.store.message(entry.kept.peer, content.id)) return null;
    entry.seen = noteSeen(entry.seen, content.id, now);
    return content;
  }

  /** @param {Exchange} entry @param {Content} content @param {number} arrived ms, the server's time @returns {Promise<Event | null>} */
  async #take(entry, { id, ts, says }, arrived) {
    const { people } = this.#parts;
    const { kept } = entry;
    switch (says.kind) {
      case "text":
      case "unsupported": {
        if (isFull(kept)) return null;
        const timeDoubtful = !isPlausible(ts, arrived);
        const at = timeDoubtful ? arrived : ts;
        const text = says.kind === "text" ? says.text : "";
        people.append(entry, { id, mine: false, at, timeDoubtful, kind: says.kind, text, state: null, call: null });
        kept.unread += 1;
        kept.unreadIds = owing(kept.unreadIds, [id]);
        kept.delivered = owing(kept.delivered, [id]);
        const handle = says.kind === "text" && !kept.handle ? says.handle : undefined;
        return new CustomEvent("arrived", { detail: { peer: kept.peer, handle } });
      }
      case "receipt":
        for (const message of says.ids) {
          await people.progress(entry, message, says.state);
          this.#sending.settle(entry, message);
        }
        return null;
      case "reset":
        if (!kept.hidden) appendEvent(this.#parts, entry, { kind: "session_reset" });
        return null;
      default:
        return null;
    }
  }

  /** @param {Exchange} entry @param {number} at */
  #leavePlaceholder(entry, at) {
    const { kept } = entry;
    if (isFull(kept)) return;
    appendEvent(this.#parts, entry, { kind: "unreadable", at });
    kept.unread += 1;
    if (kept.standing === "allowed" && mayReset(entry.peer, this.#parts.clock.now())) kept.resetDue = true;
  }
}

// The server's ids are noted apart from those inside, which may be the same.
/** @param {Delivery} delivery */
const outer = ({ message_id: id }) => `server/${id}`;

// What the server says that can't be shown as a time would keep a conversation from being shown.
/** @param {unknown} timestamp @param {number} now @returns {number} ms */
function timeOf(timestamp, now) {
  const time = Date.parse(String(timestamp));
  return Number.isNaN(time) ? now : time;
}

/** @template T @param {() => T} work @returns {T | Refusal} */
function attempt(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
