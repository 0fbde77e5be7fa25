"""Two `privcomm client` processes write to each other, and one of them is killed 200 times."""

import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time
import uuid

from appliance import Appliance, stop
from report import check, expect, run

KILLS = 200
LONGEST_WAIT = 0.25  # seconds before a kill
OF_THE_CONNECTED = 0.8  # of all kills, so many come when a session stands
MOST_UNDER_WAY = 10  # messages of one side that the other hasn't been told
BETWEEN_ORDERS = 0.02  # seconds between two messages of one side
PATIENCE = 60  # seconds until everything must have arrived after the last kill
FREE = "1000000/1s"
RATES = ["register", "challenge", "token", "bundle", "bundle_pair", "key_upload", "account_changes"]
RATES += ["turn_credentials", "messages", "frames"]
BURSTS = ["messages_burst", "frames_burst"]


def checks(binary):
    settings = [f'limits.{rate}="{FREE}"' for rate in RATES]
    settings += [f"limits.{burst}=1000000" for burst in BURSTS]
    settings += ['registration.mode="invite"', "store.disk_floor=1048576"]
    with Appliance(binary, *settings) as appliance, tempfile.TemporaryDirectory() as folder:
        homes = {name: pathlib.Path(folder) / name for name in ("anna", "ben")}
        for name in homes:
            with check(f"client: {name} registers by a link of an invite, once"):
                link = invite(binary, appliance)
                made = client(binary, homes[name], "register", link, name)
                again = client(binary, homes[name], "register", link, name)
                expect(made["user_id"] == again["user_id"], "another account")
        with check("client: each finds the other by handle, and what waited is told once"):
            for name, peer in (("anna", "ben"), ("ben", "anna")):
                client(binary, homes[name], "send", peer, f"I am {name}")
            heard = [line.get("text") for line in listen_once(binary, homes["ben"])]
            expect(heard.count("I am anna") == 1, heard)
            heard = [line.get("text") for line in listen_once(binary, homes["ben"])]
            expect("I am anna" not in heard, heard)
            listen_once(binary, homes["anna"])
        with check("client: each allows the other, and hears that messages arrive"):
            for name, peer in (("anna", "ben"), ("ben", "anna")):
                client(binary, homes[name], "contacts", "allow", peer)
            client(binary, homes["anna"], "send", "ben", "once more")
            listen_once(binary, homes["ben"])
            heard = [line["event"] for line in listen_once(binary, homes["anna"])]
            expect("receipt" in heard, heard)
        killed_at_random(binary, homes)
        verified(binary, homes)
        relayed(binary, homes["anna"])
        exported(binary, homes, pathlib.Path(folder))
        deleted(binary, homes["ben"])


def invite(binary, appliance):
    socket = appliance.state / "admin.sock"
    made = command(binary, "invite", "create", "--socket", socket)
    return f"{appliance.origin}/i#{made['code']}"


