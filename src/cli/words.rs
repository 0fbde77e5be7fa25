//! Numbers and lines as people read them.

use std::fmt::Write as _;

/// Columns of a terminal.
const WIDTH: usize = 80;

const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

/// Bytes: `0 B`, `512 B`, `1.2 kB`, `38 kB`, `61 MB`.
pub(super) fn amount(bytes: u64) -> String {
    let mut unit = 0;
    let mut divisor = 1;
    while bytes / divisor >= 1000 && unit + 1 < UNITS.len() {
        divisor *= 1000;
        unit += 1;
    }
    let (whole, tenths) = (bytes / divisor, bytes % divisor * 10 / divisor);
    if divisor > 1 && whole < 10 {
        format!("{whole}.{tenths} {}", UNITS[unit])
    } else {
        format!("{whole} {}", UNITS[unit])
    }
}

/// Seconds in the two largest units: `42s`, `5m 12s`, `3h 5m`, `12d 4h`.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// Microseconds as milliseconds: `0.24 ms`, `3.1 ms`, `120 ms`.
pub(super) fn millis(micros: u64) -> String {
    let (whole, rest) = (micros / 1000, micros % 1000);
    match whole {
        0 => format!("0.{:02} ms", rest / 10),
        1..=9 => format!("{whole}.{} ms", rest / 100),
        _ => format!("{whole} ms"),
    }
}

/// What somebody else chose, so that it can't do more to a terminal than be read: control characters
/// and those that turn the direction of writing around are replaced.
pub(super) fn harmless(text: &str) -> String {
    let is_tricky = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let replaced = |letter| {
        if is_tricky(letter) {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(replaced).collect()
}

/// At most `width` characters of a text; `…` at the end of one that is longer.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

/// Wrapped for a terminal of 80 columns: lines but the first begin at `indent`, where the first is put
/// by its caller. Runs of spaces within a line stay.
pub(super) fn hanging(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if column > indent && column + length > WIDTH && length > 0 {
            lines.truncate(lines.trim_end().len());
            let _ = write!(lines, "\n{:indent$}", "");
            column = indent;
        }
        lines.push_str(word);
        column += word.chars().count();
    }
    lines
}

/// `1 message`, `2 messages`.
pub(super) fn many(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_digits_at_least() {
        let amounts = [0, 999, 1000, 1234, 9999, 38_200, 61_000_000, u64::MAX].map(amount);
        let expected = [
            "0 B",
            "999 B",
            "1.0 kB",
            "1.2 kB",
            "9.9 kB",
            "38 kB",
            "61 MB",
            "18446744 TB",
        ];
        assert_eq!(amounts, expected);
    }

    #[test]
    fn times_have_two_digits_at_least() {
        let times = [0, 240, 9_999, 10_000, 120_900].map(millis);
        assert_eq!(times, ["0.00 ms", "0.24 ms", "9.9 ms", "10 ms", "120 ms"]);
    }

    #[test]
    fn what_others_chose_is_only_read() {
        assert_eq!(
            harmless("Änne 名\u{1b}[2J\u{202e}x"),
            "Änne 名\u{fffd}[2J\u{fffd}x"
        );
        assert_eq!(
            (cut("anna", 4), cut("annas", 4)),
            ("anna".into(), "ann…".into())
        );
    }

    #[test]
    fn a_line_goes_on_below_its_beginning_and_no_wider_than_a_terminal() {
        let text = hanging(&"word ".repeat(30), 10);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() <= 80));
        assert!(lines[1].starts_with("          word "));
    }

    #[test]
    fn a_span_has_two_units_at_most() {
        let spans = [0, 59, 60, 3599, 3600, 86_399, 86_400, 1_050_000].map(span);
        let expected = [
            "0s", "59s", "1m 0s", "59m 59s", "1h 0m", "23h 59m", "1d 0h", "12d 3h",
        ];
        assert_eq!(spans, expected);
    }
}
