"""As much of RFC 6455 as a client needs that sends text and is told goodbye."""

import base64
import json
import os
import socket
import struct

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class WebSocket:
    """A connection to the daemon's `/ws`, logged in by its first frame."""

    def __init__(self, port, token):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._stream = self.socket.makefile("rb")
        self._upgrade(port)
        self.send({"type": "auth", "token": token})
        self.ready = self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self.socket.close()

    def send(self, frame):
        """Sends a JSON object."""
        self._write(TEXT, json.dumps(frame).encode())

    def receive(self):
        """The next JSON object. What the daemon's close frame says is raised as `Closed`."""
        while True:
            kind, payload = self._read()
            if kind == TEXT:
                return json.loads(payload)
            if kind == PING:
                self._write(PONG, payload)
            elif kind == CLOSE:
                raise Closed(int.from_bytes(payload[:2], "big"))

    def answer_close(self, code):
        """Completes the closing handshake."""
        self._write(CLOSE, struct.pack(">H", code))

    def _upgrade(self, port):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        status = self._stream.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"no upgrade: {status!r}")
        while self._stream.readline().strip():
            pass

    def _write(self, kind, payload):
        mask = os.urandom(4)
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else struct.pack(">BH", 0x80 | 126, length)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | kind]) + size + mask + masked)

    def _read(self):
        kind, length = self._exactly(2)
        if length == 126:
            length = int.from_bytes(self._exactly(2), "big")
        elif length == 127:
            length = int.from_bytes(self._exactly(8), "big")
        return kind & 15, self._exactly(length)

    def _exactly(self, length):
        data = self._stream.read(length)
        if len(data) < length:
            raise ConnectionError("the connection ended without a close frame")
        return data


class Closed(Exception):
    """The daemon closed the connection and said why."""

    def __init__(self, code):
        super().__init__(f"closed with code {code}")
        self.code = code
