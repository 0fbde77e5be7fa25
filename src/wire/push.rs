//! Notifications: where a member's devices are woken, and what operators are told of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::Private;

/// What kind of push service a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushPlatform {
    /// A browser's (RFC 8030).
    WebPush,
    /// A distributor's, such as ntfy.
    UnifiedPush,
    /// Google's for apps. Not available: it takes an account with Google.
    Android,
}

/// `PUT /api/v1/push-tokens` and `DELETE /api/v1/push-tokens`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushTokenRequest {
    /// What kind of service it is.
    pub platform: PushPlatform,
    /// The endpoint, an https URL.
    #[schema(value_type = String)]
    pub token: Private<String>,
}

/// `GET /api/v1/push-tokens/vapid-key`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VapidKeyResponse {
    /// The public key to subscribe with, `applicationServerKey`: an uncompressed P-256 point in base64,
    /// 65 bytes.
    pub vapid_key: String,
}

/// Admin, `GET /v1/push`: how notifications are set up. `POST /v1/push/rotate-key` answers with it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushState {
    /// Whether members can be notified.
    pub enabled: bool,
    /// The public key that clients subscribe with, in base64.
    pub vapid_key: Option<String>,
    /// Who push services are told is responsible.
    pub subject: Option<String>,
    /// Subscriptions of all members together.
    pub subscriptions: u64,
    /// Pushes since the start that a service took.
    pub sent: u64,
    /// Pushes since the start that were given up.
    pub failed: u64,
}

/// Admin, `POST /v1/push/test`: whom to wake.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushTestRequest {
    /// A handle, or the beginning of a user id.
    pub user: String,
}

/// What each of a member's services said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushTested {
    /// One for each subscription.
    pub devices: Vec<PushedDevice>,
}

/// What one service said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushedDevice {
    /// The host of the service.
    pub service: String,
    /// Whether it took the push.
    pub taken: bool,
    /// What it answered, in words.
    pub answer: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_written_as_it_is_read_and_does_not_print() {
        for platform in ["webpush", "unifiedpush", "android"] {
            let json = format!(r#"{{"platform":"{platform}","token":"https://push.example/x"}}"#);
            let request: PushTokenRequest = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&request).unwrap(), json);
            assert!(!format!("{request:?}").contains("push.example"));
        }
        let other = r#"{"platform":"apns","token":"x"}"#;
        assert!(serde_json::from_str::<PushTokenRequest>(other).is_err());
    }
}
