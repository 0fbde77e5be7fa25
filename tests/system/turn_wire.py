"""What the relay answers to clients that do something wrong, or something rare: the answers that
RFC 8489 and RFC 8656 ask for, read from the wire by a client of our own."""

import os
import time

import stun
from relay import IPV4, IPV6, TRANSPORTS, knows, relay
from report import check, expect, run
from stun import Client, credentials, message, number, peer

TOO_LARGE_FOR_ETHERNET = 1700


def checks(binary):
    with relay(binary) as (appliance, secret, _):
        for transport in TRANSPORTS:
            for host in (IPV4, IPV6):
                address = (host, appliance.turn(transport, host))
                way = f"{transport} and {'IPv6' if ':' in host else 'IPv4'}"
                Strangers(way, transport, address, secret).are_refused()
            rows = Rows(transport, (IPV4, appliance.turn(transport, IPV4)), secret)
            rows.of_allocations()
            rows.of_permissions_and_channels(knows(binary, "channels"))
            rows.of_data()
        forged_fingerprint(appliance.turn_port)
    with relay(binary, 'turn.nonce_ttl="1s"', hosts=[IPV4]) as (appliance, secret, _):
        for transport in TRANSPORTS:
            stale_nonce(transport, (IPV4, appliance.turn(transport, IPV4)), secret)
        no_ipv6(appliance, secret)


class Strangers:
    """Whoever can't show that the secret's owner let them in."""

    def __init__(self, way, transport, address, secret):
        self._way, self._transport, self._address = way, transport, address
        self._secret = secret

    def are_refused(self):
        name, password = credentials(self._secret, 60)
        # Signed with the right secret, all of them, so that the name alone is wrong.
        names = ["", "anna", "0:anna", "-1:00112233aabbccdd", "99999999999999999999:anna"]
        names += [f"{name}\n", name.replace(":", ""), name.split(":")[0] + ":", "x" * 513]
        names += [f"+{name}", f" {name}", name.replace(":", "::"), name + "\0"]
        with self.check("a wrong password is refused with 401 and a nonce"):
            self.refused(name, password[::-1])
        with self.check("an expired credential is refused with 401"):
            self.refused(*credentials(self._secret, -1))
        with self.check("malformed names are refused with 401"):
            for wrong in names:
                self.refused(wrong, stun.password_of(self._secret, wrong), (400, 401))
        with self.check("a realm of another's is refused with 401"), self.client() as client:
            client.challenge()
            client.realm = b"elsewhere"
            self.is_challenge(client.allocate())
        with self.check("a made-up nonce is refused with 438 and a good one"):
            with self.client() as client:
                client.challenge()
                client.nonce = b"0" * len(client.nonce)
                self.takes_up_another(client)
        with self.check("a nonce of another's is refused with 438"):
            with self.client() as one, self.client() as other:
                one.challenge()
                other.challenge()
                one.nonce = other.nonce
                self.takes_up_another(one)

    def check(self, what):
        return check(f"turn_wire: {self._way}: {what}")

    def client(self):
        return Client(self._transport, self._address, *credentials(self._secret, 60))

    def refused(self, name, password, codes=(401,)):
        with Client(self._transport, self._address, name, password) as client:
            answer = client.allocate()
            expect(answer.code in codes, f"{name!r}: {answer.code}")
            if answer.code == 401:
                self.is_challenge(answer)

    def is_challenge(self, answer):
        expect(answer.code == 401, answer.code)
        expect(stun.NONCE in answer.attributes and stun.REALM in answer.attributes, "no challenge")

    def takes_up_another(self, client):
        answer = client.allocate()
        expect(answer.code == 438, answer.code)
        client.nonce = answer.attributes[stun.NONCE]
        expect(client.allocate().code is None, "the nonce that came with it isn't good")


