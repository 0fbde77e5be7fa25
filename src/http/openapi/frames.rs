//! The frames of a WebSocket in both dialects, described (PROTOCOL.md §5, §7.3, §8).

use serde_json::{Value, json};

use crate::wire::reply::close;

/// Who sends it, its type, its members (`?`: may be absent), and what it means.
type Row = (&'static str, &'static str, &'static str, &'static str);

const CLIENT: &str = "client";
const DAEMON: &str = "daemon";
const BOTH: &str = "both";

const FRAMES: &[Row] = &[
    (
        CLIENT,
        "auth",
        "token",
        "The first frame, where no header carried the token; answered by ready, or close 1008",
    ),
    (
        CLIENT,
        "encrypted_message",
        "id?, recipient_id, payload",
        "Sends a message; answered by message_accepted or error",
    ),
    (
        CLIENT,
        "ack",
        "message_ids",
        "These messages arrived safely and may be deleted; at most 1000",
    ),
    (CLIENT, "ping", "t?", "Answered by pong with the same t"),
    (
        DAEMON,
        "ready",
        "user_id, pending, heartbeat_interval, one_time_prekeys_remaining, server_time, epoch",
        "The session stands",
    ),
    (
        DAEMON,
        "encrypted_message",
        "message_id, sender_id, payload, timestamp",
        "A message; it is sent again until it is acknowledged",
    ),
    (
        DAEMON,
        "message_accepted",
        "id?, message_id, status, timestamp",
        "The message is safe: queued on disk, or delivered",
    ),
    (
        DAEMON,
        "queue_drained",
        "",
        "The backlog that stood at connect has all been sent",
    ),
    (
        DAEMON,
        "prekeys_low",
        "remaining",
        "Upload more one-time prekeys",
    ),
    (
        DAEMON,
        "identity_changed",
        "user_id",
        "A contact has a new identity key",
    ),
    (
        DAEMON,
        "presence",
        "user_id, online",
        "A contact is there now, or isn't; until told otherwise, nobody is. Only between users who \
         allow each other and both take part (PATCH /api/v1/account), where the feature presence is on",
    ),
    (DAEMON, "pong", "t?", "The answer to ping"),
    (
        DAEMON,
        "error",
        "code, detail, id?, call_id?, retry_after?",
        "Something went wrong; the session goes on unless the socket closes",
    ),
    (
        BOTH,
        "call_offer",
        "recipient_id or sender_id, call_id?, sdp",
        "Starts a call, or renegotiates it",
    ),
    (
        BOTH,
        "call_answer",
        "recipient_id or sender_id, call_id?, sdp",
        "Takes a call, or answers a renegotiation",
    ),
    (
        BOTH,
        "ice_candidate",
        "recipient_id or sender_id, call_id?, candidate",
        "A way to reach the other party",
    ),
    (
        BOTH,
        "call_reject",
        "recipient_id or sender_id, call_id?, reason",
        "Declines a call; the reason is the daemon's",
    ),
    (
        BOTH,
        "call_end",
        "recipient_id or sender_id, call_id?, reason",
        "Ends a call; the reason is the daemon's",
    ),
    (
        DAEMON,
        "call_state",
        "call_id, peer_id, state, reason?",
        "Where a call stands: ringing, connected or ended",
    ),
    (
        CLIENT,
        "mvchat.v1: hi",
        "id?, hi {token?}",
        "The first frame of a session of mvchat.v1; answered by ctrl with params.user and \
         params.ice_servers, then by ready",
    ),
    (
        CLIENT,
        "mvchat.v1: call",
        "id?, call {action, user or call_id, sdp {type, sdp} or candidate}",
        "A step of a call: initiate, answer, reject, end, sdp or ice; answered by ctrl. Everything \
         but calls is said as in privcomm.v1",
    ),
    (
        DAEMON,
        "mvchat.v1: ctrl",
        "ctrl {id?, code, text?, params? {user?, call_id?, ice_servers?, retry_after?}}",
        "200 granted; 400 malformed or too large; 401 not authenticated; 403 not allowed; 404 no \
         such call, or the callee is offline; 409 wrong state, or glare with the call to answer; \
         410 ended; 429 too many; 486 busy; 503 at capacity. text says it in words",
    ),
    (
        DAEMON,
        "mvchat.v1: info",
        "info {what, call_id, from?, fromPublic? {fn}, reason?, sdp?, candidate?}",
        "incoming_call, call_ringing, call_answered, call_ended, call_sdp or call_ice",
    ),
];

const CLOSE_CODES: &[(u16, &str)] = &[
    (close::NORMAL, "The session ended as it should"),
    (close::PROTOCOL, "A frame that WebSocket doesn't allow"),
    (close::UNSUPPORTED, "Frames are text, not binary"),
    (close::NOT_TEXT, "Text frames are UTF-8"),
    (
        close::POLICY,
        "Not, or no longer, authenticated; connect again with a fresh token",
    ),
    (close::TOO_LARGE, "The frame or message is too large"),
    (close::RESTART, "The daemon is restarting"),
    (
        close::TRY_LATER,
        "At capacity, or the client reads too slowly",
    ),
    (close::ACCOUNT_GONE, "The account was suspended or deleted"),
    (
        close::REPLACED,
        "A newer session of this user took over; don't reconnect by yourself",
    ),
    (close::TOO_MANY_FRAMES, "Too many frames"),
];

/// Every frame.
pub(super) fn frames() -> Value {
    let frame = |(from, kind, members, about): &Row| json!({ "from": from, "type": kind, "members": members, "description": about });
    FRAMES.iter().map(frame).collect()
}

/// Every close code.
pub(super) fn close_codes() -> Value {
    let code = |(code, about): &(u16, &str)| json!({ "code": code, "description": about });
    CLOSE_CODES.iter().map(code).collect()
}
