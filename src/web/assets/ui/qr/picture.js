// @ts-check
// Shows a QR code: always dark on white, whatever the theme, with its quiet zone. How to draw one is
// fetched when the first is shown.

import { set, svg } from "../dom.js";

const QUIET = 4;

/**
 * @param {string} text
 * @param {string} label what it is, for who doesn't see it
 */
export function picture(text, label) {
  const node = svg("svg", { class: "qr", viewBox: "0 0 45 45", role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("rect", { class: "qr-light", width: "100%", height: "100%" }));
  void import("./symbol.js").then(({ symbol }) => draw(node, symbol(text)));
  return node;
}

/** @param {SVGElement} node @param {boolean[][]} rows */
function draw(node, rows) {
  const size = rows.length + QUIET * 2;
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ""))).join("");
  set(node, "viewBox", `0 0 ${size} ${size}`);
  node.append(svg("path", { class: "qr-dark", d: path }));
}
