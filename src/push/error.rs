//! Why a device wasn't woken.

use std::io;
use std::time::Duration;

/// Why a device wasn't woken. Says nothing of whose it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The stored endpoint can't be read, or may no longer be asked.
    #[error("the endpoint: {0}")]
    Endpoint(#[from] super::InvalidEndpoint),
    /// The name has no address.
    #[error("the name of the service isn't found: {0}")]
    Name(io::Error),
    /// All its addresses are within.
    #[error("the service has no public address; see push.allowed_networks")]
    Inside,
    /// Nobody is there.
    #[error("can't connect: {0}")]
    Connect(io::Error),
    /// The certificate isn't believed, or what is there speaks no TLS.
    #[error("no TLS: {0}")]
    Tls(io::Error),
    /// What comes back is no HTTP.
    #[error("no HTTP comes back: {0}")]
    Foreign(String),
    /// Nothing comes in time.
    #[error("no answer in time")]
    Silent,
    /// It sends on to elsewhere, where nobody follows.
    #[error("the service answered {0}, a redirect")]
    Redirect(u16),
    /// It has too much to do, or is broken.
    #[error("the service answered {status}")]
    Later {
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again, if it says.
        after: Option<Duration>,
    },
    /// It doesn't want this.
    #[error("the service refused with {0}")]
    Refused(u16),
    /// The system gives no randomness to sign with.
    #[error("nothing can be signed")]
    Unsigned,
}

impl PushError {
    /// When it may help to try again, at the earliest. None: never.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Name(_) | Self::Connect(_) | Self::Silent | Self::Foreign(_) => {
                Some(Duration::ZERO)
            }
            Self::Later { after, .. } => Some(after.unwrap_or_default()),
            Self::Endpoint(_)
            | Self::Inside
            | Self::Tls(_)
            | Self::Redirect(_)
            | Self::Refused(_)
            | Self::Unsigned => None,
        }
    }
}
