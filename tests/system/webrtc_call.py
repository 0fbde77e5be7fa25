"""Two Chromiums call each other: signaled over the daemon's WebSocket, media over its relay."""

import contextlib
import functools
import http.server
import pathlib
import threading

from appliance import Appliance
from browser import Browser, Driver
from report import check, expect, run

HERE = pathlib.Path(__file__).parent


def checks(binary):
    with contextlib.ExitStack() as started:
        pages = started.enter_context(client_pages())
        allowed = f'server.cors_origins=["{pages}"]'
        appliance = started.enter_context(Appliance(binary, allowed))
        driver = started.enter_context(Driver())
        anna, boris = [
            started.enter_context(Browser(driver, f"{pages}/caller.html")) for _ in range(2)
        ]
        relayed_call(appliance, anna, boris)


@contextlib.contextmanager
def client_pages():
    """The client comes from an origin of its own: the daemon's pages run no scripts."""
    handler = functools.partial(QuietFiles, directory=HERE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def relayed_call(appliance, anna, boris):
    # Which of the two a browser chooses is its own affair.
    relays = [f"turn:127.0.0.1:{appliance.turn_port}?transport={way}" for way in ("udp", "tcp")]
    both = {"caller": anna, "callee": boris}

    with check("webrtc_call: two browsers register and connect"):
        for browser in both.values():
            browser.run("window.caller = new Caller(arguments[0])", appliance.origin)
        anna_id = anna.run("return caller.join()")
        boris_id = boris.run("return caller.join()")
        boris.run("return caller.allow(arguments[0])", anna_id)
        anna.run("return caller.allow(arguments[0])", boris_id)

    with check("webrtc_call: a relay-only call connects"):
        anna.run("return caller.call(arguments[0])", boris_id)
        ways = {name: browser.run("return caller.connected()") for name, browser in both.items()}
        wanted = {
            "local": "relay",
            "remote": "relay",
            "gathered": ["relay"],
            "signaling": "connected",
        }
        for name, way in ways.items():
            relay = way.pop("relay")
            expect(way == wanted and relay in relays, f"{name}: {way} by {relay}")

    with check("webrtc_call: data arrives in both directions"):
        anna.run("caller.say('Hello, Boris.')")
        boris.run("return caller.heard('Hello, Boris.')")
        boris.run("caller.say('Hello, Anna.')")
        anna.run("return caller.heard('Hello, Anna.')")

    for name, browser in both.items():
        with check(f"webrtc_call: audio reaches the {name}"):
            audio = browser.run("return caller.hear()")
            expect(audio["lost"] == 0, f"lost {audio['lost']} of {audio['packets']} packets")

    with check("webrtc_call: hanging up ends the call on both sides"):
        boris.run("caller.hangUp()")
        reasons = {name: browser.run("return caller.ended()") for name, browser in both.items()}
        expect(set(reasons.values()) == {"hangup"}, reasons)


if __name__ == "__main__":
    run(checks)
