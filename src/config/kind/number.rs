//! Counts, and sizes in bytes.

use std::ops::RangeInclusive;

use super::{Kind, Value};

/// A whole number within bounds.
#[derive(Debug, Clone)]
pub(in crate::config) struct Count(pub(in crate::config) RangeInclusive<u64>);

impl<T: Copy + TryFrom<u64> + TryInto<u64>> Kind<T> for Count {
    fn expected(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }

    fn read(&self, value: &Value) -> Option<T> {
        let number = u64::try_from(value.integer()?).ok()?;
        bounded(number, &self.0)
    }

    fn write(&self, setting: &T) -> Value {
        integer(*setting)
    }
}

/// A size in bytes: a plain number, or text with a binary unit, such as `64 MiB`.
#[derive(Debug, Clone)]
pub(in crate::config) struct Bytes(pub(in crate::config) RangeInclusive<u64>);

impl<T: Copy + TryFrom<u64> + TryInto<u64>> Kind<T> for Bytes {
    fn expected(&self) -> String {
        let (least, most) = (spell(*self.0.start()), spell(*self.0.end()));
        format!("a size from {least} to {most}, in bytes or such as \"64 MiB\"")
    }

    fn read(&self, value: &Value) -> Option<T> {
        let number = match value.integer() {
            Some(number) => u64::try_from(number).ok()?,
            None => parse(value.text()?)?,
        };
        bounded(number, &self.0)
    }

    fn write(&self, setting: &T) -> Value {
        match (*setting).try_into().map(split) {
            Ok((number, Some(unit))) => Value::Text(format!("{number} {unit}")),
            _ => integer(*setting),
        }
    }
}

/// Largest first, so that a size is written in the largest unit that fits it exactly.
const UNITS: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    match unit.trim_start_matches(' ') {
        "" | "B" => Some(number),
        unit => {
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
            number.checked_mul(*factor)
        }
    }
}

/// The number and unit that say `bytes` exactly.
fn split(bytes: u64) -> (u64, Option<&'static str>) {
    UNITS
        .iter()
        .find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor))
        .map_or((bytes, None), |(name, factor)| (bytes / factor, Some(name)))
}

fn spell(bytes: u64) -> String {
    match split(bytes) {
        (number, Some(unit)) => format!("{number} {unit}"),
        (number, None) => format!("{number} B"),
    }
}

fn bounded<T: TryFrom<u64>>(number: u64, bounds: &RangeInclusive<u64>) -> Option<T> {
    bounds.contains(&number).then(|| T::try_from(number).ok())?
}

fn integer<T: TryInto<u64>>(setting: T) -> Value {
    let number = setting.try_into().unwrap_or(u64::MAX);
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: Bytes = Bytes(0..=u64::MAX);

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn a_count_keeps_its_bounds() {
        let count = Count(1..=9);
        for (number, read) in [
            (0, None),
            (1, Some(1_u32)),
            (9, Some(9)),
            (10, None),
            (-1, None),
        ] {
            assert_eq!(count.read(&Value::Integer(number)), read, "{number}");
        }
        assert_eq!(Kind::<u32>::read(&count, &text("5")), None);
        assert_eq!(count.read(&Value::Word("5".into())), Some(5_usize));
    }

    #[test]
    fn a_count_too_large_for_its_type_is_refused() {
        let count = Count(0..=u64::MAX);
        assert_eq!(Kind::<u32>::read(&count, &Value::Integer(1 << 40)), None);
    }

    #[test]
    fn sizes_have_binary_units() {
        for (size, bytes) in [("64 MiB", 64 << 20), ("1KiB", 1024), ("7", 7), ("7 B", 7)] {
            assert_eq!(ANY.read(&text(size)), Some::<u64>(bytes), "{size}");
        }
        for wrong in [
            "",
            "MiB",
            "64 MB",
            "-1 KiB",
            "1.5 MiB",
            "64 mib",
            "99999999 TiB",
            "1 KiB ",
        ] {
            assert_eq!(Kind::<u64>::read(&ANY, &text(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_size_is_written_in_the_largest_exact_unit() {
        assert_eq!(ANY.write(&(64_u64 << 20)), text("64 MiB"));
        assert_eq!(ANY.write(&1025_u64), Value::Integer(1025));
        assert_eq!(ANY.write(&0_u64), Value::Integer(0));
    }

    proptest! {
        #[test]
        fn a_written_size_reads_back(bytes in 0..=i64::MAX.unsigned_abs()) {
            prop_assert_eq!(ANY.read(&ANY.write(&bytes)), Some(bytes));
        }

        #[test]
        fn any_text_as_a_size_is_read_or_refused(text in ".*") {
            let _: Option<u64> = ANY.read(&Value::Text(text));
        }
    }
}
