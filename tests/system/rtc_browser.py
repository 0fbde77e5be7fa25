"""Chromium calls aiortc: signaled over the daemon's WebSocket, media over its relay."""

import asyncio
import contextlib

from aiortc import RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from appliance import Appliance
from browser import Browser, Driver
from member import Member
from report import check, expect, run
from rtc import Peer
from webrtc_call import client_pages
from websocket import WebSocket


def checks(binary):
    with contextlib.ExitStack() as started:
        pages = started.enter_context(client_pages())
        allowed = f'server.cors_origins=["{pages}"]'
        appliance = started.enter_context(Appliance(binary, allowed))
        driver = started.enter_context(Driver())
        anna = started.enter_context(Browser(driver, f"{pages}/caller.html"))
        boris = Member(appliance.origin)
        line = started.enter_context(WebSocket(appliance.http_port, boris.token))
        asyncio.run(call(appliance, anna, boris, line))


async def call(appliance, anna, boris, line):
    """What the browser waits for, it waits for in a thread."""

    async def in_browser(script, *arguments):
        return await asyncio.to_thread(anna.run, script, *arguments)

    told = boris.call("GET", "/turn-credentials")
    peer = Peer(f"turn:127.0.0.1:{appliance.turn_port}?transport=tcp", told)
    signaling = None
    try:
        with check("rtc_browser: a relay-only call of a browser to aiortc connects"):
            await in_browser("window.caller = new Caller(arguments[0])", appliance.origin)
            anna_id = await in_browser("return caller.join()")
            boris.call("PUT", f"/contacts/{anna_id}", {"state": "allowed"})
            signaling = asyncio.create_task(answer(line, peer.connection))
            await in_browser("return caller.call(arguments[0])", boris.user_id)
            way, _ = await asyncio.gather(in_browser("return caller.connected()"), peer.connected())
            expect(way["local"] == way["remote"] == "relay", way)
        with check("rtc_browser: data arrives in both directions"):
            await in_browser("caller.say('Hello, Boris.')")
            await peer.heard("Hello, Boris.")
            peer.say("Hello, Anna.")
            await in_browser("return caller.heard('Hello, Anna.')")
        with check("rtc_browser: audio loses nothing in either direction"):
            audio, lost = await asyncio.gather(in_browser("return caller.hear()"), peer.hear())
            expect(audio["lost"] == lost == 0, f"lost: {audio['lost']} and {lost}")
        with check("rtc_browser: hanging up ends the call"):
            await in_browser("caller.hangUp()")
            expect(await in_browser("return caller.ended()") == "hangup", "another reason")
            expect(await signaling == "hangup", "another reason")
    finally:
        if signaling:
            signaling.cancel()
        await peer.close()


async def answer(line, connection):
    """Takes the call that comes; why it ends."""
    while True:
        frame = await asyncio.to_thread(line.receive)
        match frame["type"]:
            case "call_offer":
                await connection.setRemoteDescription(RTCSessionDescription(frame["sdp"], "offer"))
                await connection.setLocalDescription(await connection.createAnswer())
                line.send(
                    {
                        "type": "call_answer",
                        "recipient_id": frame["sender_id"],
                        "call_id": frame["call_id"],
                        "sdp": connection.localDescription.sdp,
                    }
                )
            case "ice_candidate" if frame["candidate"]["candidate"]:
                told = frame["candidate"]
                candidate = candidate_from_sdp(told["candidate"].removeprefix("candidate:"))
                candidate.sdpMid = told["sdpMid"]
                candidate.sdpMLineIndex = told["sdpMLineIndex"]
                await connection.addIceCandidate(candidate)
            case "call_state" if frame["state"] == "ended":
                return frame["reason"]


if __name__ == "__main__":
    run(checks)
