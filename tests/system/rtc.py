"""aiortc, a WebRTC stack of other people's, held to the daemon's relay."""

import asyncio

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)
from aiortc.mediastreams import AudioStreamTrack

from report import expect

PATIENCE = 20  # seconds for whatever is waited for
FRAMES = 50  # of audio: a second


class Peer:
    """A connection with a microphone that hears nothing, by the relay at `url` only."""

    def __init__(self, url, told):
        server = RTCIceServer(url, told["username"], told["credential"])
        relay_only = RTCIceTransportPolicy.RELAY
        self.connection = RTCPeerConnection(RTCConfiguration([server], relay_only))
        self.connection.addTrack(AudioStreamTrack())
        self._tracks, self._channels, self._words = [asyncio.Queue() for _ in range(3)]
        self._channel = None
        self.connection.on("track", self._tracks.put_nowait)
        self.connection.on("datachannel", self.use)

    def use(self, channel):
        """Talks on `channel` as soon as it is open."""
        channel.on("message", self._words.put_nowait)
        self._channel = channel
        if channel.readyState == "open":
            self._channels.put_nowait(channel)
        else:
            channel.on("open", lambda: self._channels.put_nowait(channel))

    async def connected(self):
        """Waits until words may flow; every candidate must be of the relay."""
        await self._soon(self._channels.get(), "an open channel")
        expect(self.connection.connectionState == "connected", self.connection.connectionState)
        ice = self.connection.sctp.transport.transport
        gathered = {candidate.type for candidate in ice.iceGatherer.getLocalCandidates()}
        told = {candidate.type for candidate in ice.getRemoteCandidates()}
        expect(gathered == told == {"relay"}, f"candidates: {gathered} and {told}")

    def say(self, words):
        self._channel.send(words)

    async def heard(self, words):
        came = await self._soon(self._words.get(), f"{words!r}")
        expect(came == words, f"{came!r} in place of {words!r}")

    async def hear(self):
        """Waits for a second of audio; how many packets of it were lost."""
        track = await self._soon(self._tracks.get(), "a track")
        for _ in range(FRAMES):
            await self._soon(track.recv(), "audio")
        stats = (await self.connection.getStats()).values()
        incoming = [entry for entry in stats if entry.type == "inbound-rtp"]
        expect(len(incoming) == 1 and incoming[0].packetsReceived >= FRAMES, "too few packets")
        return incoming[0].packetsLost

    async def close(self):
        await self.connection.close()

    async def _soon(self, coming, what):
        try:
            return await asyncio.wait_for(coming, PATIENCE)
        except TimeoutError:
            state = self.connection.connectionState
            raise AssertionError(f"no {what}; the connection is {state}") from None
