"""The web client where things go wrong: sockets that die, daemons that restart, tabs that close."""

import contextlib
import json
import pathlib
import signal
import subprocess
import time

from appliance import Appliance, stop, wait_until
from browser import Driver
from browser_client import Client
from cutting import Cutting
from report import check, expect, run

COUNT = 60
AT_ONCE = 4  # seconds; a busy machine is slow, an attempt that is waited for takes five and more


def checks(binary):
    with contextlib.ExitStack() as started:
        appliance = started.enter_context(Restarting(binary))
        driver = started.enter_context(Driver())
        anna = started.enter_context(Client(driver, appliance.origin))
        boris = started.enter_context(Client(driver, appliance.origin))
        anna.join("anna")
        code = boris.join("boris")
        anna.online()
        boris.online()
        to_boris, to_anna = anna.add("boris"), boris.add("anna")
        restarts(appliance, anna, boris, to_boris, to_anna)
        reloads(anna, boris, to_boris, to_anna)
        offline(anna, boris, to_boris, to_anna)
        tabs(anna, boris, to_boris, to_anna)
        identities(anna, boris, to_boris, to_anna)
        restored(appliance, anna, boris, to_boris, to_anna)
        replaced(appliance, anna, driver)
        wrong_clock(driver, appliance)
        recovered(driver, appliance, anna, boris, to_boris, code)
        deleted(anna)
        evicted(driver, appliance)
        kept_code(driver, appliance)
        crowded(driver, appliance)
        sleeps(driver, binary)
        shut(driver, appliance)


