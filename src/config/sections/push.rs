//! `[push]`

use std::path::PathBuf;
use std::time::Duration;

use super::{days, hours, minutes, seconds};
use crate::config::key::section;
use crate::config::kind::{AbsolutePath, HostPattern, List, Network, Optional, Span, Switch};

section! {
    /// Notifications: what wakes a member's phone when a message waits. They have no content; the push
    /// service of the browser or phone learns that one was sent, when, and by which server.
    [push] Push {
        /// Whether members can be notified. This machine then sends requests out, over https.
        enabled: bool = false, Switch;

        /// Hosts of push services: names, or "*.example.org" for all below one, or "*" for any. By
        /// default those of Chrome, Firefox, Safari and Edge. Add yours for UnifiedPush, such as
        /// "ntfy.sh".
        allowed_hosts: Vec<String> = vec![
            "fcm.googleapis.com".into(),
            "*.push.services.mozilla.com".into(),
            "*.push.apple.com".into(),
            "*.notify.windows.com".into(),
        ], List(HostPattern);

        /// Networks that push services may be in although they are private: otherwise nothing is sent
        /// to addresses that aren't public, whatever a name leads to.
        allowed_networks: Vec<String> = Vec::new(), List(Network);

        /// A file with certificate authorities (PEM) to trust beside the system's, for a push service
        /// of one's own.
        authorities: Option<PathBuf> = None, Optional(AbsolutePath);

        /// How long a member who doesn't come isn't woken again, however much arrives.
        pause: Duration = minutes(1), Span(seconds(1)..=hours(24));

        /// How long a device is remembered that doesn't renew its subscription. Clients renew it
        /// whenever they start.
        retention: Duration = days(90), Span(days(1)..=days(3650));
    }
}
