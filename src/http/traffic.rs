//! How many requests there were and how long their answers took, by the route's pattern: paths
//! themselves hold ids.

use std::time::Duration;

use crate::base::{Counter, Distribution, Histogram};

/// The word for requests that no route matched.
pub(super) const UNMATCHED: &str = "unmatched";

/// The classes of status, by their hundreds.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What the HTTP side counted since the start, and its connections now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Connections now, those included that became WebSockets.
    pub connections: u64,
    /// Connections since the start.
    pub accepted: u64,
    /// Connections that were turned away because there was no place for them. Not among the
    /// accepted.
    pub turned_away: u64,
    /// Answers by class of status.
    pub answers: Vec<(&'static str, u64)>,
    /// How long answers took, of every route and class of status that had any.
    pub latencies: Vec<Latency>,
}

/// How long answers of one kind took, microseconds: from the request's last header to the answer's
/// first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    /// The route's pattern, or `unmatched`.
    pub route: &'static str,
    /// The class of status.
    pub class: &'static str,
    /// How many took how long.
    pub micros: Distribution,
}

/// The counters behind [`Figures`].
#[derive(Debug)]
pub(super) struct Traffic {
    pub(super) accepted: Counter,
    pub(super) turned_away: Counter,
    routes: Vec<(&'static str, [Histogram; CLASSES.len()])>,
}

impl Traffic {
    /// Counts for the routes with these patterns, in the order of the router's places.
    pub(super) fn new(patterns: impl IntoIterator<Item = &'static str>) -> Self {
        let rows = patterns.into_iter().chain([UNMATCHED]);
        let row = |pattern| (pattern, std::array::from_fn(|_| Histogram::of_latency()));
        Self {
            accepted: Counter::default(),
            turned_away: Counter::default(),
            routes: rows.map(row).collect(),
        }
    }

    /// Counts one answer of the route at `place`, or of none.
    pub(super) fn answered(&self, place: Option<usize>, status: u16, took: Duration) {
        let last = self.routes.len() - 1;
        let (_, classes) = &self.routes[place.unwrap_or(last).min(last)];
        let class = usize::from(status / 100).saturating_sub(1);
        classes[class.min(CLASSES.len() - 1)].observe_micros(took);
    }

    pub(super) fn read(&self, connections: usize) -> Figures {
        let mut answers = CLASSES.map(|class| (class, 0));
        let mut latencies = Vec::new();
        for (route, classes) in &self.routes {
            for ((class, total), histogram) in answers.iter_mut().zip(classes) {
                let micros = histogram.read();
                let count = micros.count();
                *total += count;
                if count > 0 {
                    latencies.push(Latency {
                        route,
                        class,
                        micros,
                    });
                }
            }
        }
        Figures {
            connections: connections as u64,
            accepted: self.accepted.value(),
            turned_away: self.turned_away.value(),
            answers: answers.to_vec(),
            latencies,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_its_route_and_class() {
        let traffic = Traffic::new(["/a", "/b/{id}"]);
        let took = Duration::from_millis(2);
        for (place, status) in [(Some(1), 200), (Some(1), 404), (None, 404), (Some(1), 200)] {
            traffic.answered(place, status, took);
        }
        let read = traffic.read(3);
        let of = |latency: &Latency| (latency.route, latency.class, latency.micros.count());
        assert_eq!(
            read.latencies.iter().map(of).collect::<Vec<_>>(),
            [
                ("/b/{id}", "2xx", 2),
                ("/b/{id}", "4xx", 1),
                (UNMATCHED, "4xx", 1)
            ]
        );
        assert_eq!(read.answers[1..4], [("2xx", 2), ("3xx", 0), ("4xx", 2)]);
        assert_eq!(read.connections, 3);
    }

    #[test]
    fn a_status_of_no_class_is_counted_all_the_same() {
        let traffic = Traffic::new([]);
        for status in [0, 99, 999] {
            traffic.answered(None, status, Duration::ZERO);
        }
        let answers = traffic.read(0).answers;
        assert_eq!(answers.iter().map(|(_, count)| count).sum::<u64>(), 3);
    }
}
