//! A text as a picture that a phone reads off a terminal: two rows of squares in one line, a quiet
//! zone around it (ISO/IEC 18004 §6.3.8).

use std::env;
use std::io::{IsTerminal, stdout};

use fast_qr::{ECL, QRBuilder, QRCode};

/// Squares of the quiet zone on each side.
const QUIET: usize = 4;

/// Black on white by number, so that no theme changes them, and back.
const INK: (&str, &str) = ("\x1b[38;5;16;48;5;231m", "\x1b[0m");

/// How the picture gets its contrast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Black on white, on terminals of every kind.
    Coloured,
    /// With the terminal's own two colours: light squares are drawn, as terminals mostly are dark.
    /// Phones read it the other way round as well, as a rule.
    Plain,
}

/// Colours where somebody looks on and doesn't mind them (no-color.org).
pub(super) fn ink() -> Ink {
    let minds = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stdout().is_terminal() && !minds {
        Ink::Coloured
    } else {
        Ink::Plain
    }
}

/// The picture. None: the text is too long for one.
pub(super) fn picture(text: &str, ink: Ink) -> Option<String> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * QUIET;
    let mut picture = String::new();
    for row in (0..side).step_by(2) {
        let squares = (0..side).map(|column| {
            let (upper, lower) = (is_dark(&code, row, column), is_dark(&code, row + 1, column));
            // The last line has no lower half: nothing, in the colour around the picture.
            let lower = lower || (ink == Ink::Plain && row + 1 == side);
            match (ink, upper, lower) {
                (Ink::Coloured, true, true) | (Ink::Plain, false, false) => '█',
                (Ink::Coloured, true, false) | (Ink::Plain, false, true) => '▀',
                (Ink::Coloured, false, true) | (Ink::Plain, true, false) => '▄',
                (Ink::Coloured, false, false) | (Ink::Plain, true, true) => ' ',
            }
        });
        let line: String = squares.collect();
        match ink {
            Ink::Coloured => picture.extend([INK.0, line.as_str(), INK.1, "\n"]),
            Ink::Plain => picture.extend([line.as_str(), "\n"]),
        }
    }
    Some(picture)
}

fn is_dark(code: &QRCode, row: usize, column: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
    match (inside(row), inside(column)) {
        (Some(row), Some(column)) => code[row][column].value(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://chat.example.org/i#7Q2M-9XKD-4TRW";

    /// The squares of a picture again: true where it is dark.
    fn squares(picture: &str, ink: Ink) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in picture.lines() {
            let line = line.trim_start_matches(INK.0).trim_end_matches(INK.1);
            let half = |of: [char; 2]| -> Vec<bool> {
                let drawn = line.chars().map(|letter| of.contains(&letter));
                drawn.map(|drawn| drawn == (ink == Ink::Coloured)).collect()
            };
            rows.push(half(['█', '▀']));
            rows.push(half(['█', '▄']));
        }
        rows
    }

    #[test]
    fn the_picture_is_the_code_within_its_quiet_zone() {
        let code = QRBuilder::new(LINK).ecl(ECL::L).build().unwrap();
        for ink in [Ink::Coloured, Ink::Plain] {
            let rows = squares(&picture(LINK, ink).unwrap(), ink);
            let side = code.size + 2 * QUIET;
            for (row, column) in (0..side).flat_map(|row| (0..side).map(move |it| (row, it))) {
                let expected = is_dark(&code, row, column);
                assert_eq!(rows[row][column], expected, "{ink:?} {row} {column}");
            }
            assert!(rows[..QUIET].iter().flatten().all(|dark| !dark));
            assert!(
                rows[..side]
                    .iter()
                    .all(|row| row[..QUIET].iter().all(|dark| !dark))
            );
        }
    }

    #[test]
    fn an_invite_fits_a_terminal_and_a_novel_is_refused() {
        let picture = picture(LINK, Ink::Plain).unwrap();
        assert!(picture.lines().count() <= 24);
        assert!(picture.lines().all(|line| line.chars().count() <= 80));
        assert!(super::picture(&"x".repeat(10_000), Ink::Plain).is_none());
    }
}
