//! Every connection takes a file descriptor, and the system's usual allowance is 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the daemon opens besides connections: files, listeners, the relay's sockets.
const OTHERS: u64 = 64;

/// Takes as many descriptors as the system gives without being asked for more rights, and says so
/// where they don't suffice for `connections`.
pub(super) fn raise(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // The service's sandbox forbids the call, and gives all there is from the start.
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "can't raise the limit on open files");
    }
    let needed = connections as u64 + OTHERS;
    if let Some(had) = getrlimit(Resource::Nofile).current
        && had < needed
    {
        tracing::warn!(
            "the connections allowed (server.max_connections, turn.max_allocations) need {needed} open files, but the system \
             allows {had}; fix: raise LimitNOFILE of the service (ulimit -n), or lower them"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_allowed_is_taken() {
        raise(10);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
