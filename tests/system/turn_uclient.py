"""coturn's own client speaks to the relay: what is relayed arrives, and strangers are refused."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from member import Member
from relay import IPV4, IPV6, TRANSPORTS, older_channels, relay
from report import check, expect, run
from stun import credentials

MESSAGES = 50
CLIENTS = 4
BYTES = 1200  # as large as WebRTC's packets get
FLAGS = {"UDP": [], "TCP": ["-t"], "TLS": ["-t", "-S"]}


def checks(binary):
    with relay(binary, *older_channels(binary)) as (appliance, secret, _):
        issued(appliance)
        for transport in TRANSPORTS:
            for host, family in ((IPV4, "IPv4"), (IPV6, "IPv6")):
                way = f"over {transport} and {family}"
                between_clients(appliance, transport, host, way, secret)
        signed_with(secret, appliance.turn_port)


def issued(appliance):
    """What the API says."""
    told = Member(appliance.origin).call("GET", "/turn-credentials")
    port = appliance.turn_port
    with check("turn_uclient: a member is told the relay over UDP, TCP and TLS"):
        tls_port = appliance.turn("TLS", IPV4)
        expect(f"turn:127.0.0.1:{port}?transport=udp" in told["urls"], told["urls"])
        expect(f"turn:127.0.0.1:{port}?transport=tcp" in told["urls"], told["urls"])
        expect(f"turns:localhost:{tls_port}?transport=tcp" in told["urls"], told["urls"])
    with check("turn_uclient: the credentials for it open it"):
        nothing_lost(pairs(IPV4, port, told["username"], told["credential"]))


def between_clients(appliance, transport, host, way, secret):
    """Pairs of clients of one name; over IPv6 their relayed addresses are of IPv6 too."""
    name, password = credentials(secret, 60)
    port, flags = appliance.turn(transport, host), FLAGS[transport]
    if host == IPV6:
        flags = [*flags, "-x"]
    to = (host, port, name, password)
    runs = uclient_all(to, ["-y", *flags], ["-y", "-s", *flags])
    for what, run in zip(("channels", "Send indications"), runs):
        with check(f"turn_uclient: {what} between clients {way} lose nothing"):
            nothing_lost(run)
    with check(f"turn_uclient: a wrong password is refused {way}"):
        refused(pairs(host, port, name, password[::-1], *flags))


def signed_with(secret, port):
    """Credentials that differ in their age or form alone."""
    name, password = credentials(secret, 60)
    with check("turn_uclient: credentials made with the shared secret are taken"):
        nothing_lost(pairs(IPV4, port, name, password))
    with check("turn_uclient: expired credentials are refused"):
        refused(pairs(IPV4, port, *credentials(secret, -1)))
    with check("turn_uclient: a name of another form is refused"):
        refused(pairs(IPV4, port, "anna", password))


def pairs(host, port, name, password, *flags):
    """Clients that send each other numbered packets through the relay."""
    return uclient(host, port, name, password, "-y", *flags)


def uclient_all(to, *runs):
    """A run of coturn's client with each of these flags, all at the same time: most of the time it
    waits."""
    with ThreadPoolExecutor(len(runs)) as threads:
        return list(threads.map(lambda flags: uclient(*to, *flags), runs))


def uclient(host, port, name, password, *flags):
    """coturn's client, without RTCP."""
    return subprocess.run(
        ["turnutils_uclient", "-v", "-c", *flags]
        + ["-m", str(CLIENTS), "-n", str(MESSAGES), "-l", str(BYTES)]
        + ["-u", name, "-w", password, "-p", str(port), host],
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


if __name__ == "__main__":
    run(checks)
