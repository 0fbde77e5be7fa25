"""Strangers who hold connections open and send garbage take nothing from anybody else."""

import contextlib
import os
import socket
import struct
import time

from appliance import Appliance
from member import Member, request
from report import check, expect, run
from websocket import WebSocket

CONNECTIONS = 200
DATAGRAMS = 20_000
GROWTH = 8 << 20  # bytes; 200 connections that cost 16 KiB each take 3 MiB
PROMPT = 2  # seconds, on a busy machine
HEADER_TIMEOUT = 3  # seconds; 10 by default

BINDING, BINDING_SUCCESS, COOKIE = 0x0001, 0x0101, 0x2112A442


def checks(binary):
    setting = f'limits.header_timeout="{HEADER_TIMEOUT}s"'
    with Appliance(binary, setting) as appliance:
        with WebSocket(appliance.http_port, Member(appliance.origin).token) as member:
            before = appliance.resident()
            half_open(appliance, member)
            garbage(appliance)
            with check("half_open_and_flood: memory stays where it was"):
                growth = appliance.resident() - before
                expect(growth < GROWTH, f"it grew by {growth >> 10} KiB")


def half_open(appliance, member):
    with contextlib.ExitStack() as opened:
        begin = time.monotonic()
        strangers = [
            opened.enter_context(socket.create_connection(("127.0.0.1", appliance.http_port)))
            for _ in range(CONNECTIONS)
        ]
        for talker in strangers[::2]:
            talker.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")
        with check(f"half_open_and_flood: others are answered beside {CONNECTIONS} half requests"):
            for _ in range(20):
                promptly(lambda: request(appliance.origin, "GET", "/health"))
                promptly(lambda: ping(member))
        with check("half_open_and_flood: half requests are given up in time"):
            for stranger in strangers:
                remaining = begin + 3 * HEADER_TIMEOUT - time.monotonic()
                stranger.settimeout(max(remaining, 0.01))
                drain(stranger)


def garbage(appliance):
    address = ("127.0.0.1", appliance.turn_port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for i in range(DATAGRAMS):
            noise = os.urandom(i % 1200)
            # Half of it looks like STUN until its attributes are read.
            header = struct.pack(">HHI", i & 0x3FFF, len(noise) & ~3, COOKIE) + bytes(12)
            stranger.sendto(header + noise if i % 2 else noise, address)
    with check(f"half_open_and_flood: the relay answers after {DATAGRAMS} bad datagrams"):
        promptly(lambda: bind(address))
        expect(request(appliance.origin, "GET", "/health")["status"] == "healthy", "not healthy")


def bind(address):
    """A STUN Binding, sent again when it gets lost, as STUN over UDP is."""
    transaction = os.urandom(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        for _ in range(4):
            client.sendto(struct.pack(">HHI", BINDING, 0, COOKIE) + transaction, address)
            with contextlib.suppress(TimeoutError):
                answer = client.recv(1500)
                expect(answer[:2] == struct.pack(">H", BINDING_SUCCESS), answer)
                expect(answer[8:20] == transaction, answer)
                return
    raise AssertionError("no answer")


def ping(member):
    member.send({"type": "ping", "t": 7})
    while member.receive().get("t") != 7:
        pass


def promptly(act):
    begin = time.monotonic()
    act()
    took = time.monotonic() - begin
    expect(took < PROMPT, f"it took {took:.1f} s")


def drain(stranger):
    """Reads to the end that the daemon makes."""
    with contextlib.suppress(ConnectionResetError):
        while stranger.recv(4096):
            pass


run(checks)
