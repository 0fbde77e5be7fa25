// The published vectors, reproduced by the web client's own rooms: in a page and in Node.
//   node --experimental-default-type=module tests/web/vectors.mjs            (Node 20 or later)
//   (await import("/…/vectors.mjs")).checkVectors(vectors, "/app/crypto/")

/** Which checks failed, and how many passed. `backups` are those of recovery codes. */
export async function checkVectors(vectors, backups, room) {
  const names = "bytes agreement identity_key identity kdf padding x3dh session peer envelope safety_number sealed_record call_channel session_record peer_record recovery_code refusal".split(" ");
  const rooms = await Promise.all(names.map((name) => import(`${room}${name}.js`)));
  const crypto = Object.assign({}, ...rooms);
  const tally = new Tally();
  for (const check of [keys, agreements, derivations, paddings, conversation, records]) {
    await check(crypto, vectors, tally);
  }
  await recoveryCodes(crypto, backups, tally);
  return { passed: tally.passed, failed: tally.failed };
}

// HKDF-SHA-256 of 00 01 … 0f without salt, information "PrivComm_Seed_v1" (docs/encryption.md).
const SEED = "5a9187222dcdc3120bb3eafce14a0c71ff0eb74633832111553c357e0bee1550";

class Tally {
  passed = 0;
  failed = [];
  same(what, found, wanted) {
    if (found === wanted) this.passed += 1;
    else this.failed.push(`${what}: ${String(found).slice(0, 80)} instead of ${String(wanted).slice(0, 80)}`);
  }
  async refused(what, attempt) {
    try {
      await attempt();
      this.failed.push(`${what}: accepted`);
    } catch (error) {
      if (error.name === "Refusal") this.passed += 1;
      else this.failed.push(`${what}: ${error.stack}`);
    }
  }
}

async function keys(c, v, tally) {
  for (const known of v.convert) {
    const identity = await c.identityOf(c.fromHex(known.seed));
    tally.same("public key", c.toHex(identity.public), known.ed_public);
    tally.same("its X25519 form", c.toHex(c.montgomery(identity.public)), known.x_public);
    const pair = await c.pairOf(c.fromHex(known.x_private));
    tally.same("of the private one", c.toHex(pair.public), known.x_public);
    // That both keys of an identity belong together shows where two agree.
    const other = await c.newPair();
    const [here, there] = [await c.agree(identity.agree, other.public), await c.agree(other.secret, c.fromHex(known.x_public))];
    tally.same("agreement", c.toHex(here), c.toHex(there));
    tally.same("extractable", identity.agree.extractable || identity.sign.extractable || other.secret.extractable, false);
  }
  for (const bad of v.identity_refused) await tally.refused(bad.why, () => c.checkIdentity(c.fromHex(bad.key)));
  const any = await c.newPair();
  for (const bad of v.x25519_refused) await tally.refused(bad.public, () => c.agree(any.secret, c.fromHex(bad.public)));
  const alice = await c.identityOf(c.fromHex(v.x3dh[0].alice_seed));
  const challenge = { origin: v.auth.origin, handleHash: v.auth.phone_hash, nonce: c.fromHex(v.auth.nonce) };
  tally.same("login text", c.toHex(c.utf8(c.loginText(challenge))), v.auth.message);
  tally.same("login signature", c.toHex(await c.signLogin(alice, challenge)), v.auth.signature);
}

async function parties(c, contact) {
  const [alice, bob] = [await c.identityOf(c.fromHex(contact.alice_seed)), await c.identityOf(c.fromHex(contact.bob_seed))];
  const signed = await c.pairOf(c.fromHex(contact.spk_private));
  const oneTime = contact.one_time ? await c.pairOf(c.fromHex(contact.otpk_private)) : null;
  const bundle = {
    user: contact.bob_uid,
    identity: bob.public,
    signedPrekey: signed.public,
    signature: c.fromHex(contact.spk_signature),
    oneTime: oneTime && { id: contact.otpk_id, public: oneTime.public },
  };
  return {
    alice: { identity: alice, user: contact.alice_uid },
    bob: { identity: bob, user: contact.bob_uid },
    bundle,
    signed,
    oneTime,
  };
}

const drawn = (c, keys) => {
  let next = 0;
  return () => c.fromHex(keys[next++]);
};

