"""A program as the foreground of a terminal."""

import fcntl
import os
import select
import subprocess
import termios
import time

from appliance import START, stop
from report import expect


class Screen:
    """`command` in a terminal of its own, with nothing in the environment but what is given."""

    def __init__(self, command, home, **environment):
        self._screen, line = os.openpty()
        self._unread = ""
        usual = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "xterm"}
        self.process = subprocess.Popen(
            command,
            stdin=line,
            stdout=line,
            stderr=line,
            env={**usual, **environment},
            cwd=home,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)
        os.close(self._screen)

    def press_control_c(self):
        os.write(self._screen, b"\x03")

    def read_until(self, words):
        """What came to the screen up to and with `words`; what came after them is for the next look."""
        said, deadline = self._unread, time.monotonic() + START
        while words not in said:
            more = self._take(deadline - time.monotonic())
            expect(more, f"it never said {words!r}, but {said!r}")
            said += more
        before, _, self._unread = said.partition(words)
        return before + words

    def read(self, patience=0):
        """What came to the screen since the last look; nothing when nothing comes any more."""
        said, self._unread = self._unread, ""
        return said or self._take(patience)

    def _take(self, patience):
        if not select.select([self._screen], [], [], max(patience, 0))[0]:
            return ""
        try:
            return os.read(self._screen, 65536).decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # nobody has the other side open
            return ""

    def type(self, words):
        os.write(self._screen, f"{words}\n".encode())
