// @ts-check
// What every view is handed.

/**
 * @typedef {object} App
 * @property {import("../model.js").Model} model
 * @property {import("./route.js").Router} router
 * @property {import("./parts/toast.js").Toasts} toasts
 * @property {Drafts} drafts
 * @property {string | null} recovery the recovery code, between joining and its being kept
 * @property {boolean} isNew whether the account was made since this page was opened
 * @property {boolean} joining the welcome stays until what it began is done
 * @property {import("./worker.js").Updates} updates
 * @property {() => void} refresh shows the state anew
 */

/** @typedef {Map<string, string>} Drafts what was begun to be written, by peer */

/**
 * A part of the screen. `update` is called whenever the state was replaced.
 * @typedef {object} View
 * @property {HTMLElement} node
 * @property {string} [title]
 * @property {(state: import("../model.js").State) => void} [update]
 * @property {(peer: string) => void} [messages]
 * @property {() => void} [focus] where the focus goes when it is opened
 * @property {(message: string) => void} [reveal] shows a message of what is open already
 * @property {() => void} [leave]
 */

export {};
