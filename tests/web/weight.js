// @ts-check
// What the first opening costs: every file of the client but the other language and what draws QR
// codes, compressed as it is served.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { check, conclude } from "./browser.js";
import { ASSETS, files } from "./serve.js";

const KIB = 1024;
const MOST = 150 * KIB;
/** Of which the views, their styles and words may take this much. */
const VIEWS = 80 * KIB;

const LATER = /\.png$|\/words\/de\.js$|\/qr\/(symbol|codewords|field)\.js$/;

const all = [["/", join(ASSETS, "index.html")], ...files()].filter(([path]) => !LATER.test(path));
/** @param {(bytes: Buffer) => Buffer} compress @param {RegExp} which */
const sum = (compress, which) => all.filter(([path]) => which.test(path)).reduce((sum, [, file]) => sum + compress(readFileSync(file)).length, 0);
const views = /^\/$|^\/app\/(ui|style|icons)\//;
const [brotli, gzip] = [sum(brotliCompressSync, /./), sum((bytes) => gzipSync(bytes, { level: 9 }), /./)];
console.log(`${all.length} files: ${(brotli / KIB).toFixed(1)} KiB with brotli, ${(gzip / KIB).toFixed(1)} KiB with gzip`);
check("the first opening takes less than 150 KiB", Math.max(gzip, brotli) < MOST, gzip);
check("the views take their share of it", sum(brotliCompressSync, views) < VIEWS, sum(brotliCompressSync, views));
conclude();
