//! The log: text or JSON lines on stderr, times in RFC 3339 UTC; or lines for the journal, which
//! knows the time and wants priorities.
//!
//! Only this crate's own events get through. Other crates print addresses of peers, some of them at
//! error level, and what they fail at reaches us as errors anyway, so they are off at every level.
//! Records of the `log` crate (turn, stun and webrtc-util write those) have no way in: nothing here
//! bridges them to tracing.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;

use super::journal::{self, Prioritised};
use crate::base::Clock;
use crate::config::{LogFormat, LogLevel, Telemetry};

/// The target of every event of this crate.
const OWN: &str = "privcomm";

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// It is: a terminal reads it, and `NO_COLOR` is not set.
    On,
    /// It isn't.
    Off,
}

/// The running log.
#[derive(Debug, Clone)]
pub struct Logs {
    filter: reload::Handle<Targets, Registry>,
}

/// Why there is no log, or none as wished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The process has a log already.
    #[error("expected to start the first log of this process; got {0}")]
    AlreadyStarted(tracing::subscriber::SetGlobalDefaultError),
    /// The log that this handle belongs to is gone.
    #[error("expected a running log; got {0}")]
    Gone(reload::Error),
}

/// Starts the log of the process, on stderr. Text for people becomes text for the journal where
/// that is what reads stderr.
///
/// # Errors
///
/// [`TelemetryError::AlreadyStarted`] at the second time.
pub fn start(settings: &Telemetry, colours: Colours) -> Result<Logs, TelemetryError> {
    let mut settings = settings.clone();
    let stream = std::env::var_os("JOURNAL_STREAM");
    if settings.format == LogFormat::Text && journal::reads_stderr(stream.as_deref()) {
        settings.format = LogFormat::Journald;
    }
    let (subscriber, logs) = subscriber(&settings, colours, Clock::System, io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(TelemetryError::AlreadyStarted)?;
    Ok(logs)
}

impl Logs {
    /// Changes how much is said, from now on.
    ///
    /// # Errors
    ///
    /// [`TelemetryError::Gone`] when the subscriber was dropped.
    pub fn speak(&self, level: LogLevel) -> Result<(), TelemetryError> {
        self.filter.reload(own(level)).map_err(TelemetryError::Gone)
    }
}

fn subscriber<W>(
    settings: &Telemetry,
    colours: Colours,
    clock: Clock,
    writer: W,
) -> (impl tracing::Subscriber + Send + Sync, Logs)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(own(settings.log));
    let lines = lines(settings.format, colours, clock, writer);
    let subscriber = Registry::default().with(filter).with(lines);
    (subscriber, Logs { filter: handle })
}

/// Lets through this crate's events up to `level`, and nothing of others.
fn own(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(LevelFilter::OFF)
        .with_target(OWN, level)
}

fn lines<S, W>(
    format: LogFormat,
    colours: Colours,
    clock: Clock,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer()
        .with_ansi(colours == Colours::On && format == LogFormat::Text)
        .with_timer(Stamp(clock));
    match format {
        LogFormat::Text => lines.with_writer(writer).boxed(),
        LogFormat::Journald => lines
            .with_writer(Prioritised(writer))
            .without_time()
            .with_level(false)
            .boxed(),
        LogFormat::Json => lines
            .with_writer(writer)
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .boxed(),
    }
}

/// The moment of an event, RFC 3339 in UTC.
#[derive(Debug)]
struct Stamp(Clock);

impl FormatTime for Stamp {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", self.0.now())
    }
}

#[cfg(test)]
mod tests;
