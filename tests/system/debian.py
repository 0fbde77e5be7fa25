"""Debian 12, freshly made and booted under systemd, with no network but its own loopback."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

RELEASE = "bookworm"
# What the package asks for, and what every installation of Debian has.
INCLUDE = "systemd,systemd-sysv,dbus,procps,init-system-helpers"
BOOT = 60  # seconds
OUTPUT = {"stdin": subprocess.DEVNULL, "text": True, "errors": "replace"}


def impossible():
    """Why this machine can't boot one; nothing, and it can."""
    if os.geteuid() != 0:
        return "that takes root"
    unshared = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], **OUTPUT)
    if unshared.returncode != 0:
        return "this machine lets nobody make namespaces"
    return None


def root(folder):
    """A fresh root file system below `folder`. It is unpacked from an archive that is kept in
    $PRIVCOMM_TEST_CACHE, if that names a directory, and made anew after a week."""
    cache = os.environ.get("PRIVCOMM_TEST_CACHE")
    archive = pathlib.Path(cache or folder) / f"{RELEASE}.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    if not archive.exists() or time.time() - archive.stat().st_mtime > 7 * 86400:
        draft = archive.with_suffix(".draft.tar")
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDE}"]
        _run([*command, RELEASE, draft, *_sources()], 600)
        draft.rename(archive)
    tree = pathlib.Path(folder) / "root"
    tree.mkdir()
    _run(["tar", "--extract", "--numeric-owner", "--file", archive, "--directory", tree], 120)
    return tree


def _sources():
    """Where this machine's apt has Debian from, for the release that is tested."""
    target = "$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", target, "Identifier: Packages"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = (line.split() for line in listed.splitlines())
    mirrors = {words[3] for words in lines if words[:3] == ["Debian", "Debian", "main"]}
    return [f"deb {mirror} {RELEASE} main" for mirror in sorted(mirrors)][:1]


class Machine:
    """`tree`, booted. What runs in it is run by `do`."""

    def __init__(self, tree):
        self._tree = tree
        self._console = open(tree.parent / "console", "w")
        self._process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit"]
            + ["--private-network", "--console=pipe", f"--machine=privcomm-{os.getpid()}"]
            + ["--directory", tree],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
        )

    def __enter__(self):
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._console.close()

    def do(self, *command, patience=60):
        """Runs a command in it; what it said, on both ways, and its status."""
        return subprocess.run(
            self._enter("--all") + ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
            + list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience,
            **OUTPUT,
        )

    def visit(self, *command, patience=60):
        """Runs a command of this machine in its network."""
        return subprocess.run(
            self._enter("--net") + list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience,
            **OUTPUT,
        )

    def put(self, file):
        """Copies a file into it; its path there."""
        shutil.copy(file, self._tree)
        return f"/{pathlib.Path(file).name}"

    def path(self, absolute):
        """Where this machine sees a file of it."""
        return self._tree / absolute.lstrip("/")

    def _enter(self, *namespaces):
        return ["nsenter", "--target", str(self._leader()), *namespaces, "--"]

    def _leader(self):
        pid = self._process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children:
            raise RuntimeError(f"Debian doesn't run: {self._said()}")
        return children[0]

    def _wait(self):
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"Debian didn't boot: {self._said()}")
            try:
                state = self.do("systemctl", "is-system-running", "--wait").stdout.strip()
            except RuntimeError:
                state = ""
            if state in ("running", "degraded"):
                return
            time.sleep(0.2)
        raise RuntimeError(f"Debian didn't boot in {BOOT} s: {self._said()}")

    def _said(self):
        return (self._tree.parent / "console").read_text(errors="replace")[-500:]


def _run(command, patience):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=patience, **OUTPUT
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-500:]}")
