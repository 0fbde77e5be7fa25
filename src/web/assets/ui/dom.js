// @ts-check
// Builds nodes. What is passed as text becomes text: there is no way here to pass markup, a style
// or a handler as a string.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, unknown> & { on?: Record<string, (event: any) => void> }} Props */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element of HTML; `on` holds its listeners, everything else its attributes.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  return dress(document.createElement(tag), props, children);
}

/**
 * An element of SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, props = {}, ...children) {
  const node = /** @type {SVGElementTagNameMap[K]} */ (document.createElementNS(SVG, tag));
  return dress(node, props, children);
}

/**
 * What strangers chose to be called: a line of its own direction, without what turns or hides text.
 * @param {string} text
 * @param {Props} [props]
 */
export function name(text, props = {}) {
  return h("bdi", { dir: "auto", ...props }, plainName(text));
}

/** @param {string} text */
export function plainName(text) {
  const plain = text.replace(/(?!\ufe0f)[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu, " ");
  const letters = [...plain.replace(/\p{M}{3,}/gu, (marks) => marks.slice(0, 2)).trim()];
  return letters.length > 80 ? `${letters.slice(0, 80).join("")}…` : letters.join("");
}

/**
 * Sets an attribute, or takes it away.
 * @param {Element} node
 * @param {string} attribute
 * @param {unknown} value
 */
export function set(node, attribute, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(attribute);
  else if (/^(on|style$|src.)/i.test(attribute)) throw new Error(`${attribute} is not settable`);
  else node.setAttribute(attribute, value === true ? "" : String(value));
}

/**
 * Text that is only touched when it differs, so that nothing is read out again.
 * @param {Node} node
 * @param {string} text
 */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `parent` those of `wanted`, in order, moving as few as it can.
 * @param {Node} parent
 * @param {Node[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.childNodes]) if (!keep.has(child)) child.remove();
  let next = parent.firstChild;
  for (const child of wanted) {
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
  }
}

/** A word for screen readers alone. @param {string} text */
export function spoken(text) {
  return h("span", { class: "spoken" }, text);
}

/**
 * @template {Element} N
 * @param {N} node
 * @param {Props} props
 * @param {(Child | Child[])[]} children
 */
function dress(node, props, children) {
  for (const [attribute, value] of Object.entries(props)) {
    if (attribute !== "on") set(node, attribute, value);
  }
  for (const [event, listener] of Object.entries(props.on ?? {})) {
    node.addEventListener(event, listener);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) {
      node.append(typeof child === "number" ? String(child) : child);
    }
  }
  return node;
}
