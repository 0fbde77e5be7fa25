// @ts-check
// Going through everything that is kept: searching it, and handing it out.

/** @import { Message } from "../model.js" */
/** @import { Own } from "./parts.js" */
/** @import { People } from "./people.js" */
import { titleOf } from "./conversation.js";

const FOUND = 100;
const PAGE = 500;

/** Those that hold each of the words, newest first. @param {People} people @param {string} words @returns {Promise<Message[]>} */
export async function searched(people, words) {
  const wanted = folded(words).split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  /** @type {Message[]} */
  const found = [];
  for (const { peer, hidden } of people.all()) {
    if (hidden) continue;
    let count = 0;
    for await (const message of newestFirst(people, peer)) {
      const text = folded(message.text);
      if (!text || !wanted.every((word) => text.includes(word))) continue;
      found.push(message);
      count += 1;
      if (count >= FOUND) break;
    }
  }
  return found.sort((one, other) => other.at - one.at).slice(0, FOUND);
}

/** What this device keeps, readable, without keys. @param {People} people @param {Own} own @returns {Promise<Blob>} */
export async function exported(people, { record: { user, handle, name } }) {
  const conversations = [];
  for (const kept of people.all()) {
    const messages = [];
    for await (const message of newestFirst(people, kept.peer)) messages.push(readable(message));
    const { peer, standing } = kept;
    conversations.push({ with: peer, title: titleOf(kept), handle: kept.handle, standing, messages: messages.reverse() });
  }
  const all = { account: { user, handle, name }, exported: new Date().toISOString(), conversations };
  return new Blob([JSON.stringify(all, null, 2)], { type: "application/json" });
}

/** @param {People} people @param {string} peer */
async function* newestFirst(people, peer) {
  for (let before = Infinity; ; ) {
    const page = await people.messages(peer, before, PAGE);
    yield* page.toReversed();
    const oldest = page[0]?.position;
    if (oldest === undefined) return;
    before = oldest;
  }
}

/** @param {Message} message */
const readable = ({ mine, at, kind, text, state, call }) => ({
  from: mine ? "me" : "them",
  at: new Date(at).toISOString(),
  kind,
  ...(text && { text }),
  ...(state && { state }),
  ...(call && { call }),
});

/** @param {string} text */
const folded = (text) => text.normalize("NFKC").toLowerCase();
