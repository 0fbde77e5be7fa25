// @ts-check
// What the views are shown of a member's rooms.

/** @import { Settings, State } from "../model.js" */
/** @import { Member } from "./member.js" */
import { shown, titleOf } from "./conversation.js";
import { contactLink } from "./links.js";

/** @param {Member} member @param {string} page the origin of the pages @param {Settings} settings @param {boolean} persisted @returns {Partial<State>} */
export function seenOf(member, page, settings, persisted) {
  const { user, handle, name, recoverySaved, keepsCode = false } = member.own.record;
  return {
    link: member.link,
    me: { id: user, handle, name, link: contactLink(page, handle), recoverySaved, persisted, suspended: member.isSuspended, keepsCode },
    conversations: member.people
      .all()
      .filter(({ hidden }) => !hidden)
      .sort((one, other) => other.active - one.active)
      .map((one) => shown(one, settings.presence ? (member.online.get(one.peer) ?? null) : null)),
    call: titled(member),
    callCheck: member.calls.check,
    keptOut: member.requests.keptOut,
  };
}

/** @param {Member} member */
function titled({ calls: { call }, people }) {
  if (!call) return null;
  const kept = people.get(call.peer);
  return { ...call, title: kept ? titleOf(kept) : call.peer.slice(0, 8) };
}
