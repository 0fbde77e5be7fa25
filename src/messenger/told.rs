//! What `GET /api/v1/server` tells of what may be done here, and how often.

use std::time::Duration;

use super::Messenger;
use crate::config::{Limits, Rate};
use crate::wire::limits::{CallLimits, ServerLimits};

impl Messenger {
    /// What this daemon can do beyond the least.
    pub(super) fn features(&self) -> Vec<String> {
        let turn = self.relay.as_ref().map(|_| "turn");
        let presence = self.attendance.is_on().then_some("presence");
        let push = self.push.as_ref().map(|_| "push");
        let features = turn.into_iter().chain(presence).chain(push);
        features.map(str::to_owned).collect()
    }

    /// The limits in force that clients should know.
    pub(super) fn told_limits(&self, limits: &Limits) -> ServerLimits {
        let messages = &self.settings.messages;
        ServerLimits {
            payload: messages.max_payload,
            frame: limits.frame_bytes,
            frames_per_second: per(limits.frames, Duration::from_secs(1)),
            frames_burst: limits.frames_burst,
            register_body: limits.register_body,
            body: limits.body,
            unauthenticated_per_address: limits.unauthenticated_per_address,
            messages_per_minute: per(limits.messages, Duration::from_mins(1)),
            messages_burst: limits.messages_burst,
            queue_messages: messages.queue_messages,
            queue_stranger_messages: messages.queue_stranger_messages,
            queue_bytes: messages.queue_bytes,
            retention: messages.retention.as_secs(),
            calls: self.told_call_limits(limits),
        }
    }

    fn told_call_limits(&self, limits: &Limits) -> CallLimits {
        let calls = &self.settings.calls;
        CallLimits {
            starts: limits.call_starts.count,
            starts_period: limits.call_starts.period.as_secs(),
            starts_per_peer: limits.call_starts_pair.count,
            starts_per_peer_period: limits.call_starts_pair.period.as_secs(),
            ringing: calls.ringing,
            ring_timeout: calls.ring_timeout.as_secs(),
            ringing_grace: calls.ringing_grace.as_secs(),
            connected_grace: calls.connected_grace.as_secs(),
            sdps: calls.sdps,
            sdp: calls.sdp_bytes,
            candidates: calls.candidates,
            candidate: calls.candidate_bytes,
        }
    }
}

/// How many `rate` allows in `time`, in the long run.
fn per(rate: Rate, time: Duration) -> u64 {
    let count = u128::from(rate.count) * time.as_millis() / rate.period.as_millis().max(1);
    u64::try_from(count).unwrap_or(u64::MAX)
}
