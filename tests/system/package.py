"""The Debian package: built, judged by lintian and systemd, then installed on a Debian 12 that was
booted for it, used, upgraded, broken, removed and purged.

Without root and namespaces nothing can be booted, and the checks fail. PRIVCOMM_NO_BOOT=1 has them
left out; each says so."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import debian
from report import check, expect, run

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ORIGIN = "http://127.0.0.1:8000"
EXPOSURE = 1.2  # of `systemd-analyze security`, at most
NEWER = "1:0-1"  # higher than whatever is built
CONFIG = "/etc/privcomm/config.toml"
BACKUPS = "/var/backups/privcomm"


def checks(_binary):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        package = None
        with check("package: it is built in one command"):
            package = build()
        if package is None:
            return
        judged(package)
        units(package, pathlib.Path(folder))
        reason = debian.impossible()
        if reason and os.environ.get("PRIVCOMM_NO_BOOT"):
            print(f"skipped package: NOT INSTALLED ANYWHERE, because {reason}", flush=True)
            return
        with check("package: Debian 12 boots to install it on"):
            expect(not reason, f"{reason}; PRIVCOMM_NO_BOOT=1 goes without")
            with debian.Machine(debian.root(folder)) as machine:
                lifetime(machine, package, pathlib.Path(folder))


def build(*options):
    """The package's file."""
    done = subprocess.run(
        [PROJECT / "packaging" / "build", *options], capture_output=True, text=True, cwd=PROJECT
    )
    expect(done.returncode == 0, (done.stdout + done.stderr)[-1000:])
    files = [line for line in done.stdout.splitlines() if line.endswith(".deb") and "/" in line]
    sizes = [line for line in done.stdout.splitlines() if " bytes " in line]
    print("\n".join(sizes), file=sys.stderr)
    return pathlib.Path(files[-1])


