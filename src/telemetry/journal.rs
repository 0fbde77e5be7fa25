//! Priorities for the journal: systemd takes `<3>` before a line on stderr for its priority, as in
//! syslog (sd-daemon(3)), and adds the time itself.

use std::ffi::OsStr;
use std::io::{self, Write};

use rustix::fs::fstat;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Whether what is written to stderr goes to the journal: `JOURNAL_STREAM` names device and inode
/// of the socket that systemd made for it, and whoever redirected stderr since has another.
pub(super) fn reads_stderr(stream: Option<&OsStr>) -> bool {
    let named = stream
        .and_then(OsStr::to_str)
        .and_then(|text| text.split_once(':'));
    let Some((device, inode)) = named else {
        return false;
    };
    fstat(io::stderr())
        .is_ok_and(|file| device == file.st_dev.to_string() && inode == file.st_ino.to_string())
}

/// Makes writers that put the priority of their event before every line of it.
#[derive(Debug, Clone)]
pub(super) struct Prioritised<M>(pub(super) M);

/// Writes the lines of one event.
#[derive(Debug)]
pub(super) struct Lines<W> {
    writer: W,
    priority: u8,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Prioritised<M> {
    type Writer = Lines<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines {
            writer: self.0.make_writer(),
            priority: priority(Level::INFO),
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        Lines {
            writer: self.0.make_writer_for(event),
            priority: priority(*event.level()),
        }
    }
}

impl<W: Write> Write for Lines<W> {
    /// Takes an event whole, as the layer hands it over, and passes it on whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut lines = Vec::with_capacity(event.len() + 8);
        for line in event.split_inclusive(|byte| *byte == b'\n') {
            write!(lines, "<{}>", self.priority)?;
            lines.extend_from_slice(line);
        }
        self.writer.write_all(&lines)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The priority of syslog (RFC 5424, section 6.2.1).
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_the_journals_only_if_it_is_the_named_file() {
        let file = fstat(io::stderr()).unwrap();
        let own = format!("{}:{}", file.st_dev, file.st_ino);
        assert!(reads_stderr(Some(OsStr::new(&own))));
        let other = format!("{}:{}", file.st_dev, file.st_ino + 1);
        for text in [other.as_str(), "", "7", ":", "a:b"] {
            assert!(!reads_stderr(Some(OsStr::new(text))), "{text}");
        }
        assert!(!reads_stderr(None));
    }
}
