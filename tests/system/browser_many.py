"""Ten thousand messages in one conversation of the web client: how long things take."""

import contextlib

from appliance import Appliance
from browser import Driver
from browser_client import Client
from report import check, expect, run

MANY = 10_000


def checks(binary):
    with contextlib.ExitStack() as started:
        appliance = started.enter_context(Appliance(binary, 'registration.mode="open"'))
        driver = started.enter_context(Driver())
        anna = started.enter_context(Client(driver, appliance.origin))
        boris = started.enter_context(Client(driver, appliance.origin))
        anna.join("anna")
        boris.join("boris")
        anna.online()
        boris.online()
        to_boris, to_anna = anna.add("boris"), boris.add("anna")
        fill(anna, to_boris)
        quick(anna, to_boris)
        boris.send(to_anna, "one more")
        with check(f"browser: among {MANY} messages one more arrives, and is the last"):
            anna.wait_for_text(to_boris, "one more")
            [last] = anna.do("return model.messages(a[0], { limit: 1 })", to_boris)
            expect(last["text"] == "one more" and last["position"] == MANY, last)
        removes(anna, to_boris)


def fill(client, peer):
    """Writes what would have come, while no model is at work."""
    client.leave()
    client.browser.run(
        """const [peer, many] = arguments; return (async () => {
        const { Store } = await import('/app/store/store.js');
        const store = await Store.open();
        const kept = await store.read(`conversation/${peer}`);
        for (let from = 0; from < many; from += 2000) {
          const batch = store.batch();
          for (let n = from; n < from + 2000; n += 1) {
            const id = crypto.randomUUID();
            const text = `message number ${n}` + (n % 1000 === 0 ? ' with a needle' : '');
            batch.message(peer, n, id, { id, mine: n % 2 === 0, at: n * 1000, timeDoubtful: false, kind: 'text', text, state: null, call: null });
          }
          await batch.commit();
        }
        const batch = store.batch();
        batch.record(`conversation/${peer}`, { ...kept, next: many });
        await batch.commit();
        store.close();
        })();""",
        peer,
        MANY,
    )
    client.reload()


def quick(client, peer):
    took = client.do(
        """const [peer, many] = a; const took = {};
        const time = async (what, work) => { const begin = performance.now(); const found = await work(); took[what] = performance.now() - begin; return found; };
        const latest = await time('first page', () => model.messages(peer, { limit: 60 }));
        if (latest.at(-1).text !== `message number ${many - 1}`) throw new Error(latest.at(-1).text);
        took.page = 0;
        for (let n = 0; n < 20; n += 1) {
          const before = Math.floor(Math.random() * (many - 60)) + 60;
          const begin = performance.now();
          const page = await model.messages(peer, { before, limit: 60 });
          took.page = Math.max(took.page, performance.now() - begin);
          if (page.length !== 60 || page.at(-1).position !== before - 1) throw new Error(`page before ${before}`);
        }
        const count = await time('count', () => model.countMessages(peer));
        if (count !== many) throw new Error(`${count}`);
        const found = await time('search', () => model.search('Needle NUMBER'));
        if (found.length !== 10 || found[0].at < found[1].at) throw new Error(`found ${found.length}`);
        await time('none', () => model.search('nowhere'));
        return took;""",
        peer,
        MANY,
    )
    # What a person waits for; the bounds are wide, because machines of tests are busy.
    for what, most in (("first page", 400), ("page", 200), ("count", 50), ("search", 8000)):
        with check(f"browser: of {MANY} messages, {what} takes {took[what]:.0f} ms"):
            expect(took[what] < most, took)


def removes(client, peer):
    with check("browser: a message that is removed is gone, and the conversation too"):
        [before, last] = client.do("return model.messages(a[0], { limit: 2 })", peer)
        client.do("await model.remove(a[0], a[1])", peer, last["id"])
        [now] = client.do("return model.messages(a[0], { limit: 1 })", peer)
        expect(now["id"] == before["id"], now)
        expect(client.do("return model.countMessages(a[0])", peer) == MANY, "another count")
        client.do("await model.removeConversation(a[0])", peer)
        expect(client.do("return model.countMessages(a[0])", peer) == 0, "messages are left")
        expect(client.state()["conversations"] == [], client.state()["conversations"])


if __name__ == "__main__":
    run(checks)
