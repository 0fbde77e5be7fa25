"""The SDK as a program that is told what to do: examples/correspondent.rs."""

import json
import queue
import subprocess
import threading

PATIENCE = 60  # seconds for an answer or an event


class Correspondent:
    """An account in `vault`; a new one, or the one that is there."""

    def __init__(self, program, vault, server, handle):
        self._command = [program, vault, server, handle]
        self.heard = []
        self._start()
        self.user_id = self._first("me")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """As a crash does; what it said before that was said."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        while not self._said.empty():
            self._take(self._said.get())

    def again(self):
        """After a crash."""
        self._start()
        self._first("me")

    def ask(self, **command):
        """What it answers."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._first("answer")

    def wait_for(self, what, happened):
        """Takes what is said until `happened()`."""
        while not happened():
            try:
                self._take(self._said.get(timeout=PATIENCE))
            except queue.Empty:
                raise AssertionError(f"not: {what}; the last of {len(self.heard)} events: {self.heard[-3:]}") from None

    def texts(self, peer):
        """What came from somebody, in the order in which it was told."""
        return [event["text"] for event in self.heard if event["event"] == "message" and event["from"] == peer]

    def _start(self):
        self._said = queue.Queue()
        self._answers = []
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout, self._said), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(lines, said):
        for line in lines:
            if line.endswith("\n"):  # else it was cut by the kill
                said.put(json.loads(line))

    def _take(self, said):
        if "event" in said:
            self.heard.append(said)
        else:
            self._answers.append(said)

    def _first(self, name):
        self.wait_for(name, lambda: self._answers)
        said = self._answers.pop(0)
        if name not in said:
            raise AssertionError(said.get("failure", said))
        return said[name]
