//! Figures as Prometheus reads them: families of samples, written as text.
//!
//! Two dialects of one format: the classic text (0.0.4), and OpenMetrics (1.0.0) for those who ask
//! for it. Both are some hundred lines without a state of their own; a library of instruments would
//! bring a registry and its locks, where the rooms keep plain counters and are read when asked.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use async_trait::async_trait;

use crate::base::Distribution;

/// Where the figures come from. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<dyn Source>);

/// Reads the figures of the rooms. Must be cheap: whoever scrapes may come every second.
#[async_trait]
pub trait Source: Send + Sync {
    /// Every family as it is now, always the same ones in the same order.
    async fn families(&self) -> Vec<Family>;
}

impl Metrics {
    /// Figures that `source` reads.
    pub fn new(source: impl Source + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The whole page in this format.
    pub async fn render(&self, format: Format) -> String {
        write(&self.0.families().await, format)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A dialect of the exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// What an `Accept` header prefers; the text format where it has no wish that can be met.
    pub fn negotiated(accept: &str) -> Self {
        let offers = accept.split(',').filter_map(offer);
        // Of equals the first: `max_by_key` would give the last.
        let best = offers.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::Text, |(format, _)| format)
    }

    /// The `Content-Type` of a page in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A format and its weight in thousandths, if it is one of ours and wanted at all (RFC 9110 §12.5.1).
fn offer(range: &str) -> Option<(Format, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let (mut version, mut weight) = (None, 1000);
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => weight = thousandths(value.trim())?,
            "version" => version = Some(value.trim().trim_matches('"')),
            _ => {}
        }
    }
    let format = match (kind.as_str(), version) {
        ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => Format::OpenMetrics,
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Format::Text,
        _ => return None,
    };
    (weight > 0).then_some((format, weight))
}

/// `1`, `0.5`, `0.333` as thousandths.
fn thousandths(quality: &str) -> Option<u32> {
    let (whole, rest) = quality.split_once('.').unwrap_or((quality, ""));
    let is_number = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let rest: u32 = if is_number {
        format!("{rest:0<3}").parse().ok()?
    } else {
        return None;
    };
    Some((whole * 1000 + rest).min(1000))
}

/// Samples of one name, one meaning and one unit.
#[derive(Debug, Clone)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The labels of a sample: names and values that the program has in it, never what a stranger said.
type Labels = Vec<(&'static str, &'static str)>;

#[derive(Debug, Clone)]
struct Sample {
    labels: Labels,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    Number(u64),
    Real(f64),
    Spread {
        distribution: Distribution,
        unit: f64,
    },
}

/// Values of a histogram that are counted in microseconds and shown in seconds.
const MICROS: f64 = 1e-6;

impl Family {
    /// A number that only rises. Its name ends in `_total`. `help` is one line without quotation
    /// marks and backslashes, here and below: the formats disagree on how to write those.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Counter)
    }

    /// A number that rises and falls.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Gauge)
    }

    /// Observations by size.
    pub const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Histogram)
    }

    const fn new(name: &'static str, help: &'static str, kind: Kind) -> Self {
        let samples = Vec::new();
        Self {
            name,
            help,
            kind,
            samples,
        }
    }

    /// Its name, as it is asked for.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// With one sample without labels.
    pub fn is(self, value: u64) -> Self {
        self.with(&[], value)
    }

    /// With one sample more.
    pub fn with(self, labels: &[(&'static str, &'static str)], value: u64) -> Self {
        self.sample(labels, Value::Number(value))
    }

    /// With one sample without labels that isn't a whole number.
    pub fn is_real(self, value: f64) -> Self {
        self.sample(&[], Value::Real(value))
    }

    /// With one sample for each value of the label `name`.
    pub fn by(
        self,
        name: &'static str,
        samples: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> Self {
        let each = samples.into_iter();
        each.fold(self, |family, (value, count)| {
            family.with(&[(name, value)], count)
        })
    }

    /// With a distribution of plain numbers.
    pub fn spread(self, distribution: Distribution) -> Self {
        self.sample(
            &[],
            Value::Spread {
                distribution,
                unit: 1.0,
            },
        )
    }

    /// With a distribution of microseconds, which is shown in seconds.
    pub fn spread_of_micros(
        self,
        labels: &[(&'static str, &'static str)],
        distribution: Distribution,
    ) -> Self {
        self.sample(
            labels,
            Value::Spread {
                distribution,
                unit: MICROS,
            },
        )
    }

    fn sample(mut self, labels: &[(&'static str, &'static str)], value: Value) -> Self {
        self.samples.push(Sample {
            labels: labels.to_vec(),
            value,
        });
        self
    }
}

