//! Moments as people read them: local time; days as words while they are near.

use jiff::tz::TimeZone;

use crate::base::{Clock, Timestamp};

/// A moment in local time, to the minute.
pub(super) fn moment(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    let local = at.to_zoned(TimeZone::system());
    local.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Its day, in local time.
pub(super) fn date(at: Timestamp) -> String {
    let moment = moment(at);
    moment
        .split_once(' ')
        .map_or_else(String::new, |(day, _)| day.to_owned())
}

/// The same, as short as it can be: the time on the day itself, else the day.
pub(super) fn recent(at: Timestamp) -> String {
    let (at, now) = (moment(at), moment(Clock::System.now()));
    let (day, time) = at.split_once(' ').unwrap_or((&at, ""));
    if now.starts_with(day) { time } else { day }.to_owned()
}

/// A day as the daemon keeps it, in UTC: `today`, `yesterday`, else as it is.
pub(super) fn day(date: &str) -> String {
    day_on(date, Clock::System.now())
}

fn day_on(date: &str, now: Timestamp) -> String {
    let today = now.day();
    if date == Timestamp::of_day(today).date() {
        "today".to_owned()
    } else if date == Timestamp::of_day(today.saturating_sub(1)).date() {
        "yesterday".to_owned()
    } else {
        date.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_today_is_told_by_its_time() {
        assert_eq!(recent(Clock::System.now()).len(), "14:02".len());
        assert_eq!(recent(Timestamp::from_millis(0)).len(), "1970-01-01".len());
    }

    #[test]
    fn a_day_that_is_near_has_a_name() {
        let now = Timestamp::from_millis(1_795_219_200_000);
        assert_eq!(now.date(), "2026-11-21");
        assert_eq!(day_on("2026-11-21", now), "today");
        assert_eq!(day_on("2026-11-20", now), "yesterday");
        assert_eq!(day_on("2026-11-19", now), "2026-11-19");
    }
}
