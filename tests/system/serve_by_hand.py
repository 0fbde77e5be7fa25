"""A person types `privcomm serve` in a terminal, with nothing configured."""

import contextlib
import os
import pathlib
import re
import socket
import stat
import subprocess
import tempfile
import time

from member import Member, request
from report import check, expect, run
from terminal import Screen
from websocket import Closed, WebSocket

STOP = 5  # seconds that an orderly stop may take
AT_ONCE = 1  # seconds that a hurried one may take on a busy machine


def checks(binary):
    with tempfile.TemporaryDirectory() as home:
        with Terminal(binary, home) as terminal:
            first_start(terminal, pathlib.Path(home) / ".local/state/privcomm")
            told_to_stop(terminal)
        with Terminal(binary, home) as terminal:
            interrupted_twice(terminal)


def first_start(terminal, state):
    with check("serve_by_hand: the terminal says what listens where and what to try next"):
        said = terminal.read_until("Ctrl-C stops it.")
        expect(re.search(rf"web, API +{terminal.origin}\b", said), said)
        expect(re.search(rf"calls +127\.0\.0\.1:{terminal.turn_port}\b.*UDP", said), said)
        expect(re.search(rf"state +{re.escape(str(state))}\b", said), said)
        expect(f"open {terminal.origin} in" in said, said)
        expect(f"curl {terminal.origin}/health" in said, said)
        expect(f"{terminal.origin}/docs" in said, said)

    with check("serve_by_hand: what it says to try works"):
        expect(request(terminal.origin, "GET", "/health")["status"] == "healthy", "not healthy")
        subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--output"]
            + [os.devnull, f"{terminal.origin}/docs"],
            check=True,
        )

    with check("serve_by_hand: secrets and state are for their owner alone"):
        expect(mode(state / "secrets.toml") == 0o600, oct(mode(state / "secrets.toml")))
        expect(mode(state) == 0o700, oct(mode(state)))


def told_to_stop(terminal):
    """SIGTERM, with one client who closes properly, one who doesn't, and half a request."""
    port = terminal.http_port
    with contextlib.ExitStack() as clients:
        with check("serve_by_hand: anybody on this machine may register and connect"):
            polite, rude = [
                clients.enter_context(WebSocket(port, Member(terminal.origin).token))
                for _ in range(2)
            ]
        half = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
        half.sendall(b"POST /api/v1/register HTTP/1.1\r\nHost: ")

        begin = time.monotonic()
        terminal.process.terminate()
        with check("serve_by_hand: SIGTERM tells clients to come back (1012)"):
            expect(goodbye(polite) == 1012, "another code")
            polite.answer_close(1012)
            expect(goodbye(rude) == 1012, "another code")
        with check(f"serve_by_hand: SIGTERM ends it with status 0 within {STOP} s"):
            status = terminal.process.wait(10)
            took = time.monotonic() - begin
            expect(status == 0, f"status {status}: {terminal.read()}")
            expect(took < STOP, f"it took {took:.1f} s")


def interrupted_twice(terminal):
    with check("serve_by_hand: it starts again on the same state"):
        terminal.read_until("Ctrl-C stops it.")
        member = Member(terminal.origin)
    with WebSocket(terminal.http_port, member.token) as client:
        with check("serve_by_hand: Ctrl-C tells clients to come back (1012)"):
            terminal.press_control_c()
            expect(goodbye(client) == 1012, "another code")
        # The client doesn't answer the close frame: an orderly stop would wait for it.
        with check("serve_by_hand: a second Ctrl-C ends it at once"):
            begin = time.monotonic()
            terminal.press_control_c()
            status = terminal.process.wait(10)
            took = time.monotonic() - begin
            expect(took < AT_ONCE, f"it took {took:.1f} s")
            expect(status not in (0, None), "a stop that was cut short looks like an orderly one")


class Terminal(Screen):
    """`privcomm serve` as the foreground of a terminal, at its default addresses if they are free,
    with nothing in the environment but a home."""

    def __init__(self, binary, home):
        self.http_port, self.turn_port = 8000, 3478
        command = [binary, "serve"]
        if not (free(socket.SOCK_STREAM, 8000) and free(socket.SOCK_DGRAM, 3478)):
            self.http_port = free_port(socket.SOCK_STREAM)
            self.turn_port = free_port(socket.SOCK_DGRAM)
            command += ["--set", f'server.listen=["127.0.0.1:{self.http_port}"]']
            command += ["--set", f'turn.listen=["127.0.0.1:{self.turn_port}"]']
        self.origin = f"http://127.0.0.1:{self.http_port}"
        super().__init__(command, home)


def goodbye(client):
    """The code that the daemon closes the connection with."""
    try:
        while True:
            client.receive()
    except Closed as closed:
        return closed.code


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def free(kind, port):
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


run(checks)
