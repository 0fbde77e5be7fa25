// @ts-check
// Where the person is. It lives in the history of the tab, so that Back works, and never in the
// address, so that nobody's id is in it.

/**
 * @typedef {{ name: "list" } | { name: "add", who?: string } | { name: "settings" }
 *   | { name: "chat", peer: string, message?: string } | { name: "contact", peer: string }} Route
 */

/** @type {Route} */
const START = { name: "list" };

export class Router {
  /** @param {() => void} moved */
  constructor(moved) {
    this.moved = moved;
    /** @type {{ route: Route, depth: number }} */
    this.at = history.state?.route ? history.state : { route: START, depth: 0 };
    history.replaceState(this.at, "", "/");
    addEventListener("popstate", (event) => {
      this.at = event.state?.route ? event.state : { route: START, depth: 0 };
      this.moved();
    });
  }

  get route() {
    return this.at.route;
  }

  /** @param {Route} route @param {{ instead?: boolean }} [how] `instead`: Back doesn't come here again */
  go(route, { instead = false } = {}) {
    if (same(route, this.route)) return;
    const beside = instead || (route.name === this.route.name && route.name !== "list");
    this.at = { route, depth: this.at.depth + (beside ? 0 : 1) };
    if (beside) history.replaceState(this.at, "", "/");
    else history.pushState(this.at, "", "/");
    this.moved();
  }

  /** As if nothing had been opened: another account begins. */
  restart() {
    this.at = { route: START, depth: 0 };
    history.replaceState(this.at, "", "/");
  }

  back() {
    if (this.at.depth > 0) history.back();
    else this.go(START, { instead: true });
  }
}

/** @param {Route} one @param {Route} other */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
