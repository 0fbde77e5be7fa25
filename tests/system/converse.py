"""converse.py ORIGIN leave FILE | fetch FILE: two members of the daemon at ORIGIN. One leaves the
other a message and coturn's client has packets relayed; later the other fetches what was left."""

import base64
import json
import pathlib
import re
import subprocess
import sys

from member import Member, request

WORDS = base64.b64encode(b"sealed").decode()


def leave(origin, file):
    sender, recipient = Member(origin), Member(origin)
    body = {"recipient_id": recipient.user_id, "payload": WORDS}
    sent = sender.call("POST", "/messages", body)
    file.write_text(json.dumps({"token": recipient.token, "message": sent["message_id"]}))
    relay(sender.call("GET", "/turn-credentials"))


def relay(told):
    """Clients that send each other packets through the relay."""
    url = next(url for url in told["urls"] if url.startswith("turn:") and "udp" in url)
    host, port = re.fullmatch(r"turn:(.+):(\d+)\?transport=udp", url).groups()
    command = ["turnutils_uclient", "-y", "-s", "-c", "-m", "2", "-n", "10", "-l", "200"]
    command += ["-u", told["username"], "-w", told["credential"], "-p", port, host]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=40)
    if run.returncode != 0 or "Total lost packets 0 " not in run.stdout:
        sys.exit(f"relayed packets were lost: {run.stdout[-500:]}")


def fetch(origin, file):
    left = json.loads(file.read_text())
    waiting = request(origin, "GET", "/api/v1/messages", None, left["token"])["messages"]
    found = [(message["message_id"], message["payload"]) for message in waiting]
    if found != [(left["message"], WORDS)]:
        sys.exit(f"expected the message that was left; got {len(found)}")


{"leave": leave, "fetch": fetch}[sys.argv[2]](sys.argv[1], pathlib.Path(sys.argv[3]))
