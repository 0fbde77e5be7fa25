// @ts-check
// What a person does with a conversation and its messages.

/** @import { Settings } from "../model.js" */
/** @import { Contacts } from "./contacts.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Parts } from "./parts.js" */
import { utf8 } from "../crypto/bytes.js";
import { LONGEST } from "../crypto/padding.js";
import { Trouble } from "../net/trouble.js";
import { owing } from "./conversation.js";

const OVERHEAD = 400; // bytes of a message's content beside its text

export class Talk {
  #parts;
  #outbox;
  #contacts;

  /** @param {Parts} parts @param {Outbox} outbox @param {Contacts} contacts */
  constructor(parts, outbox, contacts) {
    this.#parts = parts;
    this.#outbox = outbox;
    this.#contacts = contacts;
  }

  /** Safe on this device when it returns. @param {string} peer @param {string} text @param {string} id the same for the same message, whoever asks again */
  async send(peer, text, id) {
    const { people, store, clock } = this.#parts;
    if (utf8(JSON.stringify(text)).length > LONGEST - OVERHEAD) throw new Trouble("too_long");
    const standing = people.get(peer)?.standing;
    if (standing === "blocked") throw new Trouble("forbidden");
    await people.change(peer, async (entry) => {
      if (await store.message(peer, id)) return;
      const state = entry.kept.identity === "changed" ? "held" : "waiting";
      const at = Math.round(clock.now());
      people.append(entry, { id, mine: true, at, timeDoubtful: false, kind: "text", text, state, call: null });
      entry.kept.pending.push(id);
    });
    // Who answers wants to hear more.
    if (standing === "request") await this.#contacts.allow(peer);
    else this.#outbox.seal(peer);
  }

  /** @param {string} peer @param {string} id */
  async retry(peer, id) {
    const { people } = this.#parts;
    await people.change(peer, (entry) => people.restart(entry, id));
    this.#outbox.seal(peer);
  }

  /** @param {string} peer @param {string} id */
  async remove(peer, id) {
    const { people } = this.#parts;
    await people.change(peer, (entry) => people.remove(entry, id));
  }

  /** @param {string} peer */
  async removeAll(peer) {
    const { people } = this.#parts;
    await people.change(peer, (entry) => people.forget(entry));
  }

  /** @param {string} peer @param {Settings} settings */
  async markRead(peer, { readReceipts }) {
    const { people } = this.#parts;
    if (!people.get(peer)?.unread) return;
    await people.change(peer, ({ kept }) => {
      if (readReceipts) {
        kept.delivered = kept.delivered.filter((id) => !kept.unreadIds.includes(id));
        kept.read = owing(kept.read, kept.unreadIds);
      }
      Object.assign(kept, { unread: 0, unreadIds: [] });
    });
    this.#outbox.seal(peer);
  }

  /** @param {string} peer @param {string | null} title */
  async rename(peer, title) {
    await this.#parts.people.change(peer, ({ kept }) => void (kept.note = title?.trim() || null));
  }

  /** @param {string} peer @param {boolean} allowed */
  async setDirectCalls(peer, allowed) {
    await this.#parts.people.change(peer, ({ kept }) => {
      if (allowed && kept.identity !== "verified") throw new Trouble("forbidden");
      kept.directCalls = allowed;
    });
  }

  /** What to hand to the operator, who can look into no conversation. @param {string} peer @returns {Promise<string>} */
  async report(peer) {
    const { people, own, origins } = this.#parts;
    const handle = people.get(peer)?.handle;
    const count = (await people.positions(peer)).length;
    const lines = [
      `Server: ${origins.server}`,
      `Reported: ${peer}${handle ? ` (${handle})` : ""}`,
      `By: ${own.record.user} (${own.record.handle})`,
      `When: ${new Date().toISOString()}`,
      `Messages in the conversation: ${count}`,
    ];
    return lines.join("\n");
  }
}
