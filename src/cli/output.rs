//! Data to stdout, as a table or as JSON; talk to stderr.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// The version of every JSON document.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct Document<T> {
    v: u8,
    #[serde(flatten)]
    body: T,
}

/// Writes `body` as one JSON document with its version.
pub(super) fn json<T: Serialize>(body: T) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &Document { v: VERSION, body })?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Writes text as it is.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes rows under their heads, in columns as wide as they must be.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    text(&columns(heads, rows))
}

/// Says something to the person at the terminal, if there still is one.
pub(super) fn talk(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

fn columns<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
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
        assert_eq!(columns(["K", "V"], &rows), "K    V\na    bcd\näöü\n");
    }
}
