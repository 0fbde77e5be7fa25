//! What the sockets count. No figure names anybody.

use std::sync::Arc;

use crate::base::Counter;
use crate::wire::reply::close;

/// The figures of all sockets since the start.
///
/// Open now: `opened` less all of `closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Connections that became WebSockets.
    pub opened: u64,
    /// Those of them that ended, by reason.
    pub closed: Vec<(&'static str, u64)>,
    /// Text frames that sessions were sent by their clients.
    pub frames_in: u64,
    /// Text frames written to clients.
    pub frames_out: u64,
    /// Sessions that were ended for sending too many frames. Among the closed.
    pub too_many_frames: u64,
}

impl Figures {
    /// Connections that are WebSockets now.
    pub fn open(&self) -> u64 {
        let closed: u64 = self.closed.iter().map(|(_, count)| count).sum();
        self.opened.saturating_sub(closed)
    }
}

/// Why a socket ended: words for our close codes, and for ends without one of ours.
const REASONS: [(&str, u16); 11] = [
    ("protocol", close::PROTOCOL),
    ("unsupported", close::UNSUPPORTED),
    ("not_text", close::NOT_TEXT),
    ("policy", close::POLICY),
    ("too_large", close::TOO_LARGE),
    ("restart", close::RESTART),
    ("try_later", close::TRY_LATER),
    ("account_gone", close::ACCOUNT_GONE),
    ("replaced", close::REPLACED),
    ("too_many_frames", close::TOO_MANY_FRAMES),
    ("client", close::NORMAL),
];
/// A socket that broke, or whose end isn't known.
const GONE: usize = REASONS.len();

/// The counters behind [`Figures`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    opened: Counter,
    closed: [Counter; REASONS.len() + 1],
    pub(super) frames_in: Counter,
    pub(super) frames_out: Counter,
}

impl Counters {
    pub(super) fn read(&self) -> Figures {
        let words = REASONS.iter().map(|(word, _)| *word).chain(["gone"]);
        let closed = self.closed.iter().map(Counter::value);
        let too_many = REASONS.iter().zip(&self.closed);
        let mut too_many = too_many.filter(|((_, code), _)| *code == close::TOO_MANY_FRAMES);
        Figures {
            // Read after the ends, so that no socket ends before it has begun.
            closed: words.zip(closed).collect(),
            too_many_frames: too_many.next().map_or(0, |(_, count)| count.value()),
            opened: self.opened.value(),
            frames_in: self.frames_in.value(),
            frames_out: self.frames_out.value(),
        }
    }
}

/// An open socket; its drop counts the end.
#[derive(Debug)]
pub(super) struct Standing {
    counters: Arc<Counters>,
    end: usize,
}

impl Standing {
    pub(super) fn begin(counters: Arc<Counters>) -> Self {
        counters.opened.increment();
        let end = GONE;
        Self { counters, end }
    }

    /// It ends with this close code.
    pub(super) fn ends(&mut self, code: u16) {
        let known = REASONS.iter().position(|(_, known)| *known == code);
        self.end = known.unwrap_or(GONE);
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.counters.closed[self.end].increment();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opened_is_open_or_closed_for_one_reason() {
        let counters = Arc::<Counters>::default();
        let mut standing = Standing::begin(counters.clone());
        let other = Standing::begin(counters.clone());
        assert_eq!(counters.read().open(), 2);
        standing.ends(close::TOO_MANY_FRAMES);
        drop(standing);
        drop(other);
        let read = counters.read();
        assert_eq!((read.open(), read.too_many_frames), (0, 1));
        assert_eq!(read.closed.iter().map(|(_, count)| count).sum::<u64>(), 2);
        assert!(read.closed.contains(&("gone", 1)));
    }
}
