"""Two browser profiles and a real daemon: the vectors, and messages both ways."""

import contextlib
import json
import pathlib

from appliance import Appliance
from browser import Driver
from browser_client import Client
from report import check, expect, run

HERE = pathlib.Path(__file__).parent


def checks(binary):
    with contextlib.ExitStack() as started:
        settings = ('registration.mode="open"', "presence.enabled=true", 'presence.arriving="100ms"', 'presence.leaving="100ms"')
        appliance = started.enter_context(Appliance(binary, *settings))
        driver = started.enter_context(Driver())
        anna = started.enter_context(Client(driver, appliance.origin))
        boris = started.enter_context(Client(driver, appliance.origin))
        vectors(anna)
        talk(anna, boris)
        presence(anna, boris)


def vectors(client):
    with check("browser: the published vectors are reproduced"):
        module = (HERE.parent / "web/vectors.mjs").read_text().split("\nif (globalThis.process")[0]
        known = [json.loads((HERE.parent / f"vectors/{name}.json").read_text()) for name in ("e2ee", "backup")]
        # The page's policy lets no module in that isn't served with it.
        script = module.replace("export async function", "async function")
        script += "\nreturn checkVectors(a[0], a[1], location.origin + '/app/crypto/')"
        found = client.do(script, *known)
        expect(not found["failed"], found["failed"])
        expect(found["passed"] > 170, found["passed"])


def talk(anna, boris):
    with check("browser: two profiles join, and get recovery codes"):
        codes = [anna.join("anna"), boris.join("Boris ")]
        expect(all(len(code) == 34 for code in codes) and codes[0] != codes[1], codes)
        anna.online()
        boris.online()
    with check("browser: a message reaches a stranger as a request, with the sender's handle"):
        to_boris = anna.add("boris")
        expect(to_boris == boris.me(), to_boris)
        anna.send(to_boris, "Hello, Boris.")
        to_anna = anna.me()
        boris.wait_for_text(to_anna, "Hello, Boris.")
        boris.do("await until('a handle', ({ conversations: [one] }) => one.handle === 'anna')")
        [conversation] = boris.state()["conversations"]
        expect(conversation["standing"] == "request" and conversation["unread"] == 1, conversation)
        anna.wait_for_state(to_boris, "Hello, Boris.", "sent")
    with check("browser: who is allowed is told what arrived and what was read"):
        boris.do("await model.allow(a[0])", to_anna)
        anna.wait_for_state(to_boris, "Hello, Boris.", "delivered")
        boris.do("await model.markRead(a[0])", to_anna)
        anna.wait_for_state(to_boris, "Hello, Boris.", "read")
    with check("browser: messages go both ways, in order and once"):
        for number in range(20):
            anna.send(to_boris, f"a{number}")
            boris.send(to_anna, f"b{number}")
        anna.wait_for_text(to_boris, "b19")
        boris.wait_for_text(to_anna, "a19")
        expect(anna.texts(to_boris) == [f"b{number}" for number in range(20)], anna.texts(to_boris))
        heard = boris.texts(to_anna)
        expect(heard == ["Hello, Boris."] + [f"a{number}" for number in range(20)], heard)


def presence(anna, boris):
    with check("browser: two who both want it see that the other is there, and that they left"):
        anna.do("await until('presence here', ({ server }) => server.presence); await model.change({ presence: true })")
        boris.do("await model.change({ presence: true })")
        there = "await until('there', ({ conversations: [one] }) => one.online === true)"
        anna.do(there)
        boris.do(there)
        boris.leave()
        anna.do("await until('left', ({ conversations: [one] }) => one.online === false)")
        boris.begin()
        anna.do(there)


if __name__ == "__main__":
    run(checks)
