use std::sync::{Arc, Mutex};

use super::*;
use crate::base::Timestamp;

/// What was logged, kept for reading.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Paper {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(
    log: LogLevel,
    format: LogFormat,
    colours: Colours,
    events: impl FnOnce(&Logs),
) -> String {
    let paper = Paper::default();
    let clock = Clock::manual(Timestamp::from_millis(1_795_219_200_000));
    let settings = Telemetry {
        log,
        format,
        ..Telemetry::default()
    };
    let (subscriber, logs) = subscriber(&settings, colours, clock, paper.clone());
    tracing::subscriber::with_default(subscriber, || events(&logs));
    paper.text()
}

#[test]
fn a_line_of_text_has_time_level_target_and_message() {
    let text = logged(LogLevel::Info, LogFormat::Text, Colours::Off, |_| {
        tracing::info!(port = 8000, "listening");
    });
    let expected = format!(
        "2026-11-21T00:00:00.000Z  INFO {}: listening port=8000\n",
        module_path!()
    );
    assert_eq!(text, expected);
}

#[test]
fn a_line_of_json_is_one_object_with_its_spans() {
    let text = logged(LogLevel::Info, LogFormat::Json, Colours::On, |_| {
        let span = tracing::info_span!("request", id = 7);
        span.in_scope(|| tracing::info!(port = 8000, "listening"));
    });
    assert_eq!(text.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["timestamp"], "2026-11-21T00:00:00.000Z");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "listening");
    assert_eq!(line["port"], 8000);
    assert_eq!(line["spans"][0]["id"], 7);
}

#[test]
fn colours_are_there_only_when_asked_for() {
    for (colours, coloured) in [(Colours::On, true), (Colours::Off, false)] {
        let text = logged(LogLevel::Info, LogFormat::Text, colours, |_| {
            tracing::info!("listening");
        });
        assert_eq!(text.contains('\u{1b}'), coloured);
    }
}

#[test]
fn a_level_lets_through_itself_and_what_is_graver() {
    let text = logged(LogLevel::Warn, LogFormat::Text, Colours::Off, |_| {
        tracing::error!("first");
        tracing::warn!("second");
        tracing::info!("third");
    });
    assert!(text.contains("first") && text.contains("second") && !text.contains("third"));
}

#[test]
fn other_crates_are_silent_at_every_level() {
    let text = logged(LogLevel::Trace, LogFormat::Text, Colours::Off, |_| {
        macro_rules! events_of {
            ($($target:literal)+) => {$(
                tracing::error!(target: $target, "from 192.0.2.1");
                tracing::trace!(target: $target, "from 192.0.2.1");
                let span = tracing::error_span!(target: $target, "span", peer = "192.0.2.1");
                span.in_scope(|| tracing::info!("inside"));
            )+};
        }
        events_of!(
            "turn" "turn::server" "stun" "webrtc_util" "hyper" "hyper_util::client" "tungstenite"
            "tokio_tungstenite" "h2" "mio" "redb" "tokio" "tower_http"
        );
    });
    assert!(!text.contains("192.0.2.1"), "{text}");
    assert_eq!(text.matches("inside").count(), 13);
}

#[test]
fn the_level_changes_while_the_log_runs() {
    let text = logged(LogLevel::Error, LogFormat::Text, Colours::Off, |logs| {
        tracing::debug!("before");
        logs.speak(LogLevel::Debug).unwrap();
        tracing::debug!("after");
        tracing::debug!(target: "turn", "others");
    });
    assert!(!text.contains("before") && text.contains("after") && !text.contains("others"));
}

#[test]
fn the_journal_reads_a_priority_before_every_line() {
    let text = logged(LogLevel::Trace, LogFormat::Journald, Colours::On, |_| {
        tracing::error!("broken\nin two");
        tracing::warn!("careful");
        tracing::info!(port = 8000, "listening");
        tracing::debug!("detail");
    });
    let target = module_path!();
    let broken = text.lines().next().unwrap();
    assert!(
        broken.starts_with(&format!("<3>{target}: broken")),
        "{text}"
    );
    assert!(text.lines().all(|line| line.starts_with('<')), "{text}");
    let rest =
        format!("<4>{target}: careful\n<6>{target}: listening port=8000\n<7>{target}: detail\n");
    assert!(text.ends_with(&rest), "{text}");
}
