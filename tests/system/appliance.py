"""The daemon, started and stopped."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

START = 30  # seconds; a busy machine is slow, a daemon that hangs is slower


class Appliance:
    """`privcomm serve` with an empty state directory, on ports of the system's choice."""

    def __init__(self, binary, *settings):
        self._folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self._folder.name)
        self._ready, self._log = folder / "ready.json", folder / "log"
        self.state = folder / "data"
        command = [binary, "serve", "--data", self.state, "--ready-file", self._ready]
        for setting in ('server.listen=["127.0.0.1:0"]', 'turn.listen=["127.0.0.1:0"]', *settings):
            command += ["--set", setting]
        with open(self._log, "w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self):
        try:
            wait_until(self._ready.exists, START, "the daemon is ready", self.process)
        except BaseException:
            print(self._log.read_text(), file=sys.stderr)
            self.__exit__()
            raise
        ready = json.loads(self._ready.read_text())
        self.http_port = _port(ready["http"][0])
        names = {"UDP": "turn", "TCP": "turn_tcp", "TLS": "turn_tls"}
        self._turn = {transport: ready[name] for transport, name in names.items()}
        self.turn_port = self.turn("UDP", "127.0.0.1")
        self.origin = f"http://127.0.0.1:{self.http_port}"
        return self

    def __exit__(self, *_):
        stop(self.process)
        self._folder.cleanup()

    def turn(self, transport, host):
        """The port of the relay on `host` over "UDP", "TCP" or "TLS"; none where it isn't there."""
        here = f"[{host}]" if ":" in host else host
        places = self._turn[transport]
        ports = (_port(place) for place in places if place.rpartition(":")[0] == here)
        return next(ports, None)

    def resident(self):
        """Its resident memory, in bytes."""
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def stop(process):
    """Ends a process that we started, kindly if it lets us."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def wait_until(happened, patience, what, process):
    """Waits until `happened()`, for `patience` seconds, as long as `process` lives."""
    deadline = time.monotonic() + patience
    while not happened():
        if process.poll() is not None:
            raise RuntimeError(f"before {what}, it ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"not after {patience} s: {what}")
        time.sleep(0.02)


def _port(address):
    return int(address.rpartition(":")[2])