def said(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def judged(package):
    with check("package: lintian finds nothing at any level"):
        levels = ["--display-info", "--pedantic", "--fail-on", "error,warning,info,pedantic"]
        verdict = said(["lintian", "--allow-root", *levels, package])
        expect(verdict.returncode == 0, verdict.stdout)
    with check("package: no path of the machine that built it is in the binary"):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
            binary = pathlib.Path(folder, "usr/bin/privcomm").read_bytes()
        for path in (str(PROJECT), str(pathlib.Path.home())):
            expect(f"{path}/".encode() not in binary, path)


def units(package, folder):
    tree = folder / "units"
    subprocess.run(["dpkg-deb", "--extract", package, tree], check=True)
    files = sorted((tree / "usr/lib/systemd/system").iterdir())
    with check("package: systemd understands every line of the units"):
        # The program isn't installed on this machine: one that is stands for it.
        for unit in files:
            text = unit.read_text().replace("/usr/bin/privcomm", "/usr/bin/true")
            (folder / unit.name).write_text(text)
        verdict = said(["systemd-analyze", "verify", "--man=no", *(folder / u.name for u in files)])
        expect(verdict.returncode == 0 and not verdict.stdout.strip(), verdict.stdout)
    with check(f"package: the service is exposed by {EXPOSURE} at most"):
        service = tree / "usr/lib/systemd/system/privcomm.service"
        verdict = said(["systemd-analyze", "security", "--offline=true", "--no-pager", service])
        exposure = re.search(r"exposure level.*: ([\d.]+)", verdict.stdout)
        expect(exposure and float(exposure[1]) <= EXPOSURE, verdict.stdout[-200:])


def lifetime(machine, package, folder):
    installed(machine, package)
    set_up(machine)
    used(machine, folder / "left")
    upgraded(machine, folder / "left")
    restored(machine)
    broken(machine, f"/{package.name}")
    gone(machine)


def dpkg(machine, *arguments):
    """The last line that dpkg's scripts say."""
    done = machine.do("dpkg", *arguments)
    expect(done.returncode == 0, done.stdout)
    return done.stdout.strip().splitlines()[-1]


def installed(machine, package):
    with check("package: installed, it runs and says where"):
        line = dpkg(machine, "--install", machine.put(package))
        expect(line.startswith("privcomm is running (web and API on 127.0.0.1:8000, calls on"), line)
        state = machine.do("systemctl", "is-active", "privcomm").stdout.strip()
        expect(state == "active", state)
        enabled = machine.do("systemctl", "is-enabled", "privcomm", "privcomm-443.socket").stdout
        expect(enabled.split() == ["enabled", "disabled"], enabled)
    with check("package: nothing in its sandbox is in its way"):
        journal = machine.do("journalctl", "--unit=privcomm", "--priority=warning", "--output=cat")
        lines = [line for line in journal.stdout.splitlines() if not line.startswith("-- ")]
        expect(not lines, lines)
    with check("package: only its user can read its state"):
        listed = machine.do("stat", "--format=%U:%G %a", "/var/lib/privcomm", BACKUPS)
        expect(listed.stdout.split("\n")[:2] == ["privcomm:privcomm 700"] * 2, listed.stdout)


def set_up(machine):
    with check("package: setup writes a public name, restarts the service, holds a socket and invites"):
        # A way out, as every machine has one: members are told the address that leads there.
        for words in (
            "link add out type veth peer name far",
            "addr add 198.51.100.7/24 dev out",
            "link set far up",
            "link set out up",
            "route add default dev out",
        ):
            expect(machine.visit("ip", *words.split()).returncode == 0, words)
        before = machine.do("systemctl", "show", "privcomm", "-p", "MainPID").stdout
        answers = ["--public-url", ORIGIN, "--yes", "--hold", "31s"]
        done = machine.do("privcomm", "setup", *answers, patience=120)
        expect(done.returncode == 0, done.stdout)
        for words in ("(1 setting).", "Restarted. Checking ...", "socket held 31 s, 1 heartbeat", "/i#"):
            expect(words in done.stdout, f"{words} is not in {done.stdout}")
        expect(machine.do("systemctl", "show", "privcomm", "-p", "MainPID").stdout != before, "no restart")


def used(machine, left):
    with check("package: a reload takes up that anybody may register"):
        file = machine.path(CONFIG)
        file.write_text(file.read_text().replace('mode = "invite"', 'mode = "open"'))
        reloaded = machine.do("systemctl", "reload", "privcomm")
        expect(reloaded.returncode == 0, reloaded.stdout)
        converse(machine, "leave", left)
    with check("package: a message and relayed packets pass"):
        expect(left.exists(), "none was sent")


def converse(machine, *arguments):
    program = pathlib.Path(__file__).with_name("converse.py")
    done = machine.visit(sys.executable, "-B", program, ORIGIN, *arguments, patience=90)
    expect(done.returncode == 0, done.stdout[-500:])


def upgraded(machine, left):
    with check("package: an upgrade keeps what was accepted and what was configured"):
        newer = build("--deb-version", NEWER)
        line = dpkg(machine, "--install", machine.put(newer))
        expect(line.startswith("privcomm is running ("), line)
        expect('mode = "open"' in machine.path(CONFIG).read_text(), "the configuration was replaced")
        converse(machine, "fetch", left)


def restored(machine):
    with check("package: a backup is made, tried, and put in place"):
        made = machine.do("privcomm", "backup", "create")
        expect(made.returncode == 0, made.stdout)
        newest = max(machine.path(BACKUPS).iterdir(), key=lambda file: file.stat().st_mtime)
        drill = machine.do("privcomm", "restore", newest.stem, "--drill")
        expect(drill.returncode == 0, drill.stdout)
        put = machine.do("privcomm", "restore", newest.stem, "--yes")
        expect(put.returncode == 0 and "; started" in put.stdout, put.stdout)
        healthy = machine.visit("curl", "--silent", "--fail", "--noproxy", "*", f"{ORIGIN}/health")
        expect('"healthy"' in healthy.stdout, healthy.stdout)


def broken(machine, package):
    with check("package: a service that can't start fails no installation and says why"):
        file = machine.path(CONFIG)
        right = file.read_text()
        section = "[server]\n"
        expect(section in right, right)
        file.write_text(right.replace(section, section + "listen = [\"127.0.0.1\"]\n", 1))
        line = dpkg(machine, "--install", "--force-downgrade", package)
        expect(line.startswith("privcomm is installed, but did not start: error"), line)
        expect("server.listen" in line and "journalctl -u privcomm" in line, line)
        file.write_text(right)
        started = machine.do("systemctl", "restart", "privcomm")
        expect(started.returncode == 0, started.stdout)


def gone(machine):
    state = machine.path("/var/lib/privcomm")
    before = sorted(file.name for file in state.iterdir())
    with check("package: removed, it leaves state and configuration"):
        line = dpkg(machine, "--remove", "privcomm")
        expect("stay in /var/lib/privcomm" in line, line)
        expect(machine.do("systemctl", "is-active", "privcomm").stdout.strip() == "inactive", "active")
        expect(sorted(file.name for file in state.iterdir()) == before, "state is gone")
        expect(machine.path(CONFIG).exists(), "the configuration is gone")
    with check("package: purged, it says how to delete what is left"):
        line = dpkg(machine, "--purge", "privcomm")
        expect("rm -r /var/lib/privcomm" in line, line)
        expect(not machine.path(CONFIG).parent.exists(), "the configuration stays")
        expect(sorted(file.name for file in state.iterdir()) == before, "state is gone")


run(checks)