class Rows:
    """Members, who may do something wrong too."""

    def __init__(self, transport, address, secret):
        self._transport, self._address, self._secret = transport, address, secret

    def check(self, what):
        return check(f"turn_wire: {self._transport}: {what}")

    def client(self):
        return Client(self._transport, self._address, *credentials(self._secret, 60))

    def of_allocations(self):
        with self.check("an Allocate sent again is answered the same"), self.client() as client:
            client.challenge()
            request = client.signed(stun.ALLOCATE, stun.UDP_TO_PEERS)
            first, second = client.exchange(request), client.exchange(request)
            expect(first.code is None, first.code)
            expect(first.attributes == second.attributes, "another answer")
            expect(first.is_signed(client.key), "it isn't signed")
        with self.check("a second Allocate is refused with 437, signed"), self.client() as client:
            client.allocate()
            answer = client.allocate()
            expect(answer.code == 437, answer.code)
            expect(answer.is_signed(client.key), "it isn't signed")
        with self.check("a client that signs with SHA-256 is let in"), self.client() as client:
            sha256 = stun.MESSAGE_INTEGRITY_SHA256
            answer = client.ask(stun.ALLOCATE, stun.UDP_TO_PEERS, integrity=sha256)
            expect(answer.code is None, answer.code)
            expect(answer.is_signed(client.key, sha256), "it isn't signed")
        with self.check("TCP to peers is refused with 442"), self.client() as client:
            answer = client.ask(stun.ALLOCATE, (stun.REQUESTED_TRANSPORT, bytes([6, 0, 0, 0])))
            expect(answer.code in (400, 442), answer.code)
        with self.check("an unknown attribute that must be understood is refused with 420"):
            with self.client() as client:
                answer = client.allocate((0x7FFE, b"?"))
                expect(answer.code == 420, answer.code)
                unknown = answer.attributes[stun.UNKNOWN_ATTRIBUTES]
                expect(unknown == b"\x7f\xfe", unknown)
        with self.check("a lifetime is between ten minutes and an hour"):
            for asked, given in ((0, 600), (1, 600), (3600, 3600), (7200, 3600)):
                with self.client() as client:
                    answer = client.allocate(number(stun.LIFETIME, asked))
                    expect(answer.lifetime == given, f"{asked}: {answer.lifetime}")
        with self.check("EVEN-PORT reserves the next port for its token"):
            with self.client() as one:
                answer = one.allocate((stun.EVEN_PORT, b"\x80"))
                token = answer.attributes[stun.RESERVATION_TOKEN]
                host, port = answer.address(stun.XOR_RELAYED_ADDRESS)
                with Client(self._transport, self._address, one.name, one.password) as two:
                    answer = two.allocate((stun.RESERVATION_TOKEN, token))
                    next_one = answer.address(stun.XOR_RELAYED_ADDRESS)
                    expect(port % 2 == 0 and next_one == (host, port + 1), f"{port}, {next_one}")
        with self.check("a made-up RESERVATION-TOKEN is refused with 508"):
            with self.client() as client:
                answer = client.allocate((stun.RESERVATION_TOKEN, os.urandom(8)))
                expect(answer.code == 508, answer.code)
        with self.check("DONT-FRAGMENT is accepted"), self.client() as client:
            answer = client.allocate((stun.DONT_FRAGMENT, b""))
            expect(answer.code is None, answer.code)
        with self.check("without an allocation all else is refused with 437"):
            with self.client() as client:
                there = peer(IPV4, 50_000)
                channel = number(stun.CHANNEL_NUMBER, 0x4000 << 16)
                for method, attributes in (
                    (stun.REFRESH, []),
                    (stun.REFRESH, [number(stun.LIFETIME, 0)]),
                    (stun.CREATE_PERMISSION, [there]),
                    (stun.CHANNEL_BIND, [channel, there]),
                ):
                    answer = client.ask(method, *attributes)
                    expect(answer.code == 437, f"{method}: {answer.code}")
        with self.check("what follows MESSAGE-INTEGRITY is ignored"), self.client() as client:
            client.allocate()
            request = client.signed(stun.REFRESH)
            appended = b"".join((stun.LIFETIME.to_bytes(2, "big"), b"\0\4", bytes(4)))
            client.exchange(stun.lengthened(request, len(appended)) + appended)
            answer = client.ask(stun.REFRESH)
            expect(answer.code is None, "it ended the allocation")
        with self.check("another member's request for an allocation is refused with 441"):
            with self.client() as client:
                client.allocate()
                client.name, client.password = credentials(self._secret, 60)
                answer = client.ask(stun.REFRESH, number(stun.LIFETIME, 0))
                expect(answer.code == 441, answer.code)

    def of_permissions_and_channels(self, is_narrow):
        with self.client() as client, self.client() as other:
            there = relayed(other.allocate())
            client.allocate()
            with self.check("CreatePermission without a peer is refused with 400"):
                answer = client.ask(stun.CREATE_PERMISSION)
                expect(answer.code == 400, answer.code)
                expect(answer.is_signed(client.key), "it isn't signed")
            with self.check("peers outside are refused with 403"):
                for outside in ("0.0.0.0", "10.0.0.1", "169.254.169.254", "203.0.113.5"):
                    answer = client.ask(stun.CREATE_PERMISSION, peer(outside, 9))
                    expect(answer.code == 403, f"{outside}: {answer.code}")
            with self.check("peers of the other family are refused with 443"):
                for disguised in ("::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
                    transaction = os.urandom(12)
                    outside = peer(disguised, 9, transaction)
                    answer = client.ask(stun.CREATE_PERMISSION, outside, transaction=transaction)
                    expect(answer.code == 443, f"{disguised}: {answer.code}")
            with self.check("channel numbers out of the range are refused with 400"):
                for wrong in [0x1000, 0x8000] + ([0x5000] if is_narrow else []):
                    channel = number(stun.CHANNEL_NUMBER, wrong << 16)
                    answer = client.ask(stun.CHANNEL_BIND, channel, peer(*there))
                    expect(answer.code == 400, f"{wrong:#x}: {answer.code}")

    def of_data(self):
        """Between three clients, two of whom are permitted by one request."""
        with self.client() as one, self.client() as two, self.client() as three:
            first, second, third = [relayed(client.allocate()) for client in (one, two, three)]
            with self.check("two peers in one CreatePermission are both permitted"):
                answer = one.ask(stun.CREATE_PERMISSION, peer(*second), peer(*third))
                expect(answer.code is None, answer.code)
                for client, there in ((two, second), (three, third)):
                    client.ask(stun.CREATE_PERMISSION, peer(*first))
                    one.send(send_indication(there, b"hello"))
                    self.arrives(client, first, b"hello")
            large = os.urandom(TOO_LARGE_FOR_ETHERNET)
            with self.check(f"{len(large)} bytes arrive whole by indication"):
                two.send(send_indication(first, large))
                self.arrives(one, second, large)
            with self.check(f"{len(large)} bytes arrive whole by channel"):
                channel = number(stun.CHANNEL_NUMBER, 0x4321 << 16)
                expect(one.ask(stun.CHANNEL_BIND, channel, peer(*second)).code is None, "not bound")
                one.send(b"\x43\x21" + len(large).to_bytes(2, "big") + large)
                self.arrives(two, first, large)
                two.send(send_indication(first, large))
                expect(one.receive()[:4] == b"\x43\x21" + len(large).to_bytes(2, "big"), "another")

    def arrives(self, client, sender, data):
        answer = stun.Answer(client.receive())
        expect(answer.kind == stun.DATA | stun.INDICATION, f"a message of kind {answer.kind:#x}")
        expect(answer.address(stun.XOR_PEER_ADDRESS) == sender, "from somebody else")
        expect(answer.attributes[stun.DATA_VALUE] == data, "other bytes")


def stale_nonce(transport, address, secret):
    with check(f"turn_wire: {transport}: a stale nonce is refused with 438 and a fresh one"):
        with Client(transport, address, *credentials(secret, 60)) as client:
            expect(client.allocate().code is None, "no allocation")
            time.sleep(1.1)  # the nonce's age is what is measured
            answer = client.ask(stun.REFRESH)
            expect(answer.code == 438, answer.code)
            client.nonce = answer.attributes[stun.NONCE]
            expect(client.ask(stun.REFRESH).code is None, "the fresh nonce isn't good")


def no_ipv6(appliance, secret):
    with check("turn_wire: IPv6 where there is none is refused with 440"):
        with Client("UDP", (IPV4, appliance.turn_port), *credentials(secret, 60)) as client:
            family = (stun.REQUESTED_ADDRESS_FAMILY, bytes([2, 0, 0, 0]))
            answer = client.allocate(family)
            expect(answer.code == 440, answer.code)


def forged_fingerprint(port):
    with check("turn_wire: a Binding is answered with where it came from, and a FINGERPRINT"):
        with Client("UDP", (IPV4, port)) as client:
            answer = client.exchange(stun.with_fingerprint(message(stun.BINDING)))
            expect(answer.kind == stun.BINDING | stun.SUCCESS, f"{answer.kind:#x}")
            expect(answer.address(stun.XOR_MAPPED_ADDRESS) == client.address, "another address")
            expect(stun.FINGERPRINT in answer.attributes, "no FINGERPRINT")
    with check("turn_wire: a Binding with a wrong FINGERPRINT is dropped"):
        with Client("UDP", (IPV4, port)) as client:
            client.send(stun.with_fingerprint(message(stun.BINDING), wrong=1))
            right = stun.with_fingerprint(message(stun.BINDING))
            client.send(right)
            # What one socket sends to another over loopback stays in order.
            expect(client.receive()[8:20] == right[8:20], "it was answered")


def relayed(answer):
    return answer.address(stun.XOR_RELAYED_ADDRESS)


def send_indication(there, data):
    attributes = [peer(*there), (stun.DATA_VALUE, data)]
    return message(stun.SEND | stun.INDICATION, attributes)


if __name__ == "__main__":
    run(checks)