class Restarting(Appliance):
    """The daemon on a port that stays, so that pages find it again."""

    def __init__(self, binary, *settings):
        self._settings = ('registration.mode="open"', *settings)
        super().__init__(binary, *self._settings)
        self.binary = binary

    def kill(self):
        """As a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def again(self):
        ready, log = pathlib.Path(self._folder.name) / "ready.json", self._log
        ready.unlink(missing_ok=True)
        listen = f'server.listen=["127.0.0.1:{self.http_port}"]'
        command = [self.binary, "serve", "--data", self.state, "--ready-file", ready]
        for setting in (listen, 'turn.listen=["127.0.0.1:0"]', *self._settings):
            command += ["--set", setting]
        with open(log, "a") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_until(ready.exists, 30, "the daemon is ready again", self.process)


def restarts(appliance, anna, boris, to_boris, to_anna):
    with check("browser: the daemon dies and comes back: nothing is lost, doubled or out of order"):
        for client, peer, name in ((anna, to_boris, "a"), (boris, to_anna, "b")):
            client.do(
                "window.sending = (async () => { for (let n = 0; n < a[1]; n += 1) {"
                "  await model.send(a[0], `${a[2]}${n}`); await new Promise((resolve) => setTimeout(resolve, 60)); } })()",
                peer,
                COUNT,
                name,
            )
        for _ in range(2):
            anna.do("await new Promise((resolve) => setTimeout(resolve, 1200))")
            appliance.kill()
            anna.do("await new Promise((resolve) => setTimeout(resolve, 400))")
            appliance.again()
        for client, peer, name in ((anna, to_boris, "b"), (boris, to_anna, "a")):
            client.wait_for_text(peer, f"{name}{COUNT - 1}")
            wanted = [f"{name}{number}" for number in range(COUNT)]
            expect(client.texts(peer) == wanted, client.texts(peer))
        for client, peer, name in ((anna, to_boris, "a"), (boris, to_anna, "b")):
            client.wait_for_state(peer, f"{name}{COUNT - 1}", "delivered")


def reloads(anna, boris, to_boris, to_anna):
    with check("browser: a page that is left in the middle loses and doubles nothing"):
        for number in range(30):
            anna.do("model.send(a[0], a[1])", to_boris, f"r{number}")
            if number % 10 == 5:
                boris.reload()
            if number % 10 == 9:
                anna.do("await model.send(a[0], a[1])", to_boris, f"s{number}")
                anna.reload()
        boris.wait_for_text(to_anna, "s29")
        heard = [text for text in boris.texts(to_anna) if text[0] in "rs"]
        expect(len(heard) == len(set(heard)), heard)
        expect({"s9", "s19", "s29"} <= set(heard), heard)
        expect(not unreadable(boris, to_anna) and not unreadable(anna, to_boris), "placeholders")


def offline(anna, boris, to_boris, to_anna):
    with check("browser: what is written offline goes when the network is back"):
        network(boris, offline=True)
        boris.do("await until('no socket', ({ link }) => link === 'offline' || link === 'connecting')")
        boris.send(to_anna, "from the tunnel")
        anna.send(to_boris, "into the tunnel")
        expect(boris.state()["conversations"][0]["last"]["state"] == "waiting", "not waiting")
        network(boris, offline=False)
        anna.wait_for_text(to_boris, "from the tunnel")
        boris.wait_for_text(to_anna, "into the tunnel")


def tabs(anna, boris, to_boris, to_anna):
    with check("browser: a second tab shows the same, and writes through the first"):
        first, second = boris.second_tab()
        boris.do("await until('the first tab', ({ tookOver, phase }) => tookOver && phase === 'ready')")
        boris.send(to_anna, "from the second tab")
        anna.wait_for_text(to_boris, "from the second tab")
        anna.send(to_boris, "to both")
        boris.wait_for_text(to_anna, "to both")
    with check("browser: the tab with the socket closes, and the other goes on"):
        boris.browser.close_tab(first, second)
        boris.send(to_anna, "from the tab that is left")
        anna.wait_for_text(to_boris, "from the tab that is left")
        boris.do("await until('its own socket', ({ tookOver, link }) => !tookOver && link === 'online')")


def identities(anna, boris, to_boris, to_anna):
    with check("browser: both sides see one safety number, and a scanned one verifies"):
        mine, theirs = (
            client.do("return model.safetyNumber(a[0])", peer) for client, peer in ((anna, to_boris), (boris, to_anna))
        )
        expect(mine["digits"] == theirs["digits"] and len(mine["digits"].split()) == 12, mine)
        anna.do("await model.verify(a[0], a[1])", to_boris, theirs["qr"])
        expect(anna.state()["conversations"][0]["identity"] == "verified", "not verified")
        for wrong, code in ((mine["qr"], "safety_number_differs"), ("privcomm:sn1:AA", "not_a_safety_number")):
            said = anna.do("return model.verify(a[0], a[1]).then(() => 'verified', ({ code }) => code)", to_boris, wrong)
            expect(said == code, said)


def replaced(appliance, anna, driver):
    with check("browser: a changed identity holds messages back until it is accepted"), Client(driver, appliance.origin) as dora:
        dora.join("dora")
        dora.online()
        to_dora, to_anna = anna.add("dora"), anna.me()
        anna.send(to_dora, "Before.")
        dora.wait_for_text(to_anna, "Before.")
        dora.do("await model.allow(a[0])", to_anna)
        words = [appliance.binary, "invite", "create", "--recover", "dora", "--json"]
        socket = appliance.state / "admin.sock"
        code = json.loads(subprocess.run([*words, "--socket", socket], check=True, capture_output=True).stdout)["code"]
        with Client(driver, appliance.origin) as anew:
            anew.join("dora", code)
            anew.online()
            expect(anew.me() == to_dora, "another account")
            dora.do("await until('gone', ({ phase, gone }) => phase === 'gone')")
            anna.do("await until('changed', ({ conversations }) => conversations.find(({ id }) => id === a[0]).identity === 'changed')", to_dora)
            anna.send(to_dora, "Is it you?")
            anna.wait_for_state(to_dora, "Is it you?", "held")
            anna.do("await model.acceptIdentity(a[0])", to_dora)
            anew.wait_for_text(to_anna, "Is it you?")
            anna.wait_for_state(to_dora, "Is it you?", "sent")


def restored(appliance, anna, boris, to_boris, to_anna):
    with check("browser: what a server forgot that was put back to a backup is sent again"):
        socket = ["--json", "--socket", appliance.state / "admin.sock"]
        made = subprocess.run([appliance.binary, "backup", "create", *socket], check=True, capture_output=True)
        backup = json.loads(made.stdout)["path"]
        boris.leave()
        anna.send(to_boris, "after the backup")
        anna.wait_for_state(to_boris, "after the backup", "sent")
        appliance.kill()
        put_back = [appliance.binary, "restore", backup, "--data", appliance.state, "--yes", "--json"]
        subprocess.run(put_back, check=True, capture_output=True)
        appliance.again()
        boris.begin()
        boris.wait_for_text(to_anna, "after the backup")
        anna.wait_for_state(to_boris, "after the backup", "delivered")
        boris.send(to_anna, "after the restore")
        anna.wait_for_text(to_boris, "after the restore")


def wrong_clock(driver, appliance):
    with check("browser: a clock that is wrong is noticed"), Client(driver, appliance.origin) as carla:
        carla.leave()
        carla.do("const now = Date.now; Date.now = () => now.call(Date) - 7200000")
        carla.begin()
        carla.join("late")
        carla.do("await until('a wrong clock', ({ link }) => link === 'clock_wrong')")


def recovered(driver, appliance, anna, boris, to_boris, code):
    with check("browser: an account comes back by its recovery code, with the same safety number"):
        before = anna.do("return model.safetyNumber(a[0])", to_boris)["digits"]
        with Client(driver, appliance.origin) as again:
            wrong = again.do("return model.recover('boris', a[0], null).catch(({ code }) => code)", code[:-1] + "?")
            expect(wrong == "bad_recovery_code", wrong)
            again.do("await model.recover('boris', a[0].toLowerCase(), null)", code)
            again.online()
            expect(again.me() == to_boris, "another account")
            elsewhere(boris, again)
            to_anna = anna.me()
            again.do("await until('contacts', ({ conversations }) => conversations.some(({ id }) => id === a[0]))", to_anna)
            # What Anna has is a session with what is gone: a placeholder, and a new one by itself.
            anna.send(to_boris, "Are you back?")
            again.do("await until('a placeholder', async () => (await model.messages(a[0], { limit: 9 })).some(({ kind }) => kind === 'unreadable'))", to_anna)
            anna.do("await until('a reset', async () => (await model.messages(a[0], { limit: 9 })).some(({ kind }) => kind === 'session_reset'))", to_boris)
            anna.send(to_boris, "Now?")
            again.wait_for_text(to_anna, "Now?")
            again.send(to_anna, "Now.")
            anna.wait_for_text(to_boris, "Now.")
            expect(anna.do("return model.safetyNumber(a[0])", to_boris)["digits"] == before, "another number")
            expect(anna.state()["conversations"][0]["identity"] == "verified", "not verified any more")


def elsewhere(old, new):
    with check("browser: one account on two devices: the one that was first says so, and leaves the other alone"):
        gone_elsewhere(old)
        old.do("dispatchEvent(new Event('online')); document.dispatchEvent(new Event('resume')); await new Promise((later) => setTimeout(later, 2500))")
        gone_elsewhere(old)
        new.online()
    with check("browser: the one takes over when it is told to, and then the other"):
        old.do("await model.takeOver()")
        old.online()
        gone_elsewhere(new)
        new.do("await model.takeOver()")
        new.online()
        gone_elsewhere(old)
        old.__exit__()


def gone_elsewhere(client):
    client.do("await until('another device', ({ link, phase }) => link === 'elsewhere' && phase === 'ready')")


def deleted(anna):
    with check("browser: a deleted account leaves nothing behind"):
        anna.do("await model.deleteAccount()")
        state = anna.state()
        expect((state["phase"], state["gone"]) == ("gone", "deleted"), state)
        left = anna.do("return (await indexedDB.databases()).length + document.cookie.length")
        expect(left == 0, left)


def evicted(driver, appliance):
    with check("browser: who lost the store is told so, and begins anew"), Client(driver, appliance.origin) as carla:
        carla.join("carla")
        carla.online()
        carla.browser.open("about:blank")
        carla.browser.command(
            "Storage.clearDataForOrigin", {"origin": appliance.origin, "storageTypes": "indexeddb,local_storage"}
        )
        carla.reload()
        expect((carla.state()["phase"], carla.state()["gone"]) == ("gone", "evicted"), carla.state())
        carla.do("await model.startAgain(); await until('a welcome', ({ phase }) => phase === 'welcome')")


def kept_code(driver, appliance):
    with check("browser: a recovery code is kept until it was saved, and not a moment longer"), Client(driver, appliance.origin) as hanna:
        code = hanna.join("hanna")
        hanna.reload()
        expect(hanna.state()["me"]["keepsCode"] and hanna.do("return model.recoveryCode()") == code, "not kept")
        hanna.do("await model.recoveryWasSaved(); await until('saved', ({ me }) => me.recoverySaved && !me.keepsCode)")
        expect(hanna.do("return model.recoveryCode()") is None, "still there")
        hanna.reload()
        expect(hanna.state()["me"]["recoverySaved"] and not hanna.state()["me"]["keepsCode"], hanna.state()["me"])
        expect(hanna.do("return model.recoveryCode()") is None, "back again")


def crowded(driver, appliance):
    # Strangers as they are kept, written by the client's own store.
    fill = (
        "const { Store } = await import('/app/store/store.js');"
        "const { newConversation } = await import('/app/messenger/conversation.js');"
        "const store = await Store.open(); const batch = store.batch();"
        "for (let n = 0; n < a[0]; n += 1) { const peer = crypto.randomUUID();"
        "  batch.record(`conversation/${peer}`, { ...newConversation(peer, n + 1), hidden: a[1] }); }"
        "await batch.commit(); store.close();"
    )
    with contextlib.ExitStack() as started:
        ida, jan, karl = (started.enter_context(Client(driver, appliance.origin)) for _ in range(3))
        for client, name in ((ida, "ida"), (jan, "jan"), (karl, "karl")):
            client.join(name)
            client.online()
        with check("browser: a hundred requests may be open; what more strangers write isn't kept, and that is told"):
            ida.leave()
            ida.do(fill, 99, False)
            ida.do(fill, 150, True)
            ida.begin()
            ida.online()
            to_ida = jan.add("ida")
            jan.send(to_ida, "the hundredth")
            ida.wait_for_text(jan.me(), "the hundredth")
            karl.add("ida")
            karl.send(to_ida, "one too many")
            ida.do("await until('one kept out', ({ keptOut }) => keptOut === 1)")
            expect(len(ida.state()["conversations"]) == 100, "kept")
            jan.send(to_ida, "again")
            ida.wait_for_text(jan.me(), "again")
            kept = (
                "const { Store } = await import('/app/store/store.js'); const store = await Store.open();"
                "await until('the oldest that were removed are forgotten',"
                "  async () => (await store.readAll('conversation/')).length === 200); store.close()"
            )
            ida.do(kept)
            ida.reload()
            expect(ida.state()["keptOut"] == 1, ida.state()["keptOut"])
        with check("browser: who decides about a request makes room for another"):
            ida.do("await model.block(a[0])", jan.me())
            karl.send(to_ida, "once more")
            ida.wait_for_text(karl.me(), "once more")
            expect(ida.state()["keptOut"] == 0, ida.state()["keptOut"])


def sleeps(driver, binary):
    # As a device does that sleeps: timers stand, the monotonic clock stands, the wall clock doesn't;
    # the socket is half dead, the token over, and whoever woke wants to read what came meanwhile.
    hour = "const now = Date.now; window.asleep = 3600000; Date.now = () => now.call(Date) - asleep;"
    with contextlib.ExitStack() as started:
        way = started.enter_context(Cutting(1))
        appliance = started.enter_context(Restarting(binary, f'server.public_url="{way.origin}"'))
        way.leads_to(appliance.http_port)
        frida = started.enter_context(Client(driver, way.origin))
        emil = started.enter_context(Client(driver, way.origin))
        emil.join("emil")
        emil.online()
        frida.join("frida")
        frida.reload_with(hour)
        frida.do("await until('the clock before', ({ link }) => link === 'clock_wrong')")
        to_frida, to_emil = emil.add("frida"), frida.add("emil")
        emil.send(to_frida, "good night")
        frida.wait_for_text(to_emil, "good night")
        for way_of_sleeping in ("with a socket that is half dead", "in the middle of connecting", "while the daemon began anew"):
            with check(f"browser: a tab that slept for an hour {way_of_sleeping} is back at once, and nothing is lost or doubled"):
                frida.do("asleep = 3600000")
                frida.do("await until('a socket', ({ link }) => link === 'clock_wrong' || link === 'online')")
                tokens = "return performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/auth/token')).length"
                before = frida.do(tokens)
                if way_of_sleeping == "in the middle of connecting":
                    way.leads_to(None)
                    frida.cut()
                    frida.do("await until('no socket', ({ link }) => link === 'connecting'); await new Promise((later) => setTimeout(later, 1500))")
                if way_of_sleeping == "with a socket that is half dead":
                    way.freeze()
                frida.browser.command("Page.setWebLifecycleState", {"state": "frozen"})
                number = [text for text in emil.texts(to_frida, mine=True) if text.startswith("night")]
                for count in range(len(number), len(number) + 4):
                    emil.send(to_frida, f"night {count}")
                    emil.wait_for_state(to_frida, f"night {count}", "sent")
                if way_of_sleeping == "while the daemon began anew":
                    appliance.kill()
                    appliance.again()
                way.leads_to(appliance.http_port)
                frida.browser.command("Page.setWebLifecycleState", {"state": "active"})
                begun = time.monotonic()
                # Chromium tells pages that were really frozen; the driver's stays visible.
                frida.do("asleep = 0; document.dispatchEvent(new Event('resume')); document.dispatchEvent(new Event('visibilitychange'))")
                frida.do("await until('online', ({ link }) => link === 'online')")
                took = time.monotonic() - begun
                last = f"night {len(number) + 3}"
                frida.wait_for_text(to_emil, last)
                expect(took < AT_ONCE, f"after {took:.1f} s")
                expect(frida.do(tokens) > before, "with a token that was over")
                came = [text for text in frida.texts(to_emil) if text.startswith("night")]
                expect(came == [f"night {count}" for count in range(len(number) + 4)], came)
                emil.wait_for_state(to_frida, last, "delivered")
                frida.send(to_emil, f"morning, {way_of_sleeping}")
                emil.wait_for_text(to_frida, f"morning, {way_of_sleeping}")


def shut(driver, appliance):
    socket = ["--socket", appliance.state / "admin.sock"]
    with Client(driver, appliance.origin) as gerd:
        code = gerd.join("gerd")
        gerd.online()
        with check("browser: who is suspended is told so, still reads, and is back when it is over"):
            subprocess.run([appliance.binary, "user", "suspend", "gerd", *socket], check=True, capture_output=True)
            gerd.do("await until('suspended', ({ phase, link, me }) => phase === 'ready' && link === 'online' && me.suspended)")
            gerd.reload()
            gerd.do("await until('suspended', ({ me }) => me?.suspended)")
            subprocess.run([appliance.binary, "user", "resume", "gerd", *socket], check=True, capture_output=True)
            gerd.do("await until('resumed', ({ me, link }) => link === 'online' && !me.suspended)")
        with check("browser: whose account was deleted elsewhere is told so, keeps a copy, and begins anew"):
            subprocess.run([appliance.binary, "user", "delete", "gerd", "--yes", *socket], check=True, capture_output=True)
            gerd.do("await until('removed', ({ phase, gone }) => phase === 'gone' && gone === 'removed')")
            copied = json.loads(gerd.do("return (await model.exportData()).text()"))
            expect(copied["account"]["handle"] == "gerd", copied)
            gerd.do("await model.startAgain(); await until('a welcome', ({ phase }) => phase === 'welcome')")
            gerd.reload()
            expect(gerd.state()["phase"] == "welcome", gerd.state())
            expect(gerd.join("gerd") != code, "the same keys")
            gerd.online()


def network(client, offline):
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    client.browser.command("Network.enable", {})
    client.browser.command("Network.emulateNetworkConditions", conditions)
    if offline:
        # The emulation leaves sockets that stand alone.
        client.cut()


def unreadable(client, peer):
    return client.do(
        "return (await model.messages(a[0], { limit: 1000 })).filter(({ kind }) => kind === 'unreadable').length", peer
    )


if __name__ == "__main__":
    run(checks)
