// @ts-check
// The words that the views and everything below them share: what a view is given to show, and what
// it can ask for. Types alone; views know nothing else of the rooms below.

/** @typedef {string} UserId a UUID */

/**
 * Where this client stands.
 * - `opening`: the store is being opened
 * - `unsupported`: the browser lacks something (`state.lacks`); there is no way round it
 * - `welcome`: no account on this device; `state.invite` says what the link brought
 * - `ready`: there is an account
 * - `gone`: there is an end, and `state.gone` says which; `startAgain` goes back to `welcome`
 * @typedef {"opening" | "unsupported" | "welcome" | "ready" | "gone"} Phase
 */

/**
 * @typedef {object} State
 * @property {Phase} phase
 * @property {Link} link
 * @property {string[]} [lacks] what the browser can't do: `"x25519"`, `"indexeddb"`, `"locks"`, `"https"`
 * @property {"deleted" | "removed" | "suspended" | "replaced" | "evicted"} [gone] `removed`: deleted from elsewhere; what this device keeps is still here
 * @property {Invite | null} invite
 * @property {Server | null} server null until it answered once
 * @property {Me | null} me
 * @property {Conversation[]} conversations newest first; message requests among them
 * @property {Call | null} call the one call there is, or the last one until it is dismissed
 * @property {Settings} settings
 * @property {CallCheck} callCheck
 * @property {string | null} [visit] whom the link that was opened asks to write to (`/c#…`), for `addContact`
 * @property {number} [keptOut] messages of strangers that weren't kept, because too many requests are open
 * @property {boolean} tookOver another tab holds the socket; this one shows and sends through it
 */

/**
 * - `online`: the socket stands and the backlog has come
 * - `catching_up`: it stands, and the backlog is coming
 * - `connecting`: there is none, and one is being made
 * - `offline`: the device has no network
 * - `clock_wrong`: the server refuses because this device's clock is off
 * - `elsewhere`: another device is connected with this account; `takeOver` connects here again
 * @typedef {"online" | "catching_up" | "connecting" | "offline" | "clock_wrong" | "elsewhere"} Link
 */

/** @typedef {{ code: string, handle: string | null }} Invite what stood behind the `#` */
/** @typedef {{ host: string, registration: "invite" | "open" | "closed", version: string, push: boolean, presence: boolean }} Server */
/** @typedef {{ id: UserId, handle: string, name: string | null, link: string, recoverySaved: boolean, persisted: boolean, suspended?: boolean, keepsCode?: boolean }} Me `link` is what others open to write to me; `suspended`: may read and export alone; `keepsCode`: `recoveryCode` can show the code */

/**
 * @typedef {object} Conversation
 * @property {UserId} id the peer
 * @property {string} title what to call them: own note, else handle, else the short form of the id
 * @property {string | null} handle
 * @property {"allowed" | "request" | "blocked"} standing `request`: they wrote first and nobody decided yet
 * @property {"unverified" | "verified" | "changed"} identity `changed`: sending is held back until it is accepted
 * @property {boolean} wasVerified whether it was verified before it changed
 * @property {number} unread
 * @property {Message | null} last
 * @property {boolean | null} online null where presence isn't shared
 * @property {boolean} directCalls calls need not go through the relay (verified peers only)
 */

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {UserId} peer
 * @property {number} [position] where it stands, for `messages`; without it positions are counted from the first message kept, which is 0
 * @property {boolean} mine
 * @property {number} at ms; the sender's claim, or the server's time where that is off
 * @property {boolean} timeDoubtful
 * @property {"text" | "unreadable" | "unsupported" | "identity_changed" | "session_reset" | "call"} kind
 * @property {string} text empty for all but `text`
 * @property {"waiting" | "sent" | "delivered" | "read" | "held" | "failed" | null} state of mine; `held` by a changed identity
 * @property {{ outgoing: boolean, seconds: number | null, reason: string } | null} call
 */

/**
 * @typedef {object} Call
 * @property {string} id
 * @property {UserId} peer
 * @property {string} title
 * @property {boolean} outgoing
 * @property {"dialing" | "ringing" | "connecting" | "connected" | "reconnecting" | "ended"} state
 * @property {"hangup" | "rejected" | "timeout" | "error" | "offline" | "busy" | "not_allowed" | "rate_limited" | "microphone" | "no_relay" | null} reason
 * @property {number | null} since ms, when it connected
 * @property {boolean} muted
 * @property {"good" | "poor" | "bad" | null} quality
 * @property {boolean} relayed
 * @property {boolean} verified
 * @property {{ id: string, label: string }[]} speakers empty where the browser can't choose
 * @property {string | null} speaker
 */

