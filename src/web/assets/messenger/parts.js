// @ts-check
// What a member's rooms are made of.

/** @import { Api } from "../net/api.js" */
/** @import { Line } from "../net/line.js" */
/** @import { Store } from "../store/store.js" */
/** @import { Account } from "../crypto/x3dh.js" */
/** @import { Settings } from "../model.js" */
/** @import { Clock } from "./clock.js" */
/** @import { People } from "./people.js" */

/**
 * @typedef {object} OwnRecord what is kept of the own account, beside its keys
 * @property {string} user
 * @property {string} handle
 * @property {string} handleHash
 * @property {number} registration
 * @property {string | null} name
 * @property {boolean} recoverySaved
 * @property {boolean} [keepsCode] whether the recovery code is still kept here, until the person has it
 * @property {number} epoch the server's, when it was last seen
 * @property {boolean} fresh whether contacts are still to be fetched, after a recovery
 */
/** @typedef {{ server: string, page: string }} Origins where the server is, and where the pages are */
/** @typedef {{ record: OwnRecord, account: Account }} Own */
/**
 * @typedef {object} Parts
 * @property {Api} api
 * @property {Line} line
 * @property {Origins} origins
 * @property {Store} store
 * @property {Clock} clock
 * @property {People} people
 * @property {Own} own
 * @property {() => Settings} settings
 */

export {};
