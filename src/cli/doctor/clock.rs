//! Whether something keeps the clock, and how far it is off: by the time service of the machine, and by
//! what stands in the answers of the public name, which a tunnel or proxy elsewhere may have dated.

use std::path::Path;
use std::process::Command;

use rustix::time::{ClockId, clock_gettime};

use super::Scene;
use crate::base::{Clock, Timestamp, Trouble};
use crate::cli::finding::{Finding, Group};
use crate::serve::Visitor;

/// No clock that is right is before this: 2025-01-01.
const EARLIEST: i64 = 1_735_689_600;

/// Seconds that a clock may be off. Signed nonces and credentials allow for more.
const MOST_OFF: f64 = 1.0;

/// systemd-timesyncd and ntpd leave something here once they have the time.
const KEPT: [&str; 2] = ["/run/systemd/timesync/synchronized", "/run/ntpd.pid"];

/// What the machine's time service says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Word {
    /// The clock differs from its sources by so many seconds.
    Off(f64),
    /// The kernel's clock is kept in step.
    InStep,
    /// It isn't.
    OutOfStep,
}

/// Seconds that it may differ from the date of an answer, which has whole seconds and took its time.
const MOST_APART: u64 = 5;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = vec![kept()];
    findings.extend(compared(scene));
    findings
}

/// What the answers of the public name are dated.
fn compared(scene: &Scene<'_>) -> Option<Finding> {
    let url = scene.daemon.as_ref()?.here.public_url.as_ref();
    let base = url.filter(|_| !scene.is_offline)?.trim_end_matches('/');
    let (visitor, url) = (Visitor::default(), format!("{base}/health/live"));
    let asked = Clock::System.now();
    // Whether it answers at all is told elsewhere.
    let page = scene.runtime.block_on(visitor.get(&url)).ok()?;
    let date = date(page.headers.get("date")?.to_str().ok()?)?;
    let (apart, side) = apart(asked, date, Clock::System.now());
    Some(if apart > MOST_APART {
        let sentence = format!("{apart} s {side} the date of what {base} answers");
        Finding::warn(Group::Clock, Trouble::ClockOff, sentence)
    } else {
        let sentence = format!("agrees with the date of what {base} answers");
        Finding::ok(Group::Clock, sentence)
    })
}

/// By how many seconds this clock differs from a date that was set between two moments.
fn apart(asked: Timestamp, date: Timestamp, answered: Timestamp) -> (u64, &'static str) {
    if date > answered {
        (date.since(answered).as_secs(), "behind")
    } else {
        (asked.since(date).as_secs(), "ahead of")
    }
}

/// The moment of a `Date` (RFC 9110, section 5.6.7).
fn date(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let millis = u64::try_from(date.timestamp().as_millisecond()).ok()?;
    Some(Timestamp::from_millis(millis))
}

/// What this machine says of its clock.
fn kept() -> Finding {
    let now = clock_gettime(ClockId::Realtime).tv_sec;
    let warn = |sentence: String| Finding::warn(Group::Clock, Trouble::ClockOff, sentence);
    if now < EARLIEST {
        let sentence = "this machine's clock is years behind";
        Finding::fail(Group::Clock, Trouble::ClockOff, sentence)
    } else {
        match ask() {
            Some(Word::Off(seconds)) if seconds.abs() > MOST_OFF => {
                warn(format!("{seconds:.1} s off what chrony's sources say"))
            }
            Some(Word::Off(seconds)) => {
                let millis = seconds.abs() * 1000.0;
                Finding::ok(Group::Clock, format!("kept by chrony, {millis:.1} ms off"))
            }
            Some(Word::InStep) => {
                Finding::ok(Group::Clock, "kept by a time service, in step with it")
            }
            _ if is_contained() => {
                Finding::ok(Group::Clock, "in a container: its host keeps the clock")
            }
            Some(Word::OutOfStep) => {
                warn("no time service has this machine's clock in step".to_owned())
            }
            None => warn("no time service of this machine is seen to keep its clock".to_owned()),
        }
    }
}

/// chrony measures; the others only say whether they did their work.
fn ask() -> Option<Word> {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        let is_answer = output.status.success();
        is_answer.then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let measured = said("chronyc", &["-c", "-n", "tracking"]);
    if let Some(off) = measured.as_deref().and_then(chrony) {
        return Some(off);
    }
    if KEPT.iter().any(|sign| Path::new(sign).exists()) {
        return Some(Word::InStep);
    }
    let state = said("timedatectl", &["show", "-p", "NTPSynchronized", "--value"])?;
    match state.trim() {
        "yes" => Some(Word::InStep),
        "no" => Some(Word::OutOfStep),
        _ => None,
    }
}

/// A line of `chronyc -c tracking`: reference, name, stratum, time of reference, how far the system's
/// clock is off in seconds, and more.
fn chrony(line: &str) -> Option<Word> {
    let mut fields = line.trim().split(',');
    let stratum: u8 = fields.nth(2)?.parse().ok()?;
    let off: f64 = fields.nth(1)?.parse().ok()?;
    Some(match stratum {
        0 => Word::OutOfStep,
        _ => Word::Off(off),
    })
}

/// Whether this is a container, which can't set the clock.
fn is_contained() -> bool {
    ["/run/systemd/container", "/.dockerenv"]
        .iter()
        .any(|sign| Path::new(sign).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_compared_with_the_time_in_which_it_was_set() {
        let date = date("Sat, 21 Nov 2026 00:00:00 GMT").unwrap();
        assert_eq!(date.as_millis(), 1_795_219_200_000);
        let at = |seconds: i64| {
            Timestamp::from_millis(date.as_millis().saturating_add_signed(seconds * 1000))
        };
        assert_eq!(apart(at(-1), date, at(1)), (0, "ahead of"));
        assert_eq!(apart(at(90), date, at(91)), (90, "ahead of"));
        assert_eq!(apart(at(-91), date, at(-90)), (90, "behind"));
    }

    #[test]
    fn chronys_measure_is_read() {
        let line = "C0000201,192.0.2.1,3,1795219200.5,-0.000042,0.00001,0.00002,1.5,0.0,0.1,0.02,\
            0.001,64.2,Normal\n";
        assert_eq!(chrony(line), Some(Word::Off(-0.000_042)));
        let apart = line.replace(",3,", ",0,");
        assert_eq!(chrony(&apart), Some(Word::OutOfStep));
        for other in ["", "506 Cannot talk to daemon", "a,b,c,d,e"] {
            assert_eq!(chrony(other), None, "{other}");
        }
    }
}
