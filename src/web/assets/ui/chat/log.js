// @ts-check
// The messages of a conversation, of any number. They are fetched by the page from the newest
// backwards, and stand in blocks; a block that is far from what is seen keeps its height and
// lets go of its nodes. The scroller counts from its end (`column-reverse` with one child), so what
// is put above what is seen never moves it.

import { h, say, spoken } from "../dom.js";
import { icon } from "../icon.js";
import { explain } from "../trouble.js";
import { t } from "../words.js";
import { Block } from "./block.js";

/** @typedef {import("../../model.js").Message} Message */
/** @typedef {import("../../model.js").Model} Model */
/** @typedef {import("./bubble.js").Deeds} Deeds */

/** Messages that are fetched at once: to begin with, further back, and on the way to one that was searched for. */
const PAGE = 50;
const FURTHER = 100;
const LEAP = 500;
/** Messages whose nodes come and go together. */
const BLOCK = 20;
const READ_ANEW = 120;
/** How far beyond what is seen blocks are filled, and how far nearer to the start pages are fetched. */
const AROUND = 2000;
const AHEAD = 6000;
const AT_END = 60;

export class Log {
  /** @param {Model} model @param {string} peer @param {Deeds} deeds */
  constructor(model, peer, deeds) {
    this.model = model;
    this.peer = peer;
    this.deeds = deeds;
    /** @type {Block[]} oldest first */
    this.blocks = [];
    this.count = 0;
    this.missed = 0;
    this.divider = "";
    /** @type {Promise<void> | null} */
    this.reading = null;
    this.again = false;
    this.older = h("div", { class: "older", "aria-hidden": "true" }, h("span", { class: "wheel" }));
    this.start = h("p", { class: "log-start" }, icon("shield"), h("span", {}, t("chat.start")));
    this.inner = h("div", { class: "log-inner" }, this.older);
    this.node = h("div", { class: "log", role: "log", "aria-live": "off", tabindex: "0", "aria-label": t("chat.messages") }, this.inner);
    this.down = h("button", { type: "button", class: "to-end", hidden: true, on: { click: () => this.toEnd() } }, icon("down"), spoken(t("chat.to_end")), h("span", { class: "badge" }));
    this.near = new IntersectionObserver((seen) => this.crossed(seen), { root: this.node, rootMargin: `${AROUND}px 0px` });
    this.top = new IntersectionObserver(([seen]) => seen.isIntersecting && void this.readOlder(), { root: this.node, rootMargin: `${AHEAD}px 0px 0px` });
    this.node.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.node.addEventListener("keydown", (event) => this.walk(event));
    for (const comes of ["pointerover", "focusin"]) this.node.addEventListener(comes, (event) => this.touched(event));
    this.older.hidden = true;
  }

  /** The newest page; `unread` of it get a line before them. @param {number} unread */
  async open(unread) {
    try {
      const [newest, count] = await Promise.all([this.model.messages(this.peer, { limit: PAGE }), this.model.countMessages(this.peer)]);
      this.count = count;
      const news = newest.filter(({ mine }) => !mine);
      this.divider = unread > 0 ? (news[Math.max(0, news.length - unread)]?.id ?? "") : "";
      this.begin(newest);
      this.bounds();
      this.top.observe(this.older);
    } catch (error) {
      this.inner.append(h("p", { class: "wrong", role: "alert" }, explain(error)));
    }
  }

  get loaded() {
    return this.blocks.reduce((sum, { messages }) => sum + messages.length, 0);
  }

  get empty() {
    return this.blocks.length === 0;
  }

  /** Puts messages before all others; their nodes come when they are near. @param {Message[]} messages */
  prepend(messages) {
    for (let end = messages.length; end > 0; end -= BLOCK) {
      const block = new Block(messages.slice(Math.max(0, end - BLOCK), end), this.divider, this.deeds);
      this.blocks[0]?.after(block.messages.at(-1));
      this.blocks.unshift(block);
      block.reserve();
      this.older.after(block.node);
      this.near.observe(block.node);
    }
  }

  /** The newest, which are seen first. @param {Message[]} messages */
  begin(messages) {
    this.prepend(messages);
    for (const block of this.blocks) block.fill(this.beforeBlock(block));
  }

  async readOlder(limit = FURTHER) {
    if (this.reading || this.loaded >= this.count) return;
    this.reading = this.page(limit);
    await this.reading;
    this.reading = null;
    this.bounds();
    this.top.unobserve(this.older);
    this.top.observe(this.older);
  }

  /** @param {number} limit */
  async page(limit) {
    const oldest = this.blocks[0]?.messages[0];
    const before = oldest?.position ?? this.count - this.loaded;
    const older = await this.model.messages(this.peer, { before, limit }).catch(() => []);
    this.prepend(older);
    if (older.length === 0) this.count = this.loaded;
  }

  bounds() {
    const whole = this.loaded >= this.count;
    this.older.hidden = whole;
    if (whole && !this.empty) this.inner.prepend(this.start);
    else this.start.remove();
  }

  /** Something changed: the newest are read again. What comes meanwhile is read once more. */
  async refresh() {
    if (this.reading) {
      this.again = true;
      return;
    }
    this.reading = this.merge().catch(() => {});
    await this.reading;
    this.reading = null;
    if (this.again) {
      this.again = false;
      await this.refresh();
    }
  }

