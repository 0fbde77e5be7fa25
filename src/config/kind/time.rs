//! Durations, and rates in so many a duration.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Kind, Value};
use crate::config::Rate;

/// A duration within bounds: one number and one unit, such as `30s`.
#[derive(Debug, Clone)]
pub(in crate::config) struct Span(pub(in crate::config) RangeInclusive<Duration>);

impl Kind<Duration> for Span {
    fn expected(&self) -> String {
        let (least, most) = (spell(*self.0.start()), spell(*self.0.end()));
        format!("a duration from \"{least}\" to \"{most}\" (units: ms, s, m, h, d)")
    }

    fn read(&self, value: &Value) -> Option<Duration> {
        parse(value.text()?).filter(|duration| self.0.contains(duration))
    }

    fn write(&self, setting: &Duration) -> Value {
        Value::Text(spell(*setting))
    }
}

/// At least one in a second to a day, such as `10/1m`.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Rates;

const PERIODS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

impl Kind<Rate> for Rates {
    fn expected(&self) -> String {
        "a rate of at least 1 in \"1s\" to \"1d\", such as \"10/1m\"".into()
    }

    fn read(&self, value: &Value) -> Option<Rate> {
        let (count, period) = value.text()?.split_once('/')?;
        let count = count.parse().ok().filter(|count| *count > 0)?;
        let period = parse(period).filter(|period| PERIODS.contains(period))?;
        Some(Rate::new(count, period))
    }

    fn write(&self, setting: &Rate) -> Value {
        Value::Text(setting.to_string())
    }
}

/// As the configuration writes it.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, spell(self.period))
    }
}

/// Largest first, so that a duration is written in the largest unit that fits it exactly.
const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// The duration that a text such as `30s` says: one number and one unit of ms, s, m, h, d.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(*millis).map(Duration::from_millis)
}

fn spell(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    UNITS
        .iter()
        .find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit))
        .map_or_else(
            || "0s".into(),
            |(name, unit)| format!("{}{name}", millis / unit),
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: Span = Span(Duration::ZERO..=Duration::MAX);

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn durations_have_one_number_and_one_unit() {
        for (written, seconds) in [("30s", 30), ("5m", 300), ("1h", 3600), ("30d", 30 * 86_400)] {
            assert_eq!(ANY.read(&text(written)), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(ANY.read(&text("5ms")), Some(Duration::from_millis(5)));
        for wrong in [
            "",
            "30",
            "s",
            "1h30m",
            "-5s",
            "1.5s",
            "5 s",
            "5S",
            "99999999999999999d",
        ] {
            assert_eq!(ANY.read(&text(wrong)), None, "{wrong}");
        }
        assert_eq!(ANY.read(&Value::Integer(30)), None);
    }

    #[test]
    fn a_duration_keeps_its_bounds() {
        let span = Span(Duration::from_secs(1)..=Duration::from_mins(1));
        for (written, fits) in [("999ms", false), ("1s", true), ("1m", true), ("61s", false)] {
            assert_eq!(span.read(&text(written)).is_some(), fits, "{written}");
        }
    }

    #[test]
    fn a_rate_is_never_zero() {
        assert_eq!(
            Rates.read(&text("10/1m")),
            Some(Rate::new(10, Duration::from_mins(1)))
        );
        for wrong in [
            "0/1m", "10/0s", "10/999ms", "10/2d", "10", "/1m", "10/", "10/1m/1s", "",
        ] {
            assert_eq!(Rates.read(&text(wrong)), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(millis in any::<u64>()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(ANY.read(&ANY.write(&duration)), Some(duration));
        }

        #[test]
        fn a_written_rate_reads_back(count in 1..=u32::MAX, millis in 1000..=86_400_000_u64) {
            let rate = Rate::new(count, Duration::from_millis(millis));
            prop_assert_eq!(Rates.read(&Rates.write(&rate)), Some(rate));
        }

        #[test]
        fn any_text_as_a_time_is_read_or_refused(text in ".*") {
            let value = Value::Text(text);
            let _ = ANY.read(&value);
            let _ = Rates.read(&value);
        }
    }
}
