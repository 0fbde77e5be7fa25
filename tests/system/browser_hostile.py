"""The web client against others that mean it ill: members, and the server between them."""

import contextlib
import json
import subprocess

from appliance import Appliance
from browser import Driver
from browser_client import Client
from report import check, expect, run

# The rooms of calls with everything around them played: the server says what a test has it say.
PLAYED = """
const { Calls } = await import('/app/messenger/calls.js');
const peer = crypto.randomUUID();
const kept = { standing: 'allowed', identity: 'unverified' };
const api = { asMember: async () => ({ ice_servers: [] }) };
const line = { state: 'open', send: () => true };
const people = { get: () => kept, change: async () => {} };
const sdp = 'v=0\\r\\na=fingerprint:sha-256 AA\\r\\n';
const secret = new Uint8Array(32);
const inbox = { openOffer: async (_, id) => ({ says: { kind: 'call', callId: id, secret, sdp } }) };
const outbox = { sealOnce: async () => 'sealed' };
const calls = new Calls({ api, line, people }, inbox, outbox);
const offered = async () => {
  const id = crypto.randomUUID();
  await calls.take({ type: 'call_offer', call_id: id, sender_id: peer, sdp: id }).catch(() => {});
};
"""


def checks(binary):
    with contextlib.ExitStack() as started:
        appliance = started.enter_context(Appliance(binary, 'registration.mode="open"'))
        driver = started.enter_context(Driver())
        anna = started.enter_context(Client(driver, appliance.origin))
        boris = started.enter_context(Client(driver, appliance.origin))
        for client, name in ((anna, "anna"), (boris, "boris")):
            client.join(name)
            client.online()
        to_boris, to_anna = anna.add("boris"), boris.add("anna")
        taken_id(anna, boris, to_boris, to_anna)
        withdrawn_call(anna)
        deceiving_handles(anna)
        flood(driver, appliance, anna)
        own_key(driver, appliance)
        swapped_key(binary, appliance, driver, anna)


def taken_id(anna, boris, to_boris, to_anna):
    with check("browser: a message under the id of another one stops nothing"):
        anna.send(to_boris, "mine")
        boris.wait_for_text(to_anna, "mine")
        anna.leave()
        boris.do(
            "const [{ id }] = (await model.messages(a[0], { limit: 9 })).filter(({ text }) => text === 'mine');"
            "await model.remove(a[0], id); await model.send(a[0], 'in its place', id)",
            to_anna,
        )
        boris.send(to_anna, "after it")
        boris.wait_for_state(to_anna, "after it", "sent")
        anna.begin()
        anna.wait_for_text(to_boris, "after it")
        expect(anna.texts(to_boris) == ["after it"], anna.texts(to_boris))
        expect(anna.texts(to_boris, mine=True) == ["mine"], anna.texts(to_boris, mine=True))


def withdrawn_call(client):
    with check("browser: who hung up isn't put through, though both had called"):
        state = client.do(
            PLAYED + "await calls.dial(peer); calls.refused({ code: 'glare', call_id: calls.call.id });"
            "await calls.hangUp(); await offered(); return calls.call.state"
        )
        expect(state == "ringing", state)
    with check("browser: a call from somebody whose identity changed doesn't ring"):
        state = client.do(PLAYED + "kept.identity = 'changed'; await offered(); return calls.call?.state ?? null")
        expect(state is None, state)


def deceiving_handles(client):
    with check("browser: a handle holds no letters that can't be seen"):
        seen = client.do(
            "const { checkedHandle } = await import('/app/messenger/links.js');"
            "return a[0].filter((handle) => { try { checkedHandle(handle); return true; } catch { return false; } })",
            ["anna\u1160", "anna\u3164", "an\ufe0fna", "anna\u034f", "an\U000e0100na", "anna\u17b4", "zoë", "अनु"],
        )
        expect(seen == ["zoë", "अनु"], seen)


def flood(driver, appliance, anna):
    with check("browser: of somebody who isn't allowed, so much is kept and no more"):
        with Client(driver, appliance.origin) as mallory:
            mallory.join("mallory")
            mallory.online()
            to_anna = mallory.add("anna")
            mallory.do("for (let n = 0; n < 60; n += 1) await model.send(a[0], `m${n}`)", to_anna)
            mallory.wait_for_state(to_anna, "m59", "sent")
            me = mallory.me()
        anna.do(
            "await until('fifty', ({ conversations }) => conversations.find(({ id }) => id === a[0])?.unread === 50);"
            "await model.allow(a[0])",
            me,
        )
        texts = anna.texts(me)
        expect(texts == [f"m{n}" for n in range(50)], texts)


def own_key(driver, appliance):
    with check("browser: who has another key at the server is told so"), Client(driver, appliance.origin) as carla:
        carla.join("carla")
        carla.online()
        carla.leave()
        carla.do(
            "const real = fetch; window.fetch = async (url, how) => {"
            "  const answer = await real(url, how); if (!String(url).endsWith('/account')) return answer;"
            "  return Response.json({ ...await answer.json(), identity_key: btoa('7'.repeat(32)) }); };"
        )
        carla.begin()
        carla.do("await until('gone', ({ phase, gone, link }) => phase === 'gone' && gone === 'replaced')")


def swapped_key(binary, appliance, driver, anna):
    with Client(driver, appliance.origin) as dora:
        dora.join("dora")
        dora.online()
        to_dora, to_anna = anna.add("dora"), dora.add("anna")
        anna.send(to_dora, "Hello.")
        dora.wait_for_text(to_anna, "Hello.")
        compared = anna.do("return (await model.safetyNumber(a[0])).digits", to_dora)
        socket = appliance.state / "admin.sock"
        words = [binary, "invite", "create", "--recover", "dora", "--json", "--socket", socket]
        code = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["code"]
        with Client(driver, appliance.origin) as anew:
            anew.join("dora", code)
            anew.online()
            anna.do(
                "await until('changed', ({ conversations }) =>"
                " conversations.find(({ id }) => id === a[0]).identity === 'changed')",
                to_dora,
            )
            with check("browser: who keeps to the key before is written to by it"):
                anna.do("await model.keepIdentity(a[0])", to_dora)
                expect(anna.do("return (await model.safetyNumber(a[0])).digits", to_dora) == compared, "another number")
                anna.send(to_dora, "Is it still you?")
                anna.wait_for_state(to_dora, "Is it still you?", "sent")
                anew.do(
                    "await until('a placeholder', async () =>"
                    " (await model.messages(a[0], { limit: 9 })).some(({ kind }) => kind === 'unreadable'))",
                    to_anna,
                )
                expect("Is it still you?" not in anew.texts(to_anna), "the new key opened it")
                anew.add("anna")
                anew.send(to_anna, "It is me.")
                anna.do(
                    "await until('changed again', ({ conversations }) =>"
                    " conversations.find(({ id }) => id === a[0]).identity === 'changed')",
                    to_dora,
                )
            with check("browser: a key that came while digits were compared isn't marked by them"):
                said = anna.do("return model.verify(a[0], a[1]).then(() => 'verified', ({ code }) => code)", to_dora, compared)
                expect(said == "safety_number_differs", said)
            with check("browser: digits that were compared verify the key that they are made of"):
                digits = anna.do("return (await model.safetyNumber(a[0])).digits", to_dora)
                expect(digits != compared, "one number for two keys")
                anna.do("await model.verify(a[0], a[1])", to_dora, digits)
                expect(anna.do("return (await model.safetyNumber(a[0])).verified", to_dora), "not verified")


if __name__ == "__main__":
    run(checks)