async function agreements(c, v, tally) {
  for (const contact of v.x3dh) {
    const { alice, bob, bundle, signed, oneTime } = await parties(c, contact);
    tally.same("prekey number", await c.prekeyNumber(signed.public), contact.spk_id);
    tally.same("prekey signature", c.toHex(await c.signPrekey(bob.identity, signed.public)), contact.spk_signature);
    const ephemeral = await c.pairOf(c.fromHex(contact.ek_private));
    const agreed = await c.initiateAgreement(alice, bundle, ephemeral);
    tally.same("SK", c.toHex(agreed.secret), contact.sk);
    tally.same("AD", c.toHex(agreed.associated), contact.ad);
    const answered = await c.respondAgreement(bob, alice.user, agreed.prefix, signed.secret, oneTime?.secret ?? null);
    tally.same("Bob's SK", c.toHex(answered.secret), contact.sk);
    tally.same("Bob's AD", c.toHex(answered.associated), contact.ad);
    const draw = drawn(c, [contact.ek_private, v.conversation.ratchet_keys.alice[0]]);
    const session = await c.begin(alice, bundle, draw, 0);
    tally.same("prefix", c.toHex(session.prefix), contact.prefix);
    tally.same("root", c.toHex(session.ratchet.root), contact.rk);
    tally.same("first chain", c.toHex(session.ratchet.sending), contact.cks);
  }
  const { bundle, alice } = await parties(c, v.x3dh[0]);
  const forged = { ...bundle, signature: bundle.signature.map((byte, at) => byte ^ (at === 9 ? 1 : 0)) };
  await tally.refused("forged signature", () => c.begin(alice, forged, () => c.random(32), 0));
}

async function derivations(c, v, tally) {
  const { root, chain } = await c.advanceRoot(c.fromHex(v.kdf.rk_in), c.fromHex(v.kdf.dh));
  const step = await c.advanceChain(chain);
  tally.same("root key", c.toHex(root), v.kdf.rk_out);
  tally.same("chain key", c.toHex(chain), v.kdf.ck);
  tally.same("next chain key", c.toHex(step.chain), v.kdf.ck_next);
  tally.same("message key", c.toHex(step.message), v.kdf.mk);
  tally.same("nonce", c.toHex((await c.messageKey(step.message)).nonce), v.kdf.nonce);
}

async function paddings(c, v, tally) {
  for (const { length, padded } of v.padding) {
    const message = c.pad(new Uint8Array(length).fill(7));
    tally.same(`padding of ${length}`, message.length, padded);
    tally.same(`and back ${length}`, c.unpad(message).length, length);
  }
  await tally.refused("too long", () => c.pad(new Uint8Array(65536)));
  for (const bad of v.padding_refused) await tally.refused(bad.why, () => c.unpad(c.fromHex(bad.padded)));
}

async function conversation(c, v, tally) {
  const contact = v.x3dh[0];
  const { alice, bob, bundle, signed, oneTime } = await parties(c, contact);
  const told = v.conversation;
  const draws = {
    alice: drawn(c, [contact.ek_private, ...told.ratchet_keys.alice]),
    bob: drawn(c, told.ratchet_keys.bob),
  };
  const own = { alice, bob };
  const registration = { alice: told.alice_registration_id, bob: told.bob_registration_id };
  const peers = { alice: c.unknownPeer(bob.user), bob: c.unknownPeer(alice.user) };
  peers.alice = c.meetPeer(peers.alice, bundle.identity).peer;
  peers.alice = await c.beginWith(peers.alice, alice, bundle, draws.alice, 0);
  tally.same("with a one-time prekey", peers.alice.active.prefix[1], 1);
  const kept = await c.readPeer(JSON.parse(JSON.stringify(c.writePeer(peers.alice))));
  const anew = await c.beginWith(kept, alice, bundle, () => crypto.getRandomValues(new Uint8Array(32)), 0);
  tally.same("without one that comes again", anew.active.prefix[1], 0);
  const findKeys = async (prefix) => {
    if (prefix.signed !== contact.spk_id || prefix.oneTime !== contact.otpk_id) throw new c.Refusal("unknown_prekey");
    return { signed: signed.secret, oneTime: oneTime.secret };
  };
  // Every state goes through its record, as it does on the disk.
  const keep = async (who, peer) => {
    peers[who] = await c.readPeer(JSON.parse(JSON.stringify(c.writePeer(peer))));
  };
  const sent = [];
  for (const step of told.steps) {
    if (step.op === "send") {
      for (let lost = 0; lost < (step.after_lost ?? 0); lost += 1) {
        peers[step.by] = (await c.sealFor(peers[step.by], registration[step.by], c.utf8("lost"), 0)).peer;
      }
      const { peer, envelope } = await c.sealFor(peers[step.by], registration[step.by], c.utf8(step.text), 0);
      await keep(step.by, peer);
      sent[step.message] = envelope;
      tally.same(`type ${step.message}`, envelope.type, step.type);
      tally.same(`body ${step.message}`, c.toBase64(envelope.body), step.body_b64);
      tally.same(`payload ${step.message}`, c.writePayload(envelope), step.payload_b64);
      continue;
    }
    const envelope = changed(c.readPayload(c.writePayload(sent[step.message])), step.change);
    // What didn't begin a session is as if it had never drawn.
    if (!peers[step.by].active) draws[step.by] = drawn(c, told.ratchet_keys[step.by]);
    const open = () => c.openFrom(peers[step.by], own[step.by], envelope, findKeys, draws[step.by], 0);
    const what = `${step.by} receives ${step.message} ${step.change ?? ""}`;
    if (!step.ok) {
      await tally.refused(what, open);
      continue;
    }
    const opened = await open();
    await keep(step.by, opened.peer);
    tally.same(what, c.text(opened.opened), step.text);
    if ("one_time_used" in step) tally.same(`${what}: prekey`, opened.begun.oneTime, step.one_time_used);
  }
}

