"""Two aiortc peers call each other over the daemon's relay, by each way to it."""

import asyncio
import os

from member import Member
from relay import IPV4, relay
from report import check, expect, run
from rtc import Peer


def checks(binary):
    with relay(binary, hosts=[IPV4]) as (appliance, _, certificate):
        os.environ["SSL_CERT_FILE"] = str(certificate)  # aiortc trusts what the system does
        told = Member(appliance.origin).call("GET", "/turn-credentials")
        for url in told["urls"]:
            if url.startswith("stun:"):
                continue
            scheme, _, transport = url.partition("?transport=")
            way = "TLS" if scheme.startswith("turns:") else transport.upper()
            asyncio.run(call(url, told, way))


async def call(url, told, way):
    """Signaled in memory."""
    caller, callee = Peer(url, told), Peer(url, told)
    try:
        with check(f"rtc_peers: a relay-only call over {way} connects"):
            caller.use(caller.connection.createDataChannel("words"))
            await signal(caller.connection, callee.connection)
            await asyncio.gather(caller.connected(), callee.connected())
        with check(f"rtc_peers: data arrives over {way} in both directions"):
            caller.say("Hello, Boris.")
            callee.say("Hello, Anna.")
            await callee.heard("Hello, Boris.")
            await caller.heard("Hello, Anna.")
        with check(f"rtc_peers: audio over {way} loses nothing in either direction"):
            lost = await asyncio.gather(caller.hear(), callee.hear())
            expect(lost == [0, 0], f"lost: {lost}")
    finally:
        await asyncio.gather(caller.close(), callee.close())


async def signal(caller, callee):
    """An offer and an answer, each with all candidates in it."""
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(caller.localDescription)
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(callee.localDescription)


if __name__ == "__main__":
    run(checks)