  async merge() {
    const limit = Math.max(PAGE, Math.min(this.loaded, READ_ANEW));
    const [newest, count] = await Promise.all([this.model.messages(this.peer, { limit }), this.model.countMessages(this.peer)]);
    this.count = count;
    const fresh = new Map(newest.map((message) => [message.id, message]));
    const held = new Set(this.blocks.flatMap(({ messages }) => messages.map(({ id }) => id)));
    const known = newest.findIndex(({ id }) => held.has(id));
    if (known < 0) return this.restart(newest);
    let reached = newest.length < limit || known > 0;
    for (const block of this.blocks) {
      const from = reached ? 0 : block.messages.findIndex(({ id }) => id === newest[0].id);
      if (from >= 0) block.renew(fresh, from);
      reached ||= from >= 0;
    }
    for (const block of this.blocks.filter(({ messages }) => messages.length === 0)) this.discard(block);
    if (known > 0) this.prepend(newest.slice(0, known));
    const added = newest.slice(known).filter(({ id }) => !held.has(id));
    if (added.length) this.append(added);
    this.bounds();
  }

  /** @param {Message[]} messages */
  append(messages) {
    const away = !this.atEnd();
    const before = this.inner.scrollHeight;
    const last = this.blocks.at(-1);
    if (last && last.messages.length + messages.length <= BLOCK * 2) last.add(messages);
    else {
      const block = new Block(messages, this.divider, this.deeds);
      block.fill(last?.messages.at(-1));
      this.blocks.push(block);
      this.inner.append(block.node);
      this.near.observe(block.node);
    }
    if (messages.some(({ mine }) => mine)) this.toEnd();
    else if (away) {
      this.node.scrollTop -= this.inner.scrollHeight - before;
      this.missed += messages.length;
      this.scrolled();
    }
  }

  /** Nothing of what is shown is among the newest. @param {Message[]} newest */
  restart(newest) {
    for (const block of [...this.blocks]) this.discard(block);
    this.begin(newest);
    this.bounds();
  }

  /** @param {Block} block */
  discard(block) {
    this.near.unobserve(block.node);
    block.node.remove();
    this.blocks.splice(this.blocks.indexOf(block), 1);
  }

  /** Shows one message, fetching back to it. @param {string} id */
  async reveal(id) {
    let block = this.holding(id);
    while (!block && this.loaded < this.count) {
      const before = this.loaded;
      await (this.reading ?? this.readOlder(LEAP));
      if (this.loaded === before) return;
      block = this.holding(id);
    }
    if (!block) return;
    const at = this.blocks.indexOf(block);
    for (const one of this.blocks.slice(Math.max(0, at - 1), at + 2)) one.fill(this.beforeBlock(one));
    const node = block.bubble(id)?.node;
    node?.scrollIntoView({ block: "center" });
    node?.focus({ preventScroll: true });
    node?.classList.add("found");
    setTimeout(() => node?.classList.remove("found"), 2500);
  }

  /** @param {string} id */
  holding(id) {
    return this.blocks.find(({ messages }) => messages.some((message) => message.id === id));
  }

  /** @param {Block} block */
  beforeBlock(block) {
    return this.blocks[this.blocks.indexOf(block) - 1]?.messages.at(-1);
  }

  /** What can be done with a message comes when somebody is at it. @param {Event} event */
  touched(event) {
    const article = /** @type {Element} */ (event.target).closest?.("article");
    const id = article instanceof HTMLElement ? article.dataset.id : undefined;
    if (id) this.holding(id)?.bubble(id)?.offer();
  }

  /** @param {IntersectionObserverEntry[]} seen */
  crossed(seen) {
    for (const { target, isIntersecting, boundingClientRect, rootBounds } of seen) {
      const block = this.blocks.find(({ node }) => node === target);
      if (!block) continue;
      const { width, height, top } = boundingClientRect;
      if (!isIntersecting) block.empty(width, height);
      else if (!block.filled) this.fillInPlace(block, block.width !== width && top > (rootBounds?.bottom ?? 0) - AROUND);
    }
  }

  /** @param {Block} block @param {boolean} moves it may have another height than it kept, and stands below what is seen, which stays where it is */
  fillInPlace(block, moves) {
    const kept = block.height;
    block.fill(this.beforeBlock(block));
    if (!moves) return;
    const grown = block.node.offsetHeight - kept;
    if (Math.abs(grown) > 1) this.node.scrollTop -= grown;
  }

  atEnd() {
    return this.node.scrollTop > -AT_END;
  }

  toEnd() {
    this.node.scrollTop = 0;
    this.scrolled();
  }

  scrolled() {
    const end = this.atEnd();
    if (end) this.missed = 0;
    this.down.hidden = end;
    const badge = /** @type {HTMLElement} */ (this.down.lastElementChild);
    badge.hidden = this.missed === 0;
    say(badge, this.missed ? String(this.missed) : "");
  }

  /** Arrows go from message to message, Enter opens what can be done with one. @param {KeyboardEvent} event */
  walk(event) {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    const at = focused.closest("article");
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const all = /** @type {HTMLElement[]} */ ([...this.inner.querySelectorAll("article")]);
      const next = at ? all[all.indexOf(at) + (event.key === "ArrowUp" ? -1 : 1)] : event.key === "ArrowUp" ? all.at(-1) : undefined;
      if (!next) return;
      event.preventDefault();
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
    } else if (at && focused === at && (event.key === "Enter" || event.key === "ContextMenu" || event.key === " ")) {
      const message = this.holding(at.dataset.id ?? "")?.messages.find(({ id }) => id === at.dataset.id);
      if (!message) return;
      event.preventDefault();
      this.deeds.menu(message, /** @type {HTMLElement} */ (at.querySelector(".bubble")), at);
    }
  }

  close() {
    this.near.disconnect();
    this.top.disconnect();
  }
}
