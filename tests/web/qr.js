// @ts-check
// QR codes of every version are read back by a reader that isn't ours (zbarimg of zbar-tools).

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "../../src/web/assets/ui/qr/codewords.js";
import { symbol } from "../../src/web/assets/ui/qr/symbol.js";
import { check, conclude } from "./browser.js";

const QUIET = 4;
const SCALE = 4;
const folder = mkdtempSync(join(tmpdir(), "qr-"));

/** @param {number} length */
const text = (length) => Array.from({ length }, (_, at) => "privcomm:sn1:ABCdef-_0123456789/#+"[(at * 7 + length) % 34]).join("");

/** The longest text of each version. */
const longest = Array.from({ length: 666 }, (_, at) => at + 1).filter((length) => length === 666 || encode(text(length)).version < encode(text(length + 1)).version);
check("there are twenty versions", longest.length === 20, longest);
const unread = longest.flatMap((length) => [length, Math.max(1, length - 1)]).filter((length) => read(symbol(text(length))) !== text(length));
check("every version is read back, full and nearly full", unread.length === 0, unread);
let refused = false;
try {
  symbol(text(667));
} catch (error) {
  refused = error instanceof RangeError;
}
check("what is too long is refused", refused);
rmSync(folder, { recursive: true });
conclude();

/** @param {boolean[][]} rows */
function read(rows) {
  const size = (rows.length + QUIET * 2) * SCALE;
  const pixels = Buffer.alloc(size * size, 255);
  rows.forEach((row, y) => row.forEach((dark, x) => {
    if (!dark) return;
    for (let down = 0; down < SCALE; down += 1) pixels.fill(0, ((y + QUIET) * SCALE + down) * size + (x + QUIET) * SCALE, ((y + QUIET) * SCALE + down) * size + (x + QUIET + 1) * SCALE);
  }));
  const path = join(folder, "code.pgm");
  writeFileSync(path, Buffer.concat([Buffer.from(`P5 ${size} ${size} 255\n`), pixels]));
  return spawnSync("zbarimg", ["-q", "--raw", "--oneshot", path], { encoding: "utf8" }).stdout.replace(/\n$/, "");
}