/// The page of `families`.
fn write(families: &[Family], format: Format) -> String {
    let mut page = Page {
        text: String::with_capacity(16 << 10),
        format,
    };
    for family in families {
        page.family(family);
    }
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    format: Format,
}

impl Page {
    fn family(&mut self, family: &Family) {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let name = self.heading(family);
        self.line(format_args!("# HELP {name} {}", family.help));
        self.line(format_args!("# TYPE {name} {kind}"));
        if let (Format::OpenMetrics, Some(unit)) = (self.format, unit(name)) {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
        for sample in &family.samples {
            self.sample(family.name, sample);
        }
    }

    /// A counter's family goes without its suffix in OpenMetrics.
    fn heading(&self, family: &Family) -> &'static str {
        let bare = family.name.strip_suffix("_total");
        match (self.format, family.kind) {
            (Format::OpenMetrics, Kind::Counter) => bare.unwrap_or(family.name),
            _ => family.name,
        }
    }

    fn sample(&mut self, name: &str, sample: &Sample) {
        let labels = Braces(&sample.labels, None);
        match &sample.value {
            Value::Number(number) => self.line(format_args!("{name}{labels} {number}")),
            Value::Real(number) => self.line(format_args!("{name}{labels} {number:?}")),
            Value::Spread { distribution, unit } => {
                self.buckets(name, &sample.labels, distribution, *unit);
                let (count, sum) = (distribution.count(), scaled(distribution.sum, *unit));
                self.line(format_args!("{name}_sum{labels} {sum:?}"));
                self.line(format_args!("{name}_count{labels} {count}"));
            }
        }
    }

    fn buckets(&mut self, name: &str, labels: &Labels, distribution: &Distribution, unit: f64) {
        for (bound, below) in distribution.cumulative() {
            let bound = format!("{:?}", scaled(bound, unit));
            let labels = Braces(labels, Some(&bound));
            self.line(format_args!("{name}_bucket{labels} {below}"));
        }
        let labels = Braces(labels, Some("+Inf"));
        self.line(format_args!(
            "{name}_bucket{labels} {}",
            distribution.count()
        ));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }
}

/// The unit in a name, as OpenMetrics wants it repeated.
fn unit(name: &str) -> Option<&'static str> {
    let has = |unit: &&str| {
        name.strip_suffix(*unit)
            .is_some_and(|rest| rest.ends_with('_'))
    };
    ["seconds", "bytes"].into_iter().find(has)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of so much time needs no last digit"
)]
fn scaled(value: u64, unit: f64) -> f64 {
    if unit < 1.0 {
        // Divided, because 0.3 has to come out as that and not as 0.3 and a little.
        value as f64 / unit.recip().round()
    } else {
        value as f64
    }
}

/// Labels in braces, with the bound of a bucket where there is one.
struct Braces<'a>(&'a Labels, Option<&'a str>);

impl fmt::Display for Braces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.1.map(|bound| ("le", bound));
        let mut before = '{';
        for (name, value) in self.0.iter().copied().chain(bound) {
            write!(f, "{before}{name}=\"{}\"", Escaped(value))?;
            before = ',';
        }
        if before == ',' {
            f.write_char('}')
        } else {
            Ok(())
        }
    }
}

/// Text in which nothing ends a line or a quotation.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
