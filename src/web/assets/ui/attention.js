// @ts-check
// Calls the person's attention: the title of the tab, the mark on the app's icon, a word to screen
// readers, and, where it was allowed and nobody looks, a notification without content.

import { plainName } from "./dom.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../model.js").State} State */

const SPOKEN = 200;

export class Attention {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<string, string>} the last message of each that was told */
    this.told = new Map();
    this.begun = false;
    this.count = -1;
  }

  /** @param {State} state @param {string} [title] */
  update(state, title) {
    const unread = state.conversations.reduce((sum, { unread, standing }) => sum + (standing === "blocked" ? 0 : unread), 0);
    const where = title || state.server?.host || location.host;
    const words = state.call?.state === "ringing" && !state.call.outgoing ? t("call.from", { title: plainName(state.call.title) }) : where;
    const shown = unread ? `(${unread}) ${words}` : words;
    if (document.title !== shown) document.title = shown;
    if (unread !== this.count) {
      this.count = unread;
      void (unread ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.())?.catch(() => {});
    }
    this.tell(state);
  }

  /** @param {State} state */
  tell(state) {
    for (const { id, last, title, unread, standing } of state.conversations) {
      if (!last || this.told.get(id) === last.id) continue;
      const fresh = this.begun && !last.mine && unread + Number(this.reads(id)) > 0 && standing !== "blocked" && state.link === "online";
      this.told.set(id, last.id);
      if (!fresh || last.kind === "identity_changed") continue;
      this.app.toasts.tell(this.reads(id) && last.kind === "text" ? `${plainName(title)}: ${last.text.slice(0, SPOKEN)}` : t("notify.from", { title: plainName(title) }));
      if (document.hidden && state.settings.notifications === "on") void notify();
    }
    this.begun ||= state.phase === "ready" && state.link === "online";
  }

  /** @param {string} peer */
  reads(peer) {
    const { route } = this.app.router;
    return "peer" in route && route.peer === peer && route.name === "chat";
  }
}

async function notify() {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.showNotification(t("notify.new"), { body: t("notify.open"), tag: "new", icon: "/app/icons/icon-192.png" });
}