function changed(envelope, change) {
  const body = envelope.body.slice();
  if (change === "flip last bit") body[body.length - 1] ^= 1;
  if (change === "flip counter") body[(envelope.type === 1 ? 74 : 0) + 40] ^= 1;
  if (change === "as type 2") return { ...envelope, type: 2, body: body.slice(74) };
  return { ...envelope, body };
}

async function records(c, v, tally) {
  const { alice, bob } = await parties(c, v.x3dh[0]);
  const side = ({ identity, user }) => ({ identity: identity.public, user });
  const [here, there] = await Promise.all([c.safetyBetween(side(alice), side(bob)), c.safetyBetween(side(bob), side(alice))]);
  tally.same("safety number", c.digitsOf(here).replaceAll(" ", ""), v.safety_number.number);
  tally.same("safety hash", c.toHex(here.own.hash), v.safety_number.alice_hash32);
  tally.same("its other hash", c.toHex(here.peer.hash), v.safety_number.bob_hash32);
  c.checkQr(here, c.qrOf(there));
  await tally.refused("own code", () => c.checkQr(here, c.qrOf(here)));
  const key = await globalThis.crypto.subtle.importKey("raw", c.fromHex(v.store.key), "AES-GCM", false, ["encrypt", "decrypt"]);
  const blob = await c.sealRecord(key, v.store.name, c.fromHex(v.store.data), c.fromHex(v.store.nonce));
  tally.same("record", c.toHex(blob), v.store.blob);
  tally.same("record opened", c.toHex(await c.openRecord(key, v.store.name, blob)), v.store.data);
  await tally.refused("record of another name", () => c.openRecord(key, "other", blob));
  const { call } = v;
  const secret = c.fromHex(call.secret);
  const both = await c.callKeys(call.call_id, secret);
  tally.same("caller's key", c.toHex(both.caller), call.caller_key);
  tally.same("callee's key", c.toHex(both.callee), call.callee_key);
  const caller = await globalThis.crypto.subtle.importKey("raw", both.caller, "AES-GCM", false, ["encrypt"]);
  const sealed = await c.sealCall(caller, call.counter, call.action, c.fromHex(call.data));
  tally.same("call message", c.toHex(sealed), call.sealed);
  const callee = await c.CallChannel.of("callee", call.call_id, secret);
  tally.same("call message opened", c.toHex(c.utf8(await callee.open(call.action, c.toBase64(sealed)))), call.data);
  await tally.refused("call message repeated", () => callee.open(call.action, c.toBase64(sealed)));
  await tally.refused("description in clear", () => callee.open("answer", "v=0"));
}

async function recoveryCodes(c, v, tally) {
  for (const { code, text } of v.codes) {
    tally.same("recovery code", await c.writeCode(c.fromHex(code)), text);
    tally.same(`${text} read`, c.toHex(await c.readCode(text)), code);
  }
  for (const text of v.same_code.texts) tally.same(text, c.toHex(await c.readCode(text)), v.same_code.code);
  for (const { why, text } of v.codes_refused) await tally.refused(`recovery code: ${why}`, () => c.readCode(text));
  const seed = await c.seedOf(c.fromHex("000102030405060708090a0b0c0d0e0f"));
  tally.same("seed of a code", c.toHex(seed), SEED);
}

if (globalThis.process?.argv[1]?.endsWith("vectors.mjs")) {
  const { readFile } = await import("node:fs/promises");
  const here = (path) => new URL(path, import.meta.url);
  const vectors = JSON.parse(await readFile(here("../vectors/e2ee.json"), "utf8"));
  const backups = JSON.parse(await readFile(here("../vectors/backup.json"), "utf8"));
  const { passed, failed } = await checkVectors(vectors, backups, here("../../src/web/assets/crypto/").href);
  for (const failure of failed) console.log(`FAILED ${failure}`);
  console.log(`${passed} passed, ${failed.length} failed`);
  process.exit(failed.length ? 1 : 0);
}
