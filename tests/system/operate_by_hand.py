"""An operator answers `privcomm setup` in a terminal, and watches the status."""

import pathlib
import tempfile

from appliance import Appliance
from report import check, expect, run
from terminal import Screen

# What stands in for the machine's own programs: a firewall that somebody opens while they are
# asked to, and a service manager that notes what it is told.
NFT = """#!/bin/sh
echo 'table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;'
test -e "$HOME/opened" && echo '    udp dport 3478 accept'
echo '  }
}'
"""
SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$HOME/told"
"""


def checks(binary):
    with tempfile.TemporaryDirectory() as home, Appliance(binary) as appliance:
        home = pathlib.Path(home)
        for name, script in (("nft", NFT), ("systemctl", SYSTEMCTL)):
            (home / name).write_text(script)
            (home / name).chmod(0o755)
        (home / "config.toml").touch()
        nothing_changes(binary, home, appliance)
        backups_change(binary, home, appliance)
        watch(binary, home, appliance)


def setup(binary, home, appliance, *words):
    command = [binary, "setup", "--config", home / "config.toml", "--hold", "1s", *words]
    return operator(command, home, appliance)


def operator(command, home, appliance):
    socket = str(appliance.state / "admin.sock")
    return Screen(command, home, PATH=f"{home}:/usr/bin:/bin", PRIVCOMM_SOCKET=socket)


def answer(screen, home):
    """Answers the first three of the four questions."""
    screen.read_until("The address that members open, or none [none] ")
    screen.type("")
    screen.read_until("3478 on this machine.")
    # Behind a router it waits; a machine with a public address has nothing to wait for.
    if "behind a router" in screen.read_until("\n"):
        screen.read_until("then press Enter, or say skip. ")
        screen.type("")
    screen.read_until("3/4  Firewall        drops UDP 3478.")
    screen.read_until("[done/skip] ")
    screen.type("done")
    # It looks itself: nothing was opened yet.
    screen.read_until("drops UDP 3478.")
    screen.read_until("[done/skip] ")
    (home / "opened").touch()
    screen.type("done")
    screen.read_until("3/4  Firewall        lets UDP 3478 in")


def nothing_changes(binary, home, appliance):
    with check("operate_by_hand: setup waits for router and firewall, and looks for itself"):
        with setup(binary, home, appliance) as screen:
            answer(screen, home)
            screen.read_until("Where to, or none [/var/backups/privcomm] ")
            screen.type("none")
            screen.read_until("needs no change.")
            screen.read_until("Checking ...")
            ends_with_an_invite(screen, appliance)
        expect(not (home / "told").exists(), "it restarted what had nothing to take up")


def backups_change(binary, home, appliance):
    with check("operate_by_hand: setup has the service take up what changed, and invites"):
        with setup(binary, home, appliance, "--yes", "--backup-directory", home / "b") as screen:
            screen.read_until("(1 setting).")
            screen.read_until("Restarted. Checking ...")
            ends_with_an_invite(screen, appliance)
        told = (home / "told").read_text().splitlines()
        expect(told == ["is-active --quiet privcomm", "restart privcomm"], told)


def ends_with_an_invite(screen, appliance):
    said = screen.read_until("Your invite (once, 24 h):")
    expect("packets, 0 lost" in said, said)
    said = screen.read_until("shown this once")
    expect(f"{appliance.origin}/i#" in said and "█" in said, said)
    status = screen.process.wait(10)
    expect(status == 0, f"status {status}")


def watch(binary, home, appliance):
    with check("operate_by_hand: status --watch draws one screen over the other until Ctrl-C"):
        with operator([binary, "status", "--watch", "1"], home, appliance) as screen:
            for _ in range(2):
                screen.read_until("\x1b[H\x1b[2J")
                screen.read_until("\noutside   ")
            screen.press_control_c()
            screen.process.wait(10)


if __name__ == "__main__":
    run(checks)
