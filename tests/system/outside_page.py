"""The page /test in Chromium: every state it has, and what it proves by the daemon's relay."""

import base64
import contextlib
import json
import os
import pathlib
import subprocess

from appliance import Appliance
from browser import Browser, Driver
from report import check, expect, run

# Where pictures of every state are left, if somebody wants to look at them.
PICTURES = os.environ.get("PRIVCOMM_PICTURES")
PHONE = {"CF-Connecting-IP": "198.51.100.7"}  # as the tunnel would name it
DONE = "return new Promise((done) => { const look = () => ['done', 'refused'].includes(document.body.dataset.state) ? done(document.body.dataset.state) : setTimeout(look, 100); look(); })"


def checks(binary):
    with contextlib.ExitStack() as started:
        appliance = started.enter_context(Appliance(binary))
        without = started.enter_context(Appliance(binary, "turn.enabled=false"))
        driver = started.enter_context(Driver())
        page = started.enter_context(Browser(driver, f"{appliance.origin}/test"))
        no_code(page)
        forged(page, appliance)
        proof(binary, page, appliance)
        without_relay(binary, page, without)


def no_code(page):
    with check("outside_page: without a code it says where codes come from"):
        expect(state(page) == "none", state(page))
        expect("doctor --outside" in text(page), text(page))
        picture(page, "none")


def forged(page, appliance):
    with check("outside_page: a code that isn't good is refused"):
        go(page, f"{appliance.origin}/test#0000-0000-0000")
        expect(state(page) == "ready", state(page))
        picture(page, "ready")
        start(page)
        expect(page.run(DONE) == "refused", text(page))
        expect("used already" in text(page), text(page))
        picture(page, "refused")


def proof(binary, page, appliance):
    with check("outside_page: pages, socket and relay are proven in one go"):
        link = made(binary, appliance)
        page.command("Network.enable", {})
        page.command("Network.setExtraHTTPHeaders", {"headers": PHONE})
        go(page, link)
        start(page)
        picture(page, "running")
        expect(page.run(DONE) == "done", text(page))
        marks = page.run(
            "return Object.fromEntries([...document.querySelectorAll('[data-reach]')]"
            ".map((row) => [row.dataset.reach, row.dataset.mark]))"
        )
        wanted = {"http": "ok", "socket": "ok", "udp": "ok", "tcp": "ok", "tls": "off"}
        expect(marks == wanted, f"{marks}: {text(page)}")
        expect("Everything works from here." in text(page), text(page))
        picture(page, "done")

    with check("outside_page: the operator is shown what was reached"):
        seen = asked(binary, appliance, "status")["seen_outside"]
        reached = {reach for reach, at in seen.items() if at}
        expect(reached == {"http", "socket", "udp", "tcp"}, seen)

    with check("outside_page: the same link is refused the second time"):
        go(page, link)
        start(page)
        expect(page.run(DONE) == "refused", text(page))

    with check("outside_page: a relay that can't be reached is named"):
        go(page, made(binary, appliance))
        # What a firewall before the relay does: its address leads nowhere.
        page.run(
            "const real = window.RTCPeerConnection;"
            "window.RTCPeerConnection = function ({ iceServers, ...rest }) {"
            "  const [{ urls, ...server }] = iceServers;"
            "  const nowhere = urls.map((url) => url.replace(/:\\d+\\?/, ':9?'));"
            "  return new real({ ...rest, iceServers: [{ ...server, urls: nowhere }] });"
            "}"
        )
        start(page)
        expect(page.run(DONE) == "done", text(page))
        expect("Calls don't get through." in text(page), text(page))
        expect("the relay doesn't answer" in text(page), text(page))
        picture(page, "failed")

    with check("outside_page: nothing is wider than a small phone"):
        for width in (320, 360):
            size(page, width)
            wide = page.run("return document.documentElement.scrollWidth")
            expect(wide <= width, f"{wide} at {width}")


def without_relay(binary, page, appliance):
    with check("outside_page: from inside, and without a relay, it says so"):
        page.command("Network.setExtraHTTPHeaders", {"headers": {}})
        go(page, made(binary, appliance))
        start(page)
        expect(page.run(DONE) == "done", text(page))
        expect("Calls are switched off." in text(page), text(page))
        picture(page, "switched-off")


def made(binary, appliance):
    return asked(binary, appliance, "doctor", "--outside")["link"]


def asked(binary, appliance, *command):
    socket = appliance.state / "admin.sock"
    words = [binary, *command, "--json", "--socket", socket]
    return json.loads(subprocess.run(words, check=True, capture_output=True).stdout)


def go(page, url):
    # A change behind the # alone loads nothing anew.
    page.open("about:blank")
    page.open(url)


def start(page):
    page.run("document.getElementById('start').click()")


def state(page):
    return page.run("return document.body.dataset.state")


def text(page):
    return page.run("return document.body.innerText")


def size(page, width, height=800):
    wanted = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    page.command("Emulation.setDeviceMetricsOverride", wanted)


def picture(page, name):
    if not PICTURES:
        return
    for width in (360, 1024):
        for scheme in ("light", "dark"):
            size(page, width)
            feature = {"name": "prefers-color-scheme", "value": scheme}
            page.command("Emulation.setEmulatedMedia", {"features": [feature]})
            data = page.command("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
            file = pathlib.Path(PICTURES) / f"{name}-{width}-{scheme}.png"
            file.write_bytes(base64.b64decode(data))


if __name__ == "__main__":
    run(checks)
