use proptest::prelude::*;

use super::*;
use crate::base::Histogram;

fn families() -> Vec<Family> {
    let histogram = Histogram::new(&[100, 300_000, 1_000_000]);
    for micros in [50, 100, 200_000, 5_000_000] {
        histogram.observe(micros);
    }
    vec![
        Family::counter("cats_total", "Cats seen.").by("colour", [("red", 3), ("a\\b", 0)]),
        Family::gauge("food_bytes", "Food left.").is(7),
        Family::gauge("warmth_seconds", "Sun.").is_real(1.5),
        Family::histogram("nap_seconds", "Naps.")
            .spread_of_micros(&[("place", "sofa")], histogram.read()),
    ]
}

const TEXT: &str = r#"# HELP cats_total Cats seen.
# TYPE cats_total counter
cats_total{colour="red"} 3
cats_total{colour="a\\b"} 0
# HELP food_bytes Food left.
# TYPE food_bytes gauge
food_bytes 7
# HELP warmth_seconds Sun.
# TYPE warmth_seconds gauge
warmth_seconds 1.5
# HELP nap_seconds Naps.
# TYPE nap_seconds histogram
nap_seconds_bucket{place="sofa",le="0.0001"} 2
nap_seconds_bucket{place="sofa",le="0.3"} 3
nap_seconds_bucket{place="sofa",le="1.0"} 3
nap_seconds_bucket{place="sofa",le="+Inf"} 4
nap_seconds_sum{place="sofa"} 5.20015
nap_seconds_count{place="sofa"} 4
"#;

#[test]
fn the_text_format_is_written_as_prometheus_reads_it() {
    assert_eq!(write(&families(), Format::Text), TEXT);
}

#[test]
fn open_metrics_names_units_drops_the_suffix_of_a_counters_family_and_ends() {
    let page = write(&families(), Format::OpenMetrics);
    assert!(
        page.contains("# TYPE cats counter\ncats_total{colour=\"red\"} 3\n"),
        "{page}"
    );
    assert!(page.contains("# UNIT food_bytes bytes\n"), "{page}");
    assert!(page.ends_with("\n# EOF\n"));
}

#[test]
fn a_format_is_chosen_by_weight() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                      application/openmetrics-text;version=0.0.1;q=0.4,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, format) in [
        (prometheus, Format::OpenMetrics),
        ("application/openmetrics-text", Format::OpenMetrics),
        (
            "text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.8",
            Format::Text,
        ),
        ("text/html, */*;q=0.1", Format::Text),
        ("application/openmetrics-text;version=2.0.0", Format::Text),
        ("application/openmetrics-text;q=0", Format::Text),
        ("application/vnd.google.protobuf;q=1", Format::Text),
        ("", Format::Text),
    ] {
        assert_eq!(Format::negotiated(accept), format, "{accept}");
    }
}

#[test]
fn a_weight_has_three_digits_at_most() {
    for (text, weight) in [
        ("1", Some(1000)),
        ("0.5", Some(500)),
        ("0.025", Some(25)),
        ("0.", Some(0)),
    ] {
        assert_eq!(thousandths(text), weight);
    }
    for text in ["", "2", "0.1234", "0.x", "-1", "1e3"] {
        assert_eq!(thousandths(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_accept_header_is_survived(accept in "\\PC{0,80}") {
        Format::negotiated(&accept);
    }

    #[test]
    fn escaped_text_stays_on_its_line_and_in_its_quotes(text in "\\PC{0,40}|[\\\\\"\n]{0,9}") {
        let escaped = Escaped(&text).to_string();
        prop_assert!(!escaped.contains('\n'));
        let mut backslashes = 0;
        for character in escaped.chars() {
            prop_assert!(character != '"' || backslashes % 2 == 1);
            backslashes = if character == '\\' { backslashes + 1 } else { 0 };
        }
    }
}
