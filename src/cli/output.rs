//! Data to stdout, as text or as JSON; talk to stderr.
//!
//! Nothing here has a colour, so that nothing depends on one.

use std::fmt;
use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

/// The version of every JSON document.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct Document<'a, T> {
    v: u8,
    #[serde(flatten)]
    body: &'a T,
}

/// The options of every command: how it says what it has to say.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,

    /// Say nothing but what was asked for, and errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Output {
    /// Writes `body` as JSON where that is asked for, else what `words` makes of it for people.
    pub(super) fn show<T: Serialize>(
        &self,
        body: &T,
        words: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if self.json {
            document(body)
        } else {
            text(&words())
        }
    }

    /// Whether programs are to read this.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nobody wants to hear more than was asked for.
    pub(super) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something that need not be heard.
    pub(super) fn note(&self, words: fmt::Arguments<'_>) {
        if !self.quiet {
            talk(words);
        }
    }
}

/// Writes `body` as one JSON document with its version.
pub(super) fn document<T: Serialize>(body: &T) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &Document { v: VERSION, body })?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Writes text as it is.
pub(super) fn text(text: &str) -> io::Result<()> {
    bytes(text.as_bytes())
}

/// Writes bytes as they are.
pub(super) fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Says something to the person at the terminal, if there still is one.
pub(super) fn talk(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// Rows under their heads, in columns as wide as they must be.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let heads = heads.map(str::to_owned);
    let lines = || std::iter::once(&heads).chain(rows);
    let mut widths = [0; N];
    for line in lines() {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines() {
        let cells = line.iter().zip(widths);
        let padded: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".into(), "bcd".into()], ["äöü".into(), String::new()]];
        assert_eq!(table(["K", "V"], &rows), "K    V\na    bcd\näöü\n");
    }
}
