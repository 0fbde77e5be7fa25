// @ts-check
// Links, QR codes and typed codes: invites to this server, and handles to write to.

/** @import { Invite } from "../model.js" */
import { isUuid } from "../crypto/bytes.js";
import { normalized } from "../crypto/handle.js";
import { Trouble } from "../net/trouble.js";

const CODE = /^[0-9A-HJKMNP-TV-Z]{12}$/;
const UNSEEN = /\p{Default_Ignorable_Code_Point}/u;
const LATIN = /\p{Script=Latin}/u;
const LIKE_LATIN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const HANDLE = /^[\p{L}\p{N}+][\p{L}\p{N}\p{M}._+-]{0,63}$/u;

/** @param {string} text a link, a QR code's text or a typed code @returns {Invite} */
export function readInvite(text) {
  const typed = text.includes("#") ? text.slice(text.indexOf("#") + 1) : text;
  const [first, handle] = typed.split("/");
  const code = first.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replaceAll("O", "0");
  if (!CODE.test(code)) throw new Trouble("invite_invalid");
  return { code: /** @type {string[]} */ (code.match(/.{4}/g)).join("-"), handle: handle ? decoded(handle) : null };
}

/** What others open to write to `handle`. @param {string} origin @param {string} handle */
export const contactLink = (origin, handle) => `${origin}/c#${encodeURIComponent(handle)}`;

/** A handle, or a user id, of what was typed, scanned or opened. @param {string} text @param {string[]} origins this server's @returns {string} */
export function readContact(text, origins) {
  const trimmed = text.trim();
  if (!/^https?:/i.test(trimmed)) return checkedHandle(trimmed.replace(/^@/, ""));
  const link = URL.canParse(trimmed) ? new URL(trimmed) : null;
  // Whoever is on another server can't be written to from here.
  if (!link || !origins.includes(link.origin) || link.pathname !== "/c") throw new Trouble("user_not_found");
  return checkedHandle(decoded(link.hash.slice(1)));
}

/** @param {string} typed @returns {string} */
export function checkedHandle(typed) {
  const handle = normalized(typed);
  if (!isUuid(handle) && (!HANDLE.test(handle) || UNSEEN.test(handle))) throw new Trouble("handle_invalid");
  return handle;
}

/** Whether letters of one script may stand in it for those of another. @param {string} handle */
export const maySeemAnother = (handle) => LATIN.test(handle) && LIKE_LATIN.test(handle);

/** What the address brought, which is taken out of it at once. @param {Location} location */
export function readAddress({ pathname, hash }) {
  const brought = hash.slice(1);
  const isOurs = pathname === "/i" || pathname === "/c";
  if (isOurs) history.replaceState(null, "", "/");
  /** @type {{ invite: Invite | null, visit: string | null }} */
  const found = { invite: null, visit: null };
  if (!brought) return found;
  try {
    if (pathname === "/i") found.invite = readInvite(brought);
    if (pathname === "/c") found.visit = checkedHandle(decoded(brought));
  } catch {
    // A link that says nothing is as none.
  }
  return found;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
