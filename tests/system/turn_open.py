"""The relay in its open mode: coturn's client reaches an echo outside, and nobody reaches what the
operator hasn't allowed."""

import contextlib
import os
import socket
import subprocess
import time

import stun
from appliance import START, stop, wait_until
from relay import IPV4, IPV6, TRANSPORTS, knows, older_channels, relay
from report import check, expect, run, skipped
from stun import Client, credentials, peer
from turn_uclient import FLAGS, nothing_lost, uclient_all

# coturn's client asks for pairs of ports, more than a member's calls ever do.
OPEN = [
    'turn.relay="any"',
    'turn.allowed_peers=["127.0.0.0/8", "::1/128"]',
    "turn.max_allocations_per_user=100",
]


def checks(binary):
    if not knows(binary, "allowed_peers"):
        skipped("turn_open: this build has no open mode")
        return
    with echo() as port:
        with relay(binary, *OPEN, *older_channels(binary)) as (appliance, secret, _):
            to_the_echo(appliance.turn, secret, port)
            two_families(appliance.turn, secret, port)
            denied(appliance.turn, secret)
        with relay(binary, OPEN[0]) as (appliance, secret, _):
            loopback_denied(appliance.turn, secret, port)


@contextlib.contextmanager
def echo():
    """coturn's echo on both loopbacks; its port."""
    port = free_port()
    command = ["turnutils_peer", "-p", str(port), "-L", IPV4, "-L", IPV6]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for host in (IPV4, IPV6):
            wait_until(lambda: echoes(host, port), START, f"the echo at {host}", process)
        yield port
    finally:
        stop(process)


def to_the_echo(port_of, secret, echo_port):
    for transport in TRANSPORTS:
        for host, family, wanted in ((IPV4, "IPv4", []), (IPV6, "IPv6", ["-x"])):
            to = (host, port_of(transport, host), *credentials(secret, 60))
            flags = [*FLAGS[transport], *wanted, "-e", host, "-r", str(echo_port)]
            runs = uclient_all(to, flags, ["-s", *flags])
            for what, run in zip(("channels", "Send indications"), runs):
                with check(f"turn_open: {what} to a peer over {transport} and {family} lose nothing"):
                    nothing_lost(run)


def two_families(port_of, secret, echo_port):
    """A relayed address needn't be of the family that its client came over."""
    with check("turn_open: a client over IPv4 reaches a peer of IPv6"):
        to = (IPV4, port_of("UDP", IPV4), *credentials(secret, 60))
        for run in uclient_all(to, ["-x", "-e", IPV6, "-r", str(echo_port)]):
            nothing_lost(run)


def denied(port_of, secret):
    """What only `127.0.0.0/8` and `::1/128` are excepted from."""
    outside = ("0.0.0.0", "10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "192.0.2.1")
    outside += ("192.168.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255")
    with check("turn_open: peers in the operator's network are refused"):
        refused(port_of, secret, IPV4, outside)
    disguised = ("::", "::ffff:10.0.0.1", "::ffff:0.0.0.0", "::10.0.0.1", "64:ff9b::a00:1")
    disguised += ("2002:a00:1::1", "fc00::1", "fe80::1", "ff02::1", "2001:db8::1")
    with check("turn_open: so are they in IPv6 disguise"):
        refused(port_of, secret, IPV6, disguised)


def loopback_denied(port_of, secret, echo_port):
    with check("turn_open: without an exception, loopback is refused in every form"):
        refused(port_of, secret, IPV4, ("127.1.2.3", "0.0.0.0"))
        refused(port_of, secret, IPV6, ("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"))
        # A permission has no port, and the relay's own addresses are these: channels have one.
        for host in (IPV4, IPV6):
            refused(port_of, secret, host, [host], [stun.CHANNEL_BIND])
    with check("turn_open: without an exception, nothing reaches the echo"):
        with Client("UDP", (IPV4, port_of("UDP", IPV4)), *credentials(secret, 60)) as client:
            client.allocate()
            there = peer(IPV4, echo_port)
            client.ask(stun.CREATE_PERMISSION, there)
            data = [there, (stun.DATA_VALUE, b"anybody?")]
            client.send(stun.message(stun.SEND | stun.INDICATION, data))
            # Whatever came of it would come before this answer, or in a moment.
            expect(client.ask(stun.REFRESH).code is None, "the relay is gone")
            try:
                came = client.receive(0.3)
            except stun.Silence:
                return
            raise AssertionError(f"{came!r} came back")


def refused(port_of, secret, host, peers, methods=(stun.CREATE_PERMISSION, stun.CHANNEL_BIND)):
    """Each by each method, of an allocation of the family of `host`. Where a disguise is seen
    through, the peer is also of the other family (443)."""
    family = (stun.REQUESTED_ADDRESS_FAMILY, bytes([2 if host == IPV6 else 1, 0, 0, 0]))
    codes = (403, 443) if host == IPV6 else (403,)
    with Client("UDP", (host, port_of("UDP", host)), *credentials(secret, 60)) as client:
        expect(client.allocate(family).code is None, "no allocation")
        for there in peers:
            for method in methods:
                transaction = os.urandom(12)
                attributes = [peer(there, 9, transaction)]
                if method == stun.CHANNEL_BIND:
                    attributes.append(stun.number(stun.CHANNEL_NUMBER, 0x4000 << 16))
                answer = client.ask(method, *attributes, transaction=transaction)
                expect(answer.code in codes, f"{there} by method {method}: {answer.code}")


def free_port():
    """One that is free on both loopbacks."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        probe.bind(("::", 0))
        return probe.getsockname()[1]


def echoes(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect((host, port))
        try:
            probe.send(b"there?")
            return probe.recv(64) == b"there?"
        except OSError:  # nobody listens yet
            time.sleep(0.02)
            return False


if __name__ == "__main__":
    run(checks)
