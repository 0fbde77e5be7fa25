"""A relay whose secret is ours, so that we can sign what the API never would."""

import base64
import contextlib
import os
import pathlib
import subprocess
import tempfile

from appliance import Appliance

IPV4, IPV6 = "127.0.0.1", "::1"
TRANSPORTS = ("UDP", "TCP", "TLS")


@contextlib.contextmanager
def relay(binary, *settings, hosts=(IPV4, IPV6)):
    """The daemon with a relay on each of `hosts` over each transport, its secret and the file with
    its certificate, which is for localhost."""
    secret = base64.b64encode(os.urandom(32)).decode()
    listen = ", ".join(f'"[{host}]:0"' if ":" in host else f'"{host}:0"' for host in hosts)
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder, name) for name in ("secret", "cert.pem", "key.pem")}
        files["secret"].touch(mode=0o600)
        files["secret"].write_text(secret)
        certify("localhost", files["cert.pem"], files["key.pem"])
        with Appliance(
            binary,
            f"turn.listen=[{listen}]",
            f"turn.tls_listen=[{listen}]",
            f'turn.secret_file="{files["secret"]}"',
            f'turn.tls_cert="{files["cert.pem"]}"',
            f'turn.tls_key="{files["key.pem"]}"',
            *settings,
        ) as appliance:
            yield appliance, secret, files["cert.pem"]


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


def older_channels(binary):
    """What lets clients bind the channel numbers of RFC 5766, where that must be said: coturn's
    own client draws from them."""
    return ['turn.channels="rfc5766"'] if knows(binary, "channels") else []


def knows(binary, key):
    """Whether this build has a configuration key of that name."""
    example = subprocess.run(
        [binary, "config", "example"], check=True, capture_output=True, text=True
    ).stdout
    return any(line.startswith(f"#{key} = ") for line in example.splitlines())
