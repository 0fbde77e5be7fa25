"""A way to the daemon that breaks: connections are cut at random, whatever is on its way in them."""

import contextlib
import random
import socket
import threading


class Cutting:
    """Listens on a port of the system's choice, for `origin`, and passes on what comes."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._target = None
        # After how many pieces a connection is cut, at most; none for as long as it wants.
        self.patience = None
        self.cuts = 0
        self._sockets = []
        self._frozen = set()
        self._unanswered = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def leads_to(self, port):
        """None: connections are taken, and nobody answers."""
        self._target = port

    def freeze(self):
        """The newest WebSocket is half dead from now on: it stands, and nothing comes or goes."""
        self._frozen.add(self._sockets[-1])

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(here,), daemon=True).start()

    def _join(self, here):
        if self._target is None:
            self._unanswered.append(here)
            return
        try:
            there = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            here.close()
            return
        both = (here, there)
        for source, sink in (both, both[::-1]):
            threading.Thread(target=self._carry, args=(source, sink, both), daemon=True).start()

    def _carry(self, source, sink, both):
        left = self._random.randint(1, self.patience) if self.patience else None
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if both in self._frozen:
                    continue
                if b"upgrade: websocket" in piece.lower():
                    self._sockets.append(both)
                if left is not None:
                    left -= 1
                    if left <= 0:
                        self.cuts += 1
                        # Some of the last piece may still arrive.
                        sink.sendall(piece[: self._random.randint(0, len(piece))])
                        break
                sink.sendall(piece)
        for end in both:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
