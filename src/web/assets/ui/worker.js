// @ts-check
// The service worker: keeps the client openable without network, and tells when a newer one is
// there. Its address is the only one that may ever become a script here.

const ADDRESS = "/sw.js";

/** @typedef {{ createScriptURL: (text: string) => string }} Policy */

/** @returns {string} */
function trusted() {
  /** @type {{ createPolicy: (name: string, rules: Policy) => Policy } | undefined} */
  const types = /** @type {any} */ (globalThis).trustedTypes;
  const rules = {
    /** @param {string} text */
    createScriptURL(text) {
      if (text !== ADDRESS) throw new TypeError("no other script");
      return text;
    },
  };
  return (types?.createPolicy("privcomm-worker", rules) ?? rules).createScriptURL(ADDRESS);
}

export class Updates {
  /** @param {() => void} found */
  constructor(found) {
    this.found = found;
    this.ready = false;
    if ("serviceWorker" in navigator && isSecureContext) this.register().catch(() => {});
  }

  async register() {
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data?.type !== "updated") return;
      this.ready = true;
      this.found();
    });
    const registration = await navigator.serviceWorker.register(trusted(), { scope: "/", updateViaCache: "none" });
    (await navigator.serviceWorker.ready).active?.postMessage({ type: "check" });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) registration.active?.postMessage({ type: "check" });
    });
  }

  /** Opens the newer one. */
  apply() {
    location.reload();
  }
}
