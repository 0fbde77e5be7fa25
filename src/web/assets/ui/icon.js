// @ts-check
// The icons: lines on a grid of 24, drawn for this client.

import { svg } from "./dom.js";

const LINES = {
  back: "M15 5l-7 7 7 7",
  send: "M4.5 12L20 4.5 15.5 20l-4-6.5zM11.5 13.5L20 4.5",
  phone: "M6 3.5h3l1.5 4.5-2 1.5a12 12 0 006 6l1.5-2 4.5 1.5v3A2.5 2.5 0 0118 20.5 14.5 14.5 0 013.5 6 2.5 2.5 0 016 3.5z",
  hangup: "M3 13.5c5-5 13-5 18 0l-2 3.2-4-1.2v-2.6a11 11 0 00-6 0v2.6l-4 1.2z",
  mic: "M12 3.5a2.8 2.8 0 012.8 2.8v5a2.8 2.8 0 01-5.6 0v-5A2.8 2.8 0 0112 3.5zM5.5 11a6.5 6.5 0 0013 0M12 17.5v3",
  micOff: "M14.8 10V6.3a2.8 2.8 0 00-5.4-1M9.2 9.5v1.8a2.8 2.8 0 004.2 2.4M5.5 11a6.5 6.5 0 0010.2 5.3M18.5 11a6.5 6.5 0 01-.5 2.4M12 17.5v3M4 3.5l16 17",
  speaker: "M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9a4.2 4.2 0 010 6M18 6.5a7.8 7.8 0 010 11",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  search: "M10.8 4.5a6.3 6.3 0 110 12.6 6.3 6.3 0 010-12.6zM15.4 15.4L20 20",
  plus: "M12 5v14M5 12h14",
  sliders: "M4 7.5h8M17 7.5h3M4 16.5h3M12 16.5h8M14.5 5.2a2.3 2.3 0 110 4.6 2.3 2.3 0 010-4.6zM9.5 14.2a2.3 2.3 0 110 4.6 2.3 2.3 0 010-4.6z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5L7 17l9-9.5M11.5 16l1 1 9-9.5",
  clock: "M12 4a8 8 0 110 16 8 8 0 010-16zM12 8v4.2l2.8 1.8",
  pause: "M9 6v12M15 6v12",
  alert: "M12 4.5l8.5 15h-17zM12 10v4M12 16.8v.01",
  shield: "M12 3.5l7 2.5v5.5c0 4.3-2.8 7.4-7 9-4.2-1.6-7-4.7-7-9V6z",
  verified: "M12 3.5l7 2.5v5.5c0 4.3-2.8 7.4-7 9-4.2-1.6-7-4.7-7-9V6zM8.8 12l2.4 2.4 4.2-4.6",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5H14zM17.5 17.5H20V20h-2.5z",
  camera: "M4 7.5h3.5L9 5h6l1.5 2.5H20v11.5H4zM12 9.5a3.5 3.5 0 110 7 3.5 3.5 0 010-7z",
  copy: "M9 9h10.5v11H9zM15 9V4.5H4.5v11H9",
  bin: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.2 10.5v6M13.8 10.5v6",
  retry: "M19.5 12a7.5 7.5 0 11-2.3-5.4M19.5 4v4h-4",
  close: "M6 6l12 12M18 6L6 18",
  block: "M12 4a8 8 0 110 16 8 8 0 010-16zM6.4 6.4l11.2 11.2",
  flag: "M6 20.5V4h11l-2 4 2 4H6",
  bell: "M6 16.5V11a6 6 0 0112 0v5.5l1.5 1.5h-15zM10 20.5h4",
  shrink: "M7 10l5 5 5-5",
  down: "M12 5v14M6 13l6 6 6-6",
  key: "M4 12a4 4 0 108 0 4 4 0 10-8 0zM12 12h8.5v3.5M16.8 12v2.5",
  leave: "M13.5 4.5h-8v15h8M10 12h10.5M17 8.5l3.5 3.5-3.5 3.5",
  offline: "M4 4l16 16M8 8.3A5 5 0 007 18h9.5M10.5 6.3A5.5 5.5 0 0117.3 11a3.6 3.6 0 012 6",
  pencil: "M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5zM13.5 7l3.5 3.5",
  person: "M12 4a4 4 0 110 8 4 4 0 010-8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  unreadable: "M7 11V8a5 5 0 019.8-1.5M5.5 11h13v9h-13zM12 14.5v2",
  update: "M12 4v10M7.5 10l4.5 4.5 4.5-4.5M5 19.5h14",
  link: "M10 14a4 4 0 005.7 0l3-3A4 4 0 0013 5.3l-1 1M14 10a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.7l1-1",
};

/** @typedef {keyof typeof LINES} IconName */

/**
 * Decoration: what it means is said beside it, or by the name of its button.
 * @param {IconName} icon
 */
export function icon(icon) {
  const drawn = DRAWN.get(icon) ?? draw(icon);
  DRAWN.set(icon, drawn);
  return /** @type {SVGElement} */ (drawn.cloneNode(true));
}

/** Copying is quicker than drawing. @type {Map<IconName, SVGElement>} */
const DRAWN = new Map();

/** @param {IconName} icon */
function draw(icon) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: LINES[icon] }));
}

/** The mark of this client: what is said between two, and stays there. */
export function emblem() {
  return svg("svg", { class: "emblem", viewBox: "0 0 48 48", "aria-hidden": "true", focusable: "false" },
    svg("path", { class: "emblem-core", d: "M24 12.5a13 13 0 010 23 13 13 0 010-23z" }),
    svg("path", { class: "emblem-ring", d: "M6.2 29.5L5 38l7.5-2.2A13 13 0 106.2 29.5zM41.8 29.5L43 38l-7.5-2.2A13 13 0 1141.8 29.5z" }));
}
