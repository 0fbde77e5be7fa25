"""Two browser profiles call each other through the daemon's relay, with Chromium's fake microphone."""

import contextlib

from appliance import Appliance
from browser import Driver
from browser_client import Client
from report import check, expect, run

# The media of a call are the page's own affair; a test looks at what the browser counts of them.
WATCH = """
const Real = window.RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Real { constructor(...all) { super(...all); connections.push(this); } };
"""
HEARD = """
const audio = async () => {
  for (const connection of connections.toReversed()) {
    if (connection.connectionState !== 'connected') continue;
    const stats = [...(await connection.getStats()).values()];
    const inbound = stats.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio');
    const transport = stats.find(({ type }) => type === 'transport');
    const pair = stats.find(({ id }) => id === transport.selectedCandidatePairId);
    const way = stats.find(({ id }) => id === pair?.localCandidateId);
    if (inbound) return { energy: inbound.totalAudioEnergy, packets: inbound.packetsReceived, type: way?.candidateType, relay: way?.relayProtocol };
  }
};
"""


def checks(binary):
    with contextlib.ExitStack() as started:
        # More calls than people make in so short a time.
        settings = ('registration.mode="open"', 'limits.call_starts_pair="30/5m"', 'limits.call_starts="60/1m"')
        appliance = started.enter_context(Appliance(binary, *settings))
        driver = started.enter_context(Driver())
        anna = started.enter_context(Client(driver, appliance.origin))
        boris = started.enter_context(Client(driver, appliance.origin))
        for client, name in ((anna, "anna"), (boris, "boris")):
            client.do(WATCH)
            client.join(name)
            client.online()
        to_boris, to_anna = anna.add("boris"), boris.add("anna")
        for client in (anna, boris):
            client.do("await until('contacts are told', async () => true)")
        relay_works(anna)
        unallowed(boris, anna, to_anna, to_boris)
        for client in (anna, boris):
            only(client, "udp")
        call(anna, boris, to_boris, "udp")
        for client in (anna, boris):
            only(client, "tcp")
        call(boris, anna, to_anna, "tcp")
        rejected(anna, boris, to_boris)
        both_at_once(anna, boris, to_boris, to_anna)
        opened_late(boris, anna, to_anna, to_boris)
        from_second_tab(boris, anna, to_anna)


def relay_works(client):
    with check("browser: it is found out that calls work here"):
        client.do("await model.checkCalls(); await until('works', ({ callCheck }) => callCheck === 'works')")


def unallowed(caller, callee, to_callee, to_caller):
    with check("browser: who isn't allowed to call is told so"):
        callee.do("await model.block(a[0])", to_caller)
        caller.do("await new Promise((resolve) => setTimeout(resolve, 500)); await model.dial(a[0])", to_callee)
        wait(caller, "ended")
        expect(caller.state()["call"]["reason"] == "not_allowed", caller.state()["call"])
        caller.do("model.dismissCall()")
        callee.do("await model.unblock(a[0]); await model.allow(a[0])", to_caller)
        callee.do("await new Promise((resolve) => setTimeout(resolve, 500))")


def call(caller, callee, to_callee, transport):
    with check(f"browser: a relay-only call rings and connects over {transport}"):
        caller.do("await model.dial(a[0])", to_callee)
        wait(callee, "ringing")
        wait(caller, "ringing")
        callee.do("await model.answer()")
        wait(caller, "connected")
        wait(callee, "connected")
    with check(f"browser: both sides hear sound over {transport}, through the relay alone"):
        for client in (caller, callee):
            heard = client.do(
                HEARD + "let heard; await until('sound', async () => (heard = await audio())?.energy > 0); return heard"
            )
            expect(heard["type"] == "relay" and heard["relay"] == transport, heard)
            client.do("await until('relayed', ({ call }) => call.relayed && call.quality)")
    with check(f"browser: another way is found when the network changes, over {transport}"):
        for client in (caller, callee):
            before = client.do(HEARD + "return (await audio()).packets")
            client.do(
                "window.restarted = new Promise((resolve) => connections.at(-1).addEventListener('signalingstatechange', "
                "({ target }) => target.signalingState === 'stable' && resolve()));"
                "dispatchEvent(new Event('online')); await restarted"
            )
            client.do(
                HEARD + "await until('more sound', async () => (await audio())?.packets > a[0] + 50)", before
            )
            wait(client, "connected")
    with check(f"browser: what is muted isn't heard, over {transport}"):
        caller.do("model.mute(true)")
        callee.do(
            HEARD
            + "let before = (await audio()).energy; await until('silence', async () => {"
            + "await new Promise((resolve) => setTimeout(resolve, 1000));"
            + "const now = (await audio()).energy; const quiet = now - before < 1e-6; before = now; return quiet; })"
        )
        caller.do("await until('muted', ({ call }) => call.muted); model.mute(false)")
    with check(f"browser: hanging up ends the call on both sides, over {transport}"):
        callee.do("await model.hangUp()")
        for client in (caller, callee):
            wait(client, "ended")
            expect(client.state()["call"]["reason"] == "hangup", client.state()["call"])
            client.do("model.dismissCall(); await until('no call', ({ call }) => call === null)")
        expect(last(caller)["kind"] == "call" and last(caller)["call"]["seconds"] is not None, last(caller))


