"""A picture in the terminal is read by somebody else's eyes: drawn as terminals draw it, then decoded
by zbar."""

import pathlib
import re
import struct
import subprocess
import tempfile
import zlib

from appliance import Appliance
from report import check, expect, run
from terminal import Screen

# Pixels of half a cell of a terminal, which is about twice as high as it is wide.
SQUARE = 8
# Which halves of a cell each letter fills, the upper and the lower one.
FILLED = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def checks(binary):
    with tempfile.TemporaryDirectory() as home, Appliance(binary) as appliance:
        home = pathlib.Path(home)
        socket = str(appliance.state / "admin.sock")
        command = [binary, "invite", "create", "--qr", "--socket", socket]
        with check("qr_by_hand: an invite is read off a terminal, black on white"):
            with Screen(command, home) as screen:
                said = screen.read_until("shown this once")
            link, picture = parts(COLOUR.sub("", said))
            # By number: letters are black, what is behind them white.
            expect("\x1b[38;5;16;48;5;231m" in said, "no colours")
            decoded(picture, home / "coloured.png", ink=0, paper=255, link=link)
        with check("qr_by_hand: without colours it is read off a dark terminal"):
            plain = subprocess.run(command, capture_output=True, text=True, check=True)
            link, picture = parts(plain.stdout)
            decoded(picture, home / "plain.png", ink=255, paper=0, link=link)
        with check("qr_by_hand: so is the link that proves what is reached from outside"):
            command = [binary, "doctor", "--outside", "--socket", socket]
            plain = subprocess.run(command, capture_output=True, text=True, check=True)
            link, picture = parts(plain.stdout)
            decoded(picture, home / "outside.png", ink=255, paper=0, link=link)


def parts(said):
    """The link, and the lines of the picture."""
    lines = said.splitlines()
    links = [line for line in lines if re.match(r"https?://\S+#\S+$", line)]
    picture = [line for line in lines if line and not line.strip(" ▀▄█")]
    expect(len(links) == 1 and len(picture) > 10, said)
    return links[0], picture


def decoded(picture, file, ink, paper, link):
    file.write_bytes(png(picture, ink, paper))
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    expect(read.stdout.strip() == link, f"{link} was read as {read.stdout!r} {read.stderr}")


def png(picture, ink, paper):
    """The lines as a grey picture, with what a terminal shows around them."""
    width = max(len(line) for line in picture) + 4
    blank = " " * width
    lines = [blank, *(f"  {line}".ljust(width) for line in picture), blank]
    rows = []
    for line in lines:
        for half in (0, 1):
            row = b"".join(bytes([ink if FILLED[cell][half] else paper]) * SQUARE for cell in line)
            rows += [b"\0" + row] * SQUARE
    size = struct.pack(">IIBBBBB", width * SQUARE, len(rows), 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(kind, data):
    check_sum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check_sum


if __name__ == "__main__":
    run(checks)
