"""coturn's own client speaks to the relay: what is relayed arrives, and strangers are refused."""

import base64
import hashlib
import hmac
import os
import re
import pathlib
import subprocess
import tempfile
import time

from appliance import Appliance
from member import Member
from report import check, expect, run

MESSAGES = 50
CLIENTS = 4
BYTES = 1200  # as large as WebRTC's packets get


def checks(binary):
    # With a secret of ours we can sign what the API never would.
    secret = base64.b64encode(os.urandom(32)).decode()
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder, name) for name in ("secret", "cert.pem", "key.pem")}
        files["secret"].write_text(secret)
        certify("localhost", files["cert.pem"], files["key.pem"])
        settings = [
            f'turn.secret_file="{files["secret"]}"',
            'turn.tls_listen=["127.0.0.1:0"]',
            f'turn.tls_cert="{files["cert.pem"]}"',
            f'turn.tls_key="{files["key.pem"]}"',
        ]
        with Appliance(binary, *settings) as appliance:
            issued(appliance)
            over_streams(appliance)
            signed_with(secret, appliance.turn_port)


def certify(name, certificate, key):
    """A key, and a certificate for `name` that it signed itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        + ["-keyout", key, "-out", certificate],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def issued(appliance):
    """Credentials from the API."""
    port = appliance.turn_port
    with check("turn_uclient: a member is told the relay and credentials for it"):
        told = Member(appliance.origin).call("GET", "/turn-credentials")
        expect(f"turn:127.0.0.1:{port}?transport=udp" in told["urls"], told["urls"])
    name, password = told["username"], told["credential"]
    with check("turn_uclient: channels between clients lose nothing"):
        nothing_lost(uclient(port, name, password))
    with check("turn_uclient: Send indications between clients lose nothing"):
        nothing_lost(uclient(port, name, password, "-s"))
    with check("turn_uclient: a wrong password is refused"):
        refused(uclient(port, name, password[::-1]))
    with check("turn_uclient: a name of another form is refused"):
        refused(uclient(port, "anna", password))


def over_streams(appliance):
    """The same over TCP and over TLS."""
    told = Member(appliance.origin).call("GET", "/turn-credentials")
    name, password = told["username"], told["credential"]
    port, tls_port = appliance.turn_port, appliance.turn_tls_port
    with check("turn_uclient: a member is told the relay over TCP and TLS"):
        expect(f"turn:127.0.0.1:{port}?transport=tcp" in told["urls"], told["urls"])
        expect(f"turns:localhost:{tls_port}?transport=tcp" in told["urls"], told["urls"])
    for transport, port, flags in (("TCP", port, ["-t"]), ("TLS", tls_port, ["-t", "-S"])):
        with check(f"turn_uclient: channels over {transport} lose nothing"):
            nothing_lost(uclient(port, name, password, *flags))
        with check(f"turn_uclient: Send indications over {transport} lose nothing"):
            nothing_lost(uclient(port, name, password, "-s", *flags))
        with check(f"turn_uclient: a wrong password is refused over {transport}"):
            refused(uclient(port, name, password[::-1], *flags))


def signed_with(secret, port):
    """Credentials that differ in their age alone."""
    with check("turn_uclient: credentials made with the shared secret are taken"):
        nothing_lost(uclient(port, *credentials(secret, 60)))
    with check("turn_uclient: expired credentials are refused"):
        refused(uclient(port, *credentials(secret, -1)))


def uclient(port, name, password, *flags):
    """Pairs of clients that send each other numbered packets through the relay."""
    return subprocess.run(
        ["turnutils_uclient", "-v", "-y", "-c", *flags]
        + ["-m", str(CLIENTS), "-n", str(MESSAGES), "-l", str(BYTES)]
        + ["-u", name, "-w", password, "-p", str(port), "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=60,
    )


def nothing_lost(run):
    sums = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", run.stdout)
    lost = re.findall(r"Total lost packets (\d+)", run.stdout)
    all_sent = str(CLIENTS * MESSAGES)
    expect(run.returncode == 0, f"status {run.returncode}: {run.stdout[-500:]}")
    expect(sums and sums[-1] == (all_sent, all_sent), f"sent and received: {sums[-1:]}")
    expect(lost and lost[-1] == "0", f"lost: {lost[-1:]}")


def refused(run):
    expect(run.returncode != 0, "it went through")
    expect("Cannot complete Allocation" in run.stdout, run.stdout[-500:])
    expect("Received relay addr" not in run.stdout, "there was an allocation")


def credentials(secret, seconds):
    """Name and password of the TURN REST scheme that end in `seconds`."""
    name = f"{int(time.time()) + seconds}:00112233aabbccdd"
    mac = hmac.digest(secret.encode(), name.encode(), hashlib.sha1)
    return name, base64.b64encode(mac).decode()


run(checks)
