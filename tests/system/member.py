"""A member of the appliance who signs with openssl: all that the HTTP API needs."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.request


class Refused(Exception):
    """The daemon answered with an error."""

    def __init__(self, status, code):
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


def request(origin, method, path, body=None, token=None):
    """The JSON that the daemon at `origin` answers."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    ask = urllib.request.Request(origin + path, data, headers, method=method)
    try:
        with _direct.open(ask, timeout=10) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.code, json.load(error).get("code")) from None
    return json.loads(text) if text else None


class Member:
    """Registered and logged in at `origin`."""

    def __init__(self, origin):
        self.origin = origin
        self._handle = os.urandom(32).hex()
        with tempfile.TemporaryDirectory() as folder:
            self._identity = pathlib.Path(folder) / "identity.pem"
            self.user_id = self._register()
            self.token = self._login()

    def call(self, method, path, body=None):
        """A request of the API that carries this member's token."""
        return request(self.origin, method, f"/api/v1{path}", body, self.token)

    def _register(self):
        _openssl("genpkey", "-algorithm", "ed25519", "-out", self._identity)
        prekey = _agreement_key()
        nonce = self._challenge()
        digest = _base64(hashlib.sha256(prekey).digest())
        answer = request(
            self.origin,
            "POST",
            "/api/v1/register",
            {
                "phone_hash": self._handle,
                "identity_key": _base64(_public_key(self._identity)),
                "signed_prekey": _base64(prekey),
                "prekey_signature": self._sign(prekey),
                "one_time_prekeys": [],
                "nonce": nonce,
                "registration_signature": self._sign_text("PrivComm_Register_v1", nonce, digest),
            },
        )
        return answer["user_id"]

    def _login(self):
        nonce = self._challenge()
        proof = {
            "phone_hash": self._handle,
            "nonce": nonce,
            "signature": self._sign_text("PrivComm_Auth_v1", nonce),
        }
        return request(self.origin, "POST", "/api/v1/auth/token", proof)["token"]

    def _challenge(self):
        handle = {"phone_hash": self._handle}
        return request(self.origin, "POST", "/api/v1/auth/challenge", handle)["nonce"]

    def _sign_text(self, label, *rest):
        return self._sign("\n".join([label, self.origin, self._handle, *rest]).encode())

    def _sign(self, message):
        # A signature over all of the message at once needs the message in a file.
        with tempfile.NamedTemporaryFile() as file:
            file.write(message)
            file.flush()
            signature = _openssl(
                "pkeyutl", "-sign", "-rawin", "-inkey", self._identity, "-in", file.name
            )
        return _base64(signature)


# Loopback is reached directly, whatever proxy the environment names.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _agreement_key():
    with tempfile.NamedTemporaryFile() as file:
        _openssl("genpkey", "-algorithm", "x25519", "-out", file.name)
        return _public_key(file.name)


def _public_key(file):
    """The last 32 bytes of its DER form are the key itself."""
    return _openssl("pkey", "-in", file, "-pubout", "-outform", "DER")[-32:]


def _openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def _base64(data):
    return base64.b64encode(data).decode()
