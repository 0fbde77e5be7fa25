// @ts-check
// Shows a QR code: always dark on white, whatever the theme, with its quiet zone.

import { svg } from "../dom.js";
import { symbol } from "./symbol.js";

const QUIET = 4;

/**
 * @param {string} text
 * @param {string} label what it is, for who doesn't see it
 */
export function picture(text, label) {
  const rows = symbol(text);
  const size = rows.length + QUIET * 2;
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ""))).join("");
  return svg("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("rect", { class: "qr-light", width: size, height: size }),
    svg("path", { class: "qr-dark", d: path }));
}
