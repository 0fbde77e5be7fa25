"""Chromium, driven by the plain WebDriver protocol."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.request

from appliance import stop, wait_until

START = 60  # seconds
SCRIPT = 60  # seconds that a script in a page may take

FLAGS = [
    "--headless",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    # A microphone that beeps, and nobody who must allow its use.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # The relay is on loopback, which WebRTC passes over by itself.
    "--allow-loopback-in-peer-connection",
]


class Driver:
    """chromedriver, on a port of its choice."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._said = pathlib.Path(self._folder.name) / "said"
        with open(self._said, "w") as said:
            self.process = subprocess.Popen(
                ["chromedriver", "--port=0", "--allowed-ips=127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": self._folder.name},
            )

    def __enter__(self):
        try:
            wait_until(self._port, START, "chromedriver listens", self.process)
        except BaseException:
            self.__exit__()
            raise
        self.address = f"http://127.0.0.1:{self._port()}"
        return self

    def __exit__(self, *_):
        stop(self.process)
        self._folder.cleanup()

    def _port(self):
        words = self._said.read_text().split("started successfully on port ")
        return words[1].split(".")[0] if len(words) > 1 else None


class Browser:
    """One browser with a profile of its own and one page."""

    def __init__(self, driver, page):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = {"args": [*FLAGS, f"--user-data-dir={self._profile.name}"]}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        session = _ask("POST", f"{driver.address}/session", {"capabilities": wanted})
        self._session = f"{driver.address}/session/{session['sessionId']}"
        self._do("POST", "/timeouts", {"script": SCRIPT * 1000})
        self._do("POST", "/url", {"url": page})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A driver that is gone took the browser with it.
        with contextlib.suppress(OSError, RuntimeError):
            self._do("DELETE", "")
        self._profile.cleanup()

    def run(self, script, *arguments):
        """What `script` returns in the page; a promise is awaited."""
        return self._do("POST", "/execute/sync", {"script": script, "args": arguments})

    def open(self, page):
        """Goes to another page."""
        self._do("POST", "/url", {"url": page})

    def new_tab(self, page):
        """Opens another tab and goes to it; the two, as `(before, now)`."""
        before = self._do("GET", "/window")
        now = self._do("POST", "/window/new", {"type": "tab"})["handle"]
        self.to_tab(now)
        self.open(page)
        return before, now

    def to_tab(self, tab):
        """From now on that tab is meant."""
        self._do("POST", "/window", {"handle": tab})

    def close_tab(self, tab, then):
        """Closes one tab and goes to another."""
        self.to_tab(tab)
        self._do("DELETE", "/window")
        self.to_tab(then)

    def command(self, name, parameters):
        """What a command of the DevTools protocol answers."""
        body = {"cmd": name, "params": parameters}
        return self._do("POST", "/goog/cdp/execute", body)

    def _do(self, method, path, body=None):
        return _ask(method, self._session + path, body)


# Loopback is reached directly, whatever proxy the environment names.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _ask(method, url, body):
    data = None if body is None else json.dumps(body).encode()
    ask = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with _direct.open(ask, timeout=SCRIPT + 30) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        with error:
            said = json.load(error)["value"]
        raise RuntimeError(f"{said['error']}: {said['message'].splitlines()[0]}") from None
