"""As much of STUN and TURN (RFC 8489, RFC 8656) as it takes to ask a relay anything, also what no
proper client would."""

import base64
import binascii
import contextlib
import hashlib
import hmac
import ipaddress
import os
import socket
import ssl
import struct
import time

BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0006, 0x0008, 0x0009, 0x000A
CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA_VALUE = 0x000C, 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_ADDRESS_FAMILY = 0x0014, 0x0015, 0x0016, 0x0017
EVEN_PORT, REQUESTED_TRANSPORT, DONT_FRAGMENT = 0x0018, 0x0019, 0x001A
MESSAGE_INTEGRITY_SHA256, XOR_MAPPED_ADDRESS, RESERVATION_TOKEN = 0x001C, 0x0020, 0x0022
FINGERPRINT = 0x8028

COOKIE = 0x2112A442
TRIES, PATIENCE = 8, 0.5  # over UDP a request or its answer may get lost
UDP_TO_PEERS = (REQUESTED_TRANSPORT, bytes([17, 0, 0, 0]))


class Silence(Exception):
    """Nothing came in time."""


def credentials(secret, seconds):
    """Name and password of the TURN REST scheme that end in `seconds`."""
    name = f"{int(time.time()) + seconds}:{os.urandom(8).hex()}"
    return name, password_of(secret, name)


def password_of(secret, name):
    """What the scheme has for a name, whatever its form."""
    mac = hmac.digest(secret.encode(), name.encode(), hashlib.sha1)
    return base64.b64encode(mac).decode()


def message(kind, attributes=(), transaction=None, length=None):
    """A message; its header may claim another length than it has."""
    body = b"".join(
        struct.pack(">HH", number, len(value)) + value + bytes(-len(value) % 4)
        for number, value in attributes
    )
    claimed = len(body) if length is None else length
    header = struct.pack(">HHI", kind, claimed, COOKIE)
    return header + (transaction or os.urandom(12)) + body


def lengthened(bare, by):
    """The same message as if `by` more bytes followed: what its MACs cover."""
    return bare[:2] + struct.pack(">H", len(bare) - 20 + by) + bare[4:]


def with_integrity(bare, key, number=MESSAGE_INTEGRITY):
    digest = hashlib.sha1 if number == MESSAGE_INTEGRITY else hashlib.sha256
    size = digest().digest_size
    mac = hmac.digest(key, lengthened(bare, 4 + size), digest)
    return lengthened(bare, 4 + size) + struct.pack(">HH", number, size) + mac


def with_fingerprint(bare, wrong=0):
    covered = lengthened(bare, 8)
    value = binascii.crc32(covered) ^ 0x5354554E ^ wrong
    return covered + struct.pack(">HHI", FINGERPRINT, 4, value)


def peer(host, port, transaction=bytes(12)):
    """XOR-PEER-ADDRESS; an IPv6 one counts in a message with this transaction only."""
    ip = ipaddress.ip_address(host)
    mask = struct.pack(">I", COOKIE) + transaction
    masked = bytes(a ^ b for a, b in zip(ip.packed, mask))
    family = 1 if ip.version == 4 else 2
    return XOR_PEER_ADDRESS, struct.pack(">BBH", 0, family, port ^ COOKIE >> 16) + masked


def number(kind, value):
    """An attribute of 32 bits."""
    return kind, struct.pack(">I", value)