def rejected(caller, callee, to_callee):
    with check("browser: a call that is rejected says so, and another can be made"):
        caller.do("await model.dial(a[0])", to_callee)
        wait(callee, "ringing")
        callee.do("await model.reject()")
        wait(caller, "ended")
        expect(caller.state()["call"]["reason"] == "rejected", caller.state()["call"])
        for client in (caller, callee):
            client.do("model.dismissCall()")


def both_at_once(anna, boris, to_boris, to_anna):
    with check("browser: two who call each other at once have one call"):
        anna.do("window.dialing = model.dial(a[0])", to_boris)
        boris.do("window.dialing = model.dial(a[0])", to_anna)
        wait(anna, "connected")
        wait(boris, "connected")
        expect(anna.state()["call"]["id"] == boris.state()["call"]["id"], "two calls")
        anna.do("await model.hangUp()")
        wait(boris, "ended")


def opened_late(caller, callee, to_callee, to_caller):
    # A busy device takes its time over an offer, and what belongs to the call comes meanwhile.
    hold = (
        "const [socket] = sockets.slice(-1); const came = []; window.came = (type) => came.includes(type);"
        "socket.addEventListener('message', ({ data }) => came.push(JSON.parse(data).type));"
        "await new Promise((held) => navigator.locks.request(`session/${a[0]}`, () => {"
        "  held(); return new Promise((release) => { window.release = release; }); }))"
    )
    with check("browser: candidates that come before the offer is open are kept, and the call connects by them"):
        callee.do("model.dismissCall()")
        caller.do("model.dismissCall()")
        callee.do(hold, to_caller)
        caller.do("await model.dial(a[0])", to_callee)
        callee.do("await until('a candidate', () => came('ice_candidate')); release()")
        wait(callee, "ringing")
        # Without them it would be connected by the next attempt, after ICE gave up.
        callee.do("window.restarts = 0; await model.answer(); connections.at(-1).addEventListener('signalingstatechange', () => { restarts += 1; })")
        wait(callee, "connected")
        expect(callee.do("return restarts") == 0, "only after another attempt")
        caller.do("await model.hangUp()")
        wait(callee, "ended")
    with check("browser: who hangs up before the offer is open doesn't leave the other ringing"):
        callee.do("model.dismissCall()")
        caller.do("model.dismissCall()")
        callee.do(hold, to_caller)
        caller.do("await model.dial(a[0])", to_callee)
        callee.do("await until('an offer', () => came('call_offer'))")
        caller.do("await model.hangUp()")
        callee.do("await until('its end', () => came('call_state') || came('call_end')); release()")
        wait(callee, "ended")


def from_second_tab(caller, callee, to_callee):
    with check("browser: a tab that hasn't the socket shows a call, and ends it"):
        callee.do("model.dismissCall()")
        caller.do("model.dismissCall()")
        first, second = caller.second_tab()
        caller.do("await until('a second tab', ({ tookOver, phase }) => tookOver && phase === 'ready')")
        caller.do("await model.dial(a[0])", to_callee)
        wait(caller, "ringing")
        wait(callee, "ringing")
        callee.do("await model.answer()")
        wait(caller, "connected")
        caller.do("model.mute(true); await until('muted', ({ call }) => call.muted)")
        caller.do("await model.hangUp()")
        wait(callee, "ended")
        caller.browser.close_tab(second, first)


def only(client, transport):
    """What a network does that lets only one through: other addresses of the relay lead nowhere."""
    client.do(
        "const [transport] = a; window.Watched ??= window.RTCPeerConnection;"
        "window.RTCPeerConnection = class extends Watched { constructor({ iceServers, ...rest }) {"
        "  const urlsOf = ({ urls }) => urls.filter((url) => url.endsWith(`transport=${transport}`));"
        "  const servers = iceServers.map((server) => ({ ...server, urls: urlsOf(server) }));"
        "  super({ ...rest, iceServers: servers.filter(({ urls }) => urls.length) }); } }",
        transport,
    )


def wait(client, state):
    client.do("await until(`a call that is ${a[0]}`, ({ call }) => call?.state === a[0])", state)


def last(client):
    return client.state()["conversations"][0]["last"]


if __name__ == "__main__":
    run(checks)