def command(binary, *arguments, status=0):
    ended = subprocess.run(
        [binary, "--json", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    expect(ended.returncode == status, f"status {ended.returncode}: {ended.stderr}")
    return json.loads(ended.stdout) if ended.stdout else None


def listen_once(binary, home):
    listen = [binary, "--json", "client", "listen", "--once", "--dir", home]
    ended = subprocess.run(listen, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def client(binary, home, *arguments, status=0):
    return command(binary, "client", *arguments, "--dir", home, status=status)


def killed_at_random(binary, homes):
    chance = random.Random(os.environ.get("SEED"))
    annas, bens = Bot(binary, homes["anna"], "ben"), Bot(binary, homes["ben"], "anna")
    bots = [annas, bens]
    annas.other, bens.other = bens, annas
    try:
        for bot in bots:
            bot.start()
        for _ in range(KILLS):
            victim = chance.choice(bots)
            if chance.random() < OF_THE_CONNECTED:
                victim.is_up.wait(PATIENCE)
            time.sleep(chance.uniform(0, LONGEST_WAIT))
            victim.kill()
            victim.start()
        for bot in bots:
            bot.enough()
        with check(f"client: after {KILLS} times kill -9 nothing is lost"):
            for sender, recipient in ((annas, bens), (bens, annas)):
                deadline = time.monotonic() + PATIENCE
                while sender.unconfirmed() or not sender.texts() <= recipient.heard():
                    missing = sorted(sender.texts() - recipient.heard())
                    sent = len(sender.texts())
                    expect(time.monotonic() < deadline, f"{len(missing)} of {sent}: {missing[:5]}")
                    time.sleep(0.05)
                expect(len(sender.texts()) >= KILLS / 2, f"only {len(sender.texts())} were sent")
        with check("client: and nothing is told twice, but for repeats under one number"):
            for sender, recipient in ((annas, bens), (bens, annas)):
                expect(not recipient.broken, recipient.broken[:3])
                doubled = [text for text, count in recipient.counted().items() if count > 1]
                expect(not doubled, doubled[:5])
                expect(recipient.heard() <= sender.texts(), "somebody else's words")
        with check("client: and each side's messages are told in the order in which they were sent"):
            for bot in bots:
                order = [int(text.split()[1]) for _, text in sorted(bot.messages.items())]
                expect(order == sorted(order), order[:20])
    finally:
        for bot in bots:
            bot.end()


class Bot:
    """A bot over two pipes. It gives an order again until it hears that it was kept, and knows a line
    that comes again by its number."""

    def __init__(self, binary, home, peer):
        self.command = [binary, "--json", "client", "listen", "--input", "--dir", home]
        self.peer, self.process, self.log = peer, None, home.with_suffix(".log")
        self.lock = threading.Lock()
        self.orders = collections.OrderedDict()  # id: text, until they are kept
        self.sent, self.messages, self.broken = set(), {}, []
        self.writing = True

    def start(self):
        self.is_up = threading.Event()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.threads = [
            threading.Thread(target=work, args=(self.process,)) for work in (self.write, self.read)
        ]
        for thread in self.threads:
            thread.start()

    def write(self, process):
        with self.lock:
            again = list(self.orders.items())
        try:
            for message, text in again:
                self.say(process, message, text)
            while process.poll() is None:
                time.sleep(BETWEEN_ORDERS)
                if len(self.texts() - self.other.heard()) >= MOST_UNDER_WAY:
                    continue
                with self.lock:
                    if not self.writing:
                        return
                    message, text = str(uuid.uuid4()), f"{self.peer} {len(self.sent)}"
                    self.orders[message] = text
                    self.sent.add(text)
                self.say(process, message, text)
        except BrokenPipeError:
            pass

    def say(self, process, message, text):
        order = {"id": message, "to": self.peer, "text": text, "ref": message}
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()

    def read(self, process):
        for line in process.stdout:
            if not line.endswith("\n"):
                return  # cut off by the kill
            said = json.loads(line)
            with self.lock:
                self.take(said)

    def take(self, said):
        if said["event"] == "connected":
            self.is_up.set()
        if said["event"] == "sent":
            self.orders.pop(said["ref"], None)
        elif said["event"] == "failed":
            self.broken.append(said)
        elif said["event"] == "message":
            known = self.messages.setdefault(said["number"], said["text"])
            if known != said["text"]:
                self.broken.append(said)
        elif said["event"] in ("unreadable", "identity_changed", "refused", "unsupported"):
            self.broken.append(said)

    def kill(self):
        self.process.kill()
        self.wait()
        if self.process.returncode != -signal.SIGKILL:
            self.broken.append(f"it had ended by itself: {self.log.read_text()[-300:]}")

    def wait(self):
        self.process.wait()
        for thread in self.threads:
            thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def enough(self):
        with self.lock:
            self.writing = False

    def end(self):
        self.enough()
        if self.process:
            stop(self.process)
            self.wait()

    def unconfirmed(self):
        with self.lock:
            return len(self.orders)

    def texts(self):
        with self.lock:
            return set(self.sent)

    def counted(self):
        with self.lock:
            return collections.Counter(self.messages.values())

    def heard(self):
        return set(self.counted())


def verified(binary, homes):
    with check("client: both see one safety number, and scan each other's codes"):
        annas = client(binary, homes["anna"], "verify", "ben")
        bens = client(binary, homes["ben"], "verify", "anna")
        expect(annas["safety_number"] == bens["safety_number"], "two numbers")
        scanned = client(binary, homes["anna"], "verify", "ben", "--scanned", bens["qr"])
        expect(scanned["identity"] == "verified", scanned["identity"])
        client(binary, homes["ben"], "verify", "anna", "--scanned", bens["qr"], status=7)


def relayed(binary, home):
    with check("client: call-test relays packets both ways over every transport"):
        test = client(binary, home, "call-test", "--packets", "25")
        expect(test["ok"] and len(test["results"]) >= 2, test)
        expect(all(one["lost"] == 0 for one in test["results"]), test)


def exported(binary, homes, folder):
    with check("client: an exported backup is the same account, with its contacts"):
        file = folder / "anna.backup"
        exported = client(binary, homes["anna"], "export", "--backup", file)
        environment = {**os.environ, "PRIVCOMM_RECOVERY_CODE": exported["recovery_code"]}
        restored = folder / "restored"
        subprocess.run(
            [binary, "--json", "client", "restore", file, "--dir", restored],
            env=environment,
            check=True,
            capture_output=True,
        )
        contacts = client(binary, restored, "contacts", "list")["contacts"]
        ben = next(contact for contact in contacts if contact["name"] == "ben")
        expect(ben["identity"] == "verified", ben)
        again = client(binary, restored, "export")
        expect(again["account"]["user_id"] == exported["account"]["user_id"], "another account")


def deleted(binary, home):
    with check("client: a deleted account is gone, here and there"):
        client(binary, home, "delete", "--yes")
        client(binary, home, "contacts", "list", status=4)


run(checks)
