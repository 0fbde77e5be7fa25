"""Two Chromiums call each other, each in a dialect of its own, with media over the daemon's relay."""

import contextlib

from appliance import Appliance
from browser import Browser, Driver
from report import check, expect, run
from webrtc_call import client_pages

DIALECTS = ["privcomm.v1", "mvchat.v1"]
# One after the other, while the relay still holds what the ones before have left.
RESTARTS = [("the first", "caller"), ("the second", "callee"), ("the third", "caller")]


def checks(binary):
    with contextlib.ExitStack() as started:
        pages = started.enter_context(client_pages())
        allowed = f'server.cors_origins=["{pages}"]'
        appliance = started.enter_context(Appliance(binary, allowed))
        driver = started.enter_context(Driver())
        browsers = {
            dialect: started.enter_context(Browser(driver, f"{pages}/caller.html"))
            for dialect in DIALECTS
        }
        users = join(appliance, browsers)
        for caller, callee in (DIALECTS, DIALECTS[::-1]):
            call = Call(f"dialect_call: {caller} to {callee}", browsers[caller], browsers[callee])
            call.connects(users[callee])
            call.is_heard()
            for restart in RESTARTS:
                call.goes_on_after(*restart)
            call.ends()


def join(appliance, browsers):
    """The user ids by dialect; both allow each other to call."""
    users = {}
    with check("dialect_call: a browser connects in each dialect"):
        for dialect, browser in browsers.items():
            browser.run("window.caller = new Caller(...arguments)", appliance.origin, dialect)
            users[dialect] = browser.run("return caller.join()")
        for browser, peer in zip(browsers.values(), reversed(users.values())):
            browser.run("return caller.allow(arguments[0])", peer)
    return users


class Call:
    """One call, from its ring to its end."""

    def __init__(self, name, caller, callee):
        self._name = name
        self.parties = {"caller": caller, "callee": callee}

    def connects(self, callee):
        with check(f"{self._name}: a relay-only call connects"):
            self.parties["caller"].run("return caller.call(arguments[0])", callee)
            self._is_relayed("return caller.connected()")

    def is_heard(self):
        for name, browser in self.parties.items():
            with check(f"{self._name}: audio reaches the {name}, and isn't silence"):
                self._hears(browser)

    def goes_on_after(self, which, name):
        with check(f"{self._name}: {which} ICE restart, by the {name}, finds new ways"):
            before = self._all("return caller.fragments()")
            names = sorted({fragment for pair in before for fragment in pair})
            expect(len(names) == 2, f"the two don't agree on the way: {before}")
            self.parties[name].run("return caller.restart()")
            self._is_relayed("return caller.restarted(arguments[0])", names)
        with check(f"{self._name}: media go on after {which} restart"):
            for browser in self.parties.values():
                self._hears(browser)
            for speaker, listener in (("caller", "callee"), ("callee", "caller")):
                said = f"{self._name}, {which} restart, says the {speaker}"
                self.parties[speaker].run("caller.say(arguments[0])", said)
                self.parties[listener].run("return caller.heard(arguments[0])", said)

    def ends(self):
        with check(f"{self._name}: both are told that the callee hung up"):
            self.parties["callee"].run("caller.hangUp()")
            reasons = self._all("return caller.ended()")
            expect(reasons == ["hangup", "hangup"], reasons)

    def _hears(self, browser):
        audio = browser.run("return caller.hear()")
        expect(audio["lost"] == 0, f"lost {audio['lost']} of {audio['packets']} packets")
        browser.run("return caller.hearBeep()")

    def _is_relayed(self, script, *arguments):
        for way in self._all(script, *arguments):
            relayed = way["local"] == way["remote"] == "relay" and way["gathered"] == ["relay"]
            expect(relayed and way["signaling"] == "connected", way)

    def _all(self, script, *arguments):
        return [browser.run(script, *arguments) for browser in self.parties.values()]


if __name__ == "__main__":
    run(checks)
