// @ts-check
// How an account is made here, and how one is brought back.

/** @import { Identity } from "../crypto/identity.js" */
/** @import { Api } from "../net/api.js" */
/** @import { Store } from "../store/store.js" */
/** @import { Clock } from "./clock.js" */
/** @import { Origins, Own, OwnRecord } from "./parts.js" */
import { fromBase64, random, toBase64 } from "../crypto/bytes.js";
import { drawRegistration } from "../crypto/envelope.js";
import { hashHandle } from "../crypto/handle.js";
import { identityOf, signLogin, signPrekey, signRegistration } from "../crypto/identity.js";
import { readCode, seedOf, writeCode } from "../crypto/recovery_code.js";
import { Refusal } from "../crypto/refusal.js";
import { challenge, logIn } from "../net/login.js";
import { isTrouble, Trouble } from "../net/trouble.js";
import { leaveMark } from "../store/account_mark.js";
import { checkedHandle } from "./links.js";
import { Prekeys } from "./prekeys.js";
import { wirePrekey } from "./upkeep.js";

/** @typedef {{ api: Api, origins: Origins, store: Store, clock: Clock }} Place */
/** @typedef {{ handle: string, handleHash: string, code: string, registration: number }} Begun an account that is being made */

const RECOVERY = "recovery";
const NUMBERS_SINCE = Date.UTC(2024, 0, 1);
const APART = 1000; // numbers between those of an account just made and the same one brought back

/** A new account, and the recovery code of it. @param {Place} place @param {string} typed @param {string | null} invite @returns {Promise<{ own: Own, words: string }>} */
export async function join(place, typed, invite) {
  const handle = checkedHandle(typed);
  const begun = await begin(place, handle);
  const code = fromBase64(begun.code);
  const identity = await identityOf(await seedOf(code));
  const user = await register(place, begun, identity, invite);
  const own = await keep(place, begun, identity, user, false);
  return { own, words: await writeCode(code) };
}

/** The account of a recovery code; made again with `invite` where the server has none. @param {Place} place @param {string} typed @param {string} words @param {string | null} invite @returns {Promise<Own>} */
export async function recover(place, typed, words, invite) {
  const handle = checkedHandle(typed);
  const code = await readCode(words).catch((error) => {
    throw error instanceof Refusal ? new Trouble("bad_recovery_code", error.message) : error;
  });
  const identity = await identityOf(await seedOf(code));
  const begun = { ...(await describe(place, handle)), code: toBase64(code) };
  const user = await known(place, begun, identity).catch((error) => {
    if (!isTrouble(error, "auth_failed")) throw error;
    if (!invite) throw new Trouble("bad_recovery_code");
    return register(place, begun, identity, invite);
  });
  return keep(place, begun, identity, user, true);
}

/** The account on this device, if there is one. @param {Store} store @returns {Promise<Own | null>} */
export async function load(store) {
  /** @type {OwnRecord | undefined} */
  const record = await store.read("account");
  const identity = record && (await store.key("identity"));
  return record && identity ? { record, account: { identity, user: record.user } } : null;
}

/** The recovery code, for as long as nobody said that it was kept elsewhere. @param {Store} store @returns {Promise<string | null>} */
export async function recoveryCode(store) {
  /** @type {string | undefined} */
  const code = await store.read(RECOVERY);
  return code === undefined ? null : writeCode(fromBase64(code));
}

/** The person has the code: it isn't kept here any longer. @param {Store} store @param {OwnRecord} record */
export async function forgetRecoveryCode(store, record) {
  Object.assign(record, { recoverySaved: true, keepsCode: false });
  const batch = store.batch();
  batch.record("account", record);
  batch.removeRecord(RECOVERY);
  await batch.commit();
}

/** How the account signs in. @param {Own} own @param {Api} api @returns {import("../net/login.js").Credentials} */
export const credentials = (own, api) => signing(own.account.identity, own.record.handleHash, api);