class Answer:
    """A message that came from the relay."""

    def __init__(self, raw):
        self.raw = raw
        self.kind, length = struct.unpack(">HH", raw[:4])
        self.transaction = raw[8:20]
        self.attributes, self._at = {}, {}
        position = 20
        while position < 20 + length:
            kind, size = struct.unpack(">HH", raw[position : position + 4])
            self.attributes.setdefault(kind, raw[position + 4 : position + 4 + size])
            self._at.setdefault(kind, position)
            position += 4 + size + -size % 4

    @property
    def code(self):
        """Why it refuses; none: it doesn't."""
        if self.kind & ERROR != ERROR:
            return None
        return self.attributes[ERROR_CODE][2] * 100 + self.attributes[ERROR_CODE][3]

    @property
    def lifetime(self):
        return struct.unpack(">I", self.attributes[LIFETIME])[0]

    def address(self, kind):
        value = self.attributes[kind]
        mask = struct.pack(">I", COOKIE) + self.transaction
        ip = ipaddress.ip_address(bytes(a ^ b for a, b in zip(value[4:], mask)))
        return str(ip), struct.unpack(">H", value[2:4])[0] ^ COOKIE >> 16

    def is_signed(self, key, kind=MESSAGE_INTEGRITY):
        """Whether its MAC is there and right."""
        if kind not in self.attributes:
            return False
        bare = self.raw[: self._at[kind]]
        return with_integrity(lengthened(bare, 0), key, kind)[-len(self.attributes[kind]) :] == (
            self.attributes[kind]
        )


class Client:
    """A client of the relay at `address` over "UDP", "TCP" or "TLS"."""

    def __init__(self, transport, address, name="", password=""):
        self.name, self.password = name, password
        self.realm = self.nonce = b""
        self.transport = transport
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
        self._socket = socket.socket(family, kind)
        self._socket.settimeout(10)
        self._socket.connect(address)
        if transport == "TLS":
            anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
            self._socket = anyone.wrap_socket(self._socket)
        self._stream = None if transport == "UDP" else self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._stream:
            self._stream.close()
        self._socket.close()

    @property
    def address(self):
        return self._socket.getsockname()[:2]

    @property
    def key(self):
        parts = [self.name.encode(), self.realm, self.password.encode()]
        return hashlib.md5(b":".join(parts)).digest()

    def send(self, raw):
        padding = b"" if self.transport == "UDP" else bytes(-len(raw) % 4)
        self._socket.sendall(raw + padding)

    def receive(self, patience=10):
        """The next message or ChannelData, whole."""
        self._socket.settimeout(patience)
        try:
            return self._socket.recv(65536) if not self._stream else self._frame()
        except TimeoutError:
            raise Silence("nothing came") from None

    def _frame(self):
        header = self._exactly(4)
        length = struct.unpack(">H", header[2:])[0]
        if header[0] >> 6 == 1:
            return header + self._exactly(length + -length % 4)[:length]
        return header + self._exactly(16 + length)

    def _exactly(self, length):
        data = self._stream.read(length)
        if len(data) < length:
            raise ConnectionError("the relay ended the connection")
        return data

    def exchange(self, raw):
        """What is answered to a request, sent again as long as UDP may have lost something."""
        tries, patience = (TRIES, PATIENCE) if self.transport == "UDP" else (1, 10)
        for _ in range(tries):
            self.send(raw)
            deadline = time.monotonic() + patience
            with contextlib.suppress(Silence):
                while True:
                    came = self.receive(max(deadline - time.monotonic(), 0.001))
                    if came[8:20] == raw[8:20] and came[0] >> 6 == 0:
                        return Answer(came)
        raise Silence("no answer")

    def challenge(self):
        """Asks without credentials, and takes up what the relay wants them to be made with."""
        answer = self.exchange(message(ALLOCATE, [UDP_TO_PEERS]))
        if answer.code == 401:
            self.realm, self.nonce = answer.attributes[REALM], answer.attributes[NONCE]
        return answer

    def signed(self, method, *attributes, transaction=None, integrity=MESSAGE_INTEGRITY):
        if not self.nonce:
            self.challenge()
        identity = [(USERNAME, self.name.encode()), (REALM, self.realm), (NONCE, self.nonce)]
        bare = message(method, [*attributes, *identity], transaction)
        return with_integrity(bare, self.key, integrity)

    def ask(self, method, *attributes, **how):
        """A request with credentials."""
        return self.exchange(self.signed(method, *attributes, **how))

    def allocate(self, *attributes):
        return self.ask(ALLOCATE, UDP_TO_PEERS, *attributes)
