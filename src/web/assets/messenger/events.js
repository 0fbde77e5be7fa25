// @ts-check
// Messages that no one wrote: what happened in a conversation.

/** @import { Message } from "../model.js" */
/** @import { Meeting } from "../crypto/pin.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Entry } from "./people.js" */

/** @param {Parts} parts @param {Entry} entry @param {Partial<Message> & { kind: Message["kind"] }} event */
export function appendEvent({ people, clock }, entry, event) {
  people.append(entry, {
    id: crypto.randomUUID(),
    mine: false,
    at: clock.now(),
    timeDoubtful: false,
    text: "",
    state: null,
    call: null,
    ...event,
  });
}

/** @param {Parts} parts @param {Entry} entry @param {Meeting} meeting */
export function noteMeeting(parts, entry, meeting) {
  if (meeting === "changed") appendEvent(parts, entry, { kind: "identity_changed" });
}
