"""The web client's files as they are packed into the release binary, fetched and unpacked by curl."""

import hashlib
import json
import pathlib
import subprocess

from appliance import Appliance
from report import check, expect, run

SMALL = 200  # bytes; below it packing may gain nothing


def checks(binary):
    listed = subprocess.run(
        [binary, "web", "hashes", "--json"], check=True, stdout=subprocess.PIPE
    )
    files = json.loads(listed.stdout)["files"]
    with check("web_files: every file of the source tree is in the binary"):
        root = pathlib.Path(__file__).parents[2] / "src/web/assets"
        known = {file["sha256"] for file in files}
        for path in root.rglob("*"):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                expect(digest in known, f"{path.name} is not in it")
    with check("web_files: texts are packed both ways"):
        for file in files:
            if file["media_type"].startswith("text/") and file["bytes"] > SMALL:
                expect(file["brotli_bytes"] and file["gzip_bytes"], file["path"])
    with Appliance(binary) as appliance:
        for coding in ("br", "gzip", "identity"):
            with check(f"web_files: what curl unpacks from {coding} is what is listed"):
                for file in files:
                    fetch(appliance, file, coding)


def fetch(appliance, file, coding):
    command = ["curl", "--silent", "--fail", "--compressed", "--header", f"Accept-Encoding: {coding}"]
    size = ["--write-out", "%{stderr}%{size_download}"]
    got = subprocess.run(
        [*command, *size, appliance.origin + file["path"]], check=True, capture_output=True
    )
    digest = hashlib.sha256(got.stdout).hexdigest()
    expect(digest == file["sha256"], f"{file['path']} differs")
    packed = {"br": "brotli_bytes", "gzip": "gzip_bytes", "identity": "bytes"}[coding]
    expected = file[packed] or file["bytes"]
    travelled = int(got.stderr)
    expect(travelled == expected, f"{file['path']}: {travelled} bytes, expected {expected}")


run(checks)