// Begun before and not finished: the server may know these keys already.
/** @param {Place} place @param {string} handle @returns {Promise<Begun>} */
async function begin(place, handle) {
  /** @type {Begun | undefined} */
  const before = await place.store.read("joining");
  if (before?.handle === handle) return before;
  const begun = { ...(await describe(place, handle)), code: toBase64(random(16)) };
  const batch = place.store.batch();
  batch.record("joining", begun);
  await batch.commit();
  return begun;
}

/** @param {Place} place @param {string} handle */
async function describe({ api }, handle) {
  const server = await api.ask("GET", "/server");
  const handleHash = await hashHandle(handle, fromBase64(server.handle_salt));
  return { handle, handleHash, registration: drawRegistration() };
}

/** @param {Place} place @param {Begun} begun @param {Identity} identity @param {string | null} invite @returns {Promise<string>} the user's id */
async function register({ api, store, clock }, { handleHash, registration }, identity, invite) {
  const { signed, oneTime } = await Prekeys.alone(store, async (prekeys) => {
    const batch = store.batch();
    // With a code it may be an account that there was, under another identity.
    if (invite) prekeys.startAt(numberNow(clock));
    const made = { signed: await prekeys.rotate(batch, clock.now()), oneTime: await prekeys.more(batch, clock.now()) };
    await batch.commit();
    return made;
  });
  const nonce = await challenge(api, handleHash);
  const asked = { origin: api.origin, handleHash, nonce: fromBase64(nonce) };
  const answer = await api
    .ask("POST", "/register", {
      phone_hash: handleHash,
      identity_key: toBase64(identity.public),
      signed_prekey: toBase64(signed.public),
      prekey_signature: toBase64(await signPrekey(identity, signed.public)),
      registration_id: registration,
      one_time_prekeys: oneTime.map(wirePrekey),
      nonce,
      registration_signature: toBase64(await signRegistration(identity, asked, signed.public, oneTime)),
      ...(invite && { invite_code: invite }),
    })
    .catch((error) => {
      throw isTrouble(error, "identity_mismatch") ? new Trouble("handle_taken", error.message) : error;
    });
  return answer.user_id;
}

/** @param {Place} place @param {Begun} begun @param {Identity} identity */
async function known({ api }, { handleHash }, identity) {
  return (await logIn(api, signing(identity, handleHash, api))).user_id;
}

/** @param {Identity} identity @param {string} handleHash @param {Api} api */
const signing = (identity, handleHash, { origin }) => ({
  handleHash,
  sign: async (/** @type {string} */ nonce) =>
    toBase64(await signLogin(identity, { origin, handleHash, nonce: fromBase64(nonce) })),
});

/** @param {Place} place @param {Begun} begun @param {Identity} identity @param {string} user @param {boolean} isRecovered @returns {Promise<Own>} */
async function keep({ store, clock }, { handle, handleHash, registration, code }, identity, user, isRecovered) {
  /** @type {OwnRecord} */
  const record = {
    user,
    handle,
    handleHash,
    registration,
    name: null,
    recoverySaved: isRecovered,
    epoch: 0,
    fresh: true,
    keepsCode: !isRecovered,
  };
  await Prekeys.alone(store, async (prekeys) => {
    const batch = store.batch();
    if (isRecovered) {
      prekeys.startAt(numberNow(clock) + APART);
      await prekeys.rotate(batch, clock.now());
    }
    batch.key("identity", identity);
    batch.record("account", record);
    batch.removeRecord("joining");
    // Whoever came back by the code has it.
    if (!isRecovered) batch.record(RECOVERY, code);
    await batch.commit();
  });
  leaveMark();
  return { record, account: { identity, user } };
}

// Nobody remembers which numbers an account had before it was brought back.
/** @param {Clock} clock */
const numberNow = (clock) => Math.floor((clock.now() - NUMBERS_SINCE) / 1000);