/** @typedef {"unknown" | "checking" | "works" | "tcp_only" | "fails"} CallCheck */

/**
 * @typedef {object} Settings
 * @property {"system" | "light" | "dark"} theme
 * @property {"system" | "en" | "de"} language
 * @property {"off" | "on" | "denied" | "unsupported"} notifications
 * @property {boolean} readReceipts
 * @property {boolean} presence
 */

/** @typedef {{ digits: string, qr: string, verified: boolean }} SafetyNumber `digits`: twelve groups of five */

/**
 * Why something didn't work, for a person. `code` is one of the wire's (`invite_invalid`, `rate_limited`,
 * `user_not_found`, `auth_failed`, `queue_full`, `storage_full`, …) or of this client's: `network`,
 * `invite_used`, `invite_expired`, `handle_taken`, `handle_invalid`, `too_long`, `bad_recovery_code`,
 * `safety_number_differs`, `not_a_safety_number`, `clock_wrong`, `private_mode`, `storage`.
 * @typedef {Error & { code: string, retryAfter?: number }} Trouble
 */

/**
 * What the views talk to. `state` is replaced, never changed, and `change` is dispatched after it;
 * `messages` is dispatched with `detail: { peer }` when messages of a conversation came, went or moved
 * on. Whatever fails rejects with a `Trouble`.
 *
 * @typedef {object} Actions
 * @property {State} state
 * @property {(code: string) => Invite} readInvite of a link, a QR code's text or a typed code; throws a `Trouble`
 * @property {(handle: string, code: string | null) => Promise<{ words: string }>} join makes the keys and the account; `words` is the recovery code
 * @property {(handle: string, words: string, code: string | null) => Promise<void>} recover
 * @property {() => Promise<void>} recoveryWasSaved this device forgets the code
 * @property {() => Promise<string | null>} recoveryCode the words, until it was saved
 * @property {(who: string) => Promise<UserId>} addContact by handle, link or a QR code's text
 * @property {(peer: UserId, title: string | null) => Promise<void>} rename
 * @property {(peer: UserId) => Promise<void>} allow
 * @property {(peer: UserId) => Promise<void>} block
 * @property {(peer: UserId) => Promise<void>} unblock
 * @property {(peer: UserId) => Promise<string>} report what to hand to the operator: nothing is sent by itself
 * @property {(peer: UserId) => Promise<void>} removeConversation here, not at the peer
 * @property {(peer: UserId, page: { before?: number, limit: number }) => Promise<Message[]>} messages oldest first, the newest `limit` older than position `before`
 * @property {(peer: UserId) => Promise<number>} countMessages
 * @property {(words: string) => Promise<Message[]>} search newest first, at most 100
 * @property {(peer: UserId, text: string) => Promise<void>} send returns when it is safe on this device
 * @property {(peer: UserId, id: string) => Promise<void>} retry
 * @property {(peer: UserId, id: string) => Promise<void>} remove here, not at the peer
 * @property {(peer: UserId) => Promise<void>} markRead
 * @property {(peer: UserId) => Promise<SafetyNumber>} safetyNumber
 * @property {(peer: UserId, compared: string) => Promise<void>} verify by what a QR code said, or by the digits that the person was shown and compared
 * @property {(peer: UserId) => Promise<void>} unverify
 * @property {(peer: UserId) => Promise<void>} acceptIdentity
 * @property {(peer: UserId) => Promise<void>} keepIdentity the key before the one that turned up stays
 * @property {(peer: UserId, allowed: boolean) => Promise<void>} setDirectCalls
 * @property {(peer: UserId) => Promise<void>} dial asks for the microphone
 * @property {() => Promise<void>} answer asks for the microphone
 * @property {() => Promise<void>} reject
 * @property {() => Promise<void>} hangUp
 * @property {() => void} dismissCall
 * @property {(muted: boolean) => void} mute
 * @property {(device: string) => Promise<void>} setSpeaker
 * @property {() => Promise<void>} checkCalls
 * @property {(settings: Partial<Settings>) => Promise<void>} change
 * @property {(name: string | null) => Promise<void>} publishName
 * @property {() => Promise<{ used: number, quota: number }>} storage
 * @property {() => Promise<Blob>} exportData what this device keeps, readable, without keys
 * @property {() => Promise<void>} logOut forgets everything on this device
 * @property {() => Promise<void>} takeOver connects here, where another device has the account
 * @property {() => Promise<void>} startAgain forgets an account that is gone, and welcomes anew
 * @property {() => Promise<void>} deleteAccount at the server and on this device
 */

/** @typedef {Actions & EventTarget} Model */

export {};
