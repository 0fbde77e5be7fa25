"""aioice, an ICE stack of other people's: two agents that may use the daemon's relay only."""

import asyncio
import os
import ssl

import aioice

from member import Member
from relay import IPV4, IPV6, TRANSPORTS, relay
from report import check, expect, run

MESSAGES = 200
BYTES = 500
PATIENCE = 20  # seconds for a message or a connection
PACE = 0.01  # seconds between two messages of one agent, which keeps it under turn.max_bitrate


def checks(binary):
    with relay(binary) as (appliance, _, certificate):
        told = Member(appliance.origin).call("GET", "/turn-credentials")
        trusted = ssl.create_default_context(cafile=certificate)
        trusted.check_hostname = False  # it is for a name, and we go by addresses
        for transport in TRANSPORTS:
            for host in (IPV4, IPV6):
                port = appliance.turn(transport, host)
                options = {
                    "turn_server": (host, port),
                    "turn_transport": "udp" if transport == "UDP" else "tcp",
                    "turn_ssl": trusted if transport == "TLS" else False,
                    "turn_username": told["username"],
                    "turn_password": told["credential"],
                }
                way = f"{transport} and {'IPv6' if ':' in host else 'IPv4'}"
                asyncio.run(call(way, options))


async def call(way, options):
    """Signaled in memory; both sides of it at the same time."""
    agents = [agent(controlling, options) for controlling in (True, False)]
    try:
        with check(f"ice_agents: relay-only agents over {way} connect"):
            await asyncio.wait_for(acquaint(*agents), PATIENCE)
        with check(f"ice_agents: {MESSAGES} messages each way over {way} all arrive"):
            await asyncio.gather(*map(say, agents), *map(hear, agents, reversed(agents)))
    finally:
        for one in agents:
            await one.close()


def agent(controlling, options):
    one = aioice.Connection(controlling, transport_policy=aioice.TransportPolicy.RELAY, **options)
    one.words = [number.to_bytes(4, "big") + os.urandom(BYTES) for number in range(MESSAGES)]
    return one


async def acquaint(one, other):
    await asyncio.gather(one.gather_candidates(), other.gather_candidates())
    for here, there in ((one, other), (other, one)):
        kinds = {candidate.type for candidate in here.local_candidates}
        expect(kinds == {"relay"}, f"candidates: {kinds}")
        for candidate in there.local_candidates:
            await here.add_remote_candidate(candidate)
        await here.add_remote_candidate(None)
        here.remote_username = there.local_username
        here.remote_password = there.local_password
    await asyncio.gather(one.connect(), other.connect())


async def say(one):
    for word in one.words:
        await one.send(word)
        await asyncio.sleep(PACE)


async def hear(one, other):
    """All that the other says, each once, in whatever order."""
    waiting = set(other.words)
    while waiting:
        try:
            word = await asyncio.wait_for(one.recv(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"{len(waiting)} of {MESSAGES} were lost") from None
        expect(word in waiting, "something came twice or changed")
        waiting.remove(word)


if __name__ == "__main__":
    run(checks)
