// @ts-check
// Whether the other one is who they seem to be (E2EE.md §9).

/** @import { Peer } from "../crypto/peer.js" */
/** @import { Pin } from "../crypto/pin.js" */
/** @import { Safety } from "../crypto/safety_number.js" */
/** @import { SafetyNumber } from "../model.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Parts } from "./parts.js" */
import { confirm, markVerified, present, unmark } from "../crypto/pin.js";
import { checkQr, digitsOf, qrOf, safetyBetween } from "../crypto/safety_number.js";
import { keepOld } from "../crypto/peer.js";
import { readPeer } from "../crypto/peer_record.js";
import { Refusal } from "../crypto/refusal.js";
import { Trouble } from "../net/trouble.js";

const DIGITS = /^\d{5}( \d{5}){11}$/;

export class Trust {
  #parts;
  #outbox;

  /** @param {Parts} parts @param {Outbox} outbox */
  constructor(parts, outbox) {
    this.#parts = parts;
    this.#outbox = outbox;
  }

  /** @param {string} peer @returns {Promise<SafetyNumber>} */
  async safetyNumber(peer) {
    const { safety, pin } = await this.#safety(peer);
    return { digits: digitsOf(safety), qr: qrOf(safety), verified: pin.verified && !pin.changed };
  }

  /** @param {string} peer @param {string} compared the digits that were shown, or what a code said */
  async verify(peer, compared) {
    const { safety, pin } = await this.#safety(peer);
    check(safety, compared);
    // The key that was compared, should it have changed meanwhile.
    await this.#decide(peer, onPin((now) => markVerified(now, present(pin))));
  }

  /** @param {string} peer */
  unverify(peer) {
    return this.#decide(peer, onPin(unmark));
  }

  /** @param {string} peer */
  acceptIdentity(peer) {
    return this.#decide(peer, onPin(confirm));
  }

  /** @param {string} peer */
  keepIdentity(peer) {
    return this.#decide(peer, keepOld);
  }

  /** @param {string} peer @param {(peer: Peer) => Peer} decision */
  async #decide(peer, decision) {
    const { people, store } = this.#parts;
    await people.exchange(peer, async (entry) => {
      if (!entry.peer.pin) throw new Trouble("not_a_safety_number");
      try {
        entry.peer = decision(entry.peer);
      } catch (error) {
        throw error instanceof Refusal ? new Trouble("safety_number_differs", error.message) : error;
      }
      if (entry.peer.pin?.changed) return;
      for (const id of entry.kept.pending) {
        const message = await store.message(peer, id);
        if (message?.value.state === "held") await people.progress(entry, id, "waiting");
      }
    });
    this.#outbox.seal(peer);
  }

  /** @param {string} peer */
  async #safety(peer) {
    const { store, own } = this.#parts;
    const record = await store.read(`session/${peer}/1`);
    const pin = record && (await readPeer(record)).pin;
    if (!pin) throw new Trouble("not_a_safety_number", "Nothing is known of them yet.");
    const mine = { identity: own.account.identity.public, user: own.account.user };
    return { safety: await safetyBetween(mine, { identity: present(pin), user: peer }), pin };
  }
}

/** @param {(pin: Pin) => Pin} decision @returns {(peer: Peer) => Peer} */
const onPin = (decision) => (peer) => ({ ...peer, pin: peer.pin && decision(peer.pin) });

// The key may have changed since digits were shown: what counts is what the person saw.
/** @param {Safety} safety @param {string} compared */
function check(safety, compared) {
  if (compared === digitsOf(safety)) return;
  if (DIGITS.test(compared)) throw new Trouble("safety_number_differs");
  try {
    checkQr(safety, compared);
  } catch (error) {
    const isOther = error instanceof Refusal && error.reason === "other_safety_number";
    throw new Trouble(isOther ? "safety_number_differs" : "not_a_safety_number");
  }
}
