// @ts-check

/** @import { Parts } from "./parts.js" */
/** @import { Inbox } from "./inbox.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Call, CallCheck } from "../model.js" */
/** @import { Frame } from "../net/line.js" */

export class Calls extends EventTarget {
  /** @type {Call | null} */
  call = null;
  /** @type {CallCheck} */
  check = "unknown";
  /** @param {Parts} parts @param {Inbox} inbox @param {Outbox} outbox */
  constructor(parts, inbox, outbox) {
    super();
  }
  /** @param {Frame} frame */
  take(frame) {}
  /** @param {Frame} frame */
  refused(frame) {}
  lineChanged() {}
  stop() {}
  /** @param {string} peer */
  async dial(peer) {}
  async answer() {}
  async reject() {}
  async hangUp() {}
  dismiss() {}
  /** @param {boolean} muted */
  mute(muted) {}
  /** @param {string} device */
  async setSpeaker(device) {}
  async runCheck() {}
}
