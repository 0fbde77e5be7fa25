//! The daemon's figures: they count what happened, name nobody, and are as the documents say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::privacy::{Confidential, allocate, blunder, converse, join};
use crate::rig::{Answer, Appliance, Person, Place, Setup, soon};

/// One sample: a name, its labels, and what it says.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// A page in the text format.
#[derive(Debug)]
struct Page {
    text: String,
    samples: Vec<Sample>,
}

impl Page {
    async fn of(place: Place) -> Self {
        let answer = place.get("/metrics").await;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(sample).collect();
        Self { text, samples }
    }

    /// Name to type, as the page says it.
    fn types(&self) -> BTreeMap<&str, &str> {
        let lines = self.text.lines();
        let types = lines.filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        types.collect()
    }

    /// The sum of the samples of this name that have these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            let has = |(key, value): &(&str, &str)| {
                sample.labels.get(*key).is_some_and(|held| held == value)
            };
            sample.name == name && labels.iter().all(has)
        };
        self.samples
            .iter()
            .filter(fits)
            .map(|sample| sample.value)
            .sum()
    }

    #[track_caller]
    fn counts(&self, name: &str, labels: &[(&str, &str)], expected: u32) {
        let counted = self.sum(name, labels);
        assert!(
            (counted - f64::from(expected)).abs() < 0.5,
            "{name} {labels:?}: {counted}, not {expected}"
        );
    }
}

fn sample(line: &str) -> Sample {
    let (key, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
    let labels = labels.strip_suffix('}').unwrap();
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap();
        (key.to_owned(), value.trim_matches('"').to_owned())
    };
    let pairs = labels.split(',').filter(|pair| !pair.is_empty());
    Sample {
        name: name.to_owned(),
        labels: pairs.map(pair).collect(),
        value: value.parse().unwrap(),
    }
}

/// A histogram's samples have its name and a suffix.
fn family_of<'a>(name: &'a str, types: &BTreeMap<&str, &str>) -> &'a str {
    let suffixes = ["_bucket", "_sum", "_count"];
    let stems = suffixes
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix));
    let mut histograms = stems.filter(|stem| types.get(stem) == Some(&"histogram"));
    histograms.next().unwrap_or(name)
}

async fn appliance() -> Appliance {
    let setup = Setup::lenient().set("telemetry.metrics_listen=127.0.0.1:0");
    setup.start().await
}

/// A daemon through which a whole conversation and a call went, with everything confidential in it.
async fn after_a_conversation() -> (Appliance, Confidential) {
    let appliance = appliance().await;
    let mut confidential = Confidential::default();
    let anna = join(appliance.place(), &mut confidential).await;
    let bert = join(appliance.place(), &mut confidential).await;
    converse(&anna, &bert, &mut confidential).await;
    allocate(&anna, &mut confidential).await;
    blunder(&anna, &mut confidential).await;
    (appliance, confidential)
}

#[tokio::test]
async fn a_conversation_is_counted_and_nobody_in_it_is_named() {
    let (appliance, confidential) = after_a_conversation().await;
    let page = Page::of(appliance.metrics()).await;
    confidential.expect_unsaid(&page.text);
    for private in [
        "127.0.0.1",
        "198.51.100",
        "@",
        "Bearer",
        "/api/v1/keys/0",
        "turn:",
    ] {
        assert!(!page.text.contains(private), "{private}");
    }
    page.counts("privcomm_registrations_total", &[("outcome", "created")], 2);
    page.counts(
        "privcomm_registrations_refused_total",
        &[("code", "identity_mismatch")],
        1,
    );
    page.counts(
        "privcomm_logins_refused_total",
        &[("code", "auth_failed")],
        1,
    );
    page.counts("privcomm_messages_accepted_total", &[], 2);
    page.counts("privcomm_messages_delivered_total", &[], 2);
    page.counts("privcomm_prekey_bundles_total", &[("prekey", "fresh")], 1);
    page.counts("privcomm_prekey_bundles_total", &[("prekey", "again")], 1);
    page.counts("privcomm_calls_started_total", &[], 1);
    page.counts("privcomm_calls_ended_total", &[("reason", "hangup")], 1);
    page.counts("privcomm_call_answer_seconds_count", &[], 1);
    page.counts("privcomm_relay_allocations_opened_total", &[], 1);
    page.counts("privcomm_relay_credentials_total", &[], 1);
    page.counts("privcomm_accounts", &[], 1);
    let route = ("route", "/api/v1/keys/{target}");
    page.counts("privcomm_http_request_duration_seconds_count", &[route], 2);
    assert!(page.sum("privcomm_relay_refusals_total", &[("code", "401")]) >= 2.0);
    assert!(page.sum("privcomm_websocket_frames_total", &[("direction", "in")]) >= 5.0);
    assert!(page.sum("process_resident_memory_bytes", &[]) > 1e6);
    assert!(page.sum("privcomm_disk_free_bytes", &[]) > 0.0);
    appliance.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_counted_by_what_refused_it() {
    let setup = Setup::lenient()
        .set("telemetry.metrics_listen=127.0.0.1:0")
        .set("limits.turn_credentials=1/1h")
        .set("messages.queue_stranger_messages=2");
    let appliance = setup.start().await;
    let anna = Person::join_with(appliance.place(), 0).await;
    let bert = Person::join(appliance.place()).await;
    let path = format!("/api/v1/keys/{}", anna.user());
    bert.get(&path).await.with(200);
    for status in [200, 429, 429] {
        bert.get("/api/v1/turn-credentials").await.with(status);
    }
    for status in [202, 202, 429] {
        bert.post_message(&anna, "hello").await.with(status);
    }
    let nobody = Person::stranger(appliance.place());
    bert.post_message(&nobody, "hello").await.with(400);
    anna.block(&bert).await;
    bert.post_message(&anna, "unheard").await.with(202);
    let mut first = anna.connect().await;
    let second = anna.connect().await;
    assert_eq!(first.closed().await, 4409);
    second.leave().await;
    let page = soon("the ends of both sockets", async {
        loop {
            let page = Page::of(appliance.metrics()).await;
            if page.sum("privcomm_websockets_closed_total", &[]) > 1.5 {
                return page;
            }
        }
    })
    .await;
    let counts = |name, label, value, expected| page.counts(name, &[(label, value)], expected);
    counts("privcomm_prekey_bundles_total", "prekey", "exhausted", 1);
    counts(
        "privcomm_rate_limited_total",
        "limit",
        "turn_credentials",
        2,
    );
    counts("privcomm_messages_refused_total", "code", "queue_full", 1);
    counts(
        "privcomm_messages_refused_total",
        "code",
        "invalid_field",
        0,
    );
    counts("privcomm_messages_accepted_total", "way", "queued", 2);
    counts("privcomm_messages_accepted_total", "way", "dropped", 1);
    counts("privcomm_websockets_closed_total", "reason", "replaced", 1);
    counts("privcomm_websockets_closed_total", "reason", "client", 1);
    page.counts("privcomm_websockets_opened_total", &[], 2);
    page.counts("privcomm_sessions_total", &[], 2);
    page.counts("privcomm_members_online", &[], 0);
    appliance.stop().await;
}

#[tokio::test]
async fn figures_hang_together_as_the_document_says() {
    let (appliance, _) = after_a_conversation().await;
    let page = Page::of(appliance.metrics()).await;
    let sum = |name: &str| page.sum(name, &[]);
    let equal = |one: f64, other: f64, what: &str| {
        assert!((one - other).abs() < 0.5, "{what}: {one} and {other}");
    };
    equal(
        sum("privcomm_websockets_opened_total") - sum("privcomm_websockets_closed_total"),
        page.sum("privcomm_connections", &[("kind", "websocket")]),
        "open sockets",
    );
    equal(
        sum("privcomm_calls_started_total"),
        sum("privcomm_calls_ended_total") + sum("privcomm_calls"),
        "calls",
    );
    equal(
        sum("privcomm_call_answer_seconds_count"),
        sum("privcomm_calls_answered_total"),
        "answered calls",
    );
    equal(
        sum("privcomm_store_commit_messages_count"),
        sum("privcomm_store_commit_duration_seconds_count"),
        "commits",
    );
    equal(
        sum("privcomm_http_responses_total"),
        sum("privcomm_http_request_duration_seconds_count"),
        "answers",
    );
    assert!(sum("privcomm_messages_spared_total") <= sum("privcomm_messages_delivered_total"));
    let types = page.types();
    for (name, _) in types.iter().filter(|(_, kind)| **kind == "histogram") {
        let all = page.sum(&format!("{name}_bucket"), &[("le", "+Inf")]);
        equal(all, sum(&format!("{name}_count")), name);
    }
    appliance.stop().await;
}

/// The rows of the table in docs/metrics.md: family, type, label with its values, help.
fn documented() -> Vec<[String; 4]> {
    let document = include_str!("../../docs/metrics.md");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(cell).collect();
        <[String; 4]>::try_from(cells).unwrap()
    };
    rows.map(row).collect()
}

#[tokio::test]
async fn the_document_lists_every_family_as_it_is() {
    let (appliance, _) = after_a_conversation().await;
    let page = Page::of(appliance.metrics()).await;
    let types = page.types();
    let helps = page
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP "));
    let helps: BTreeMap<&str, &str> = helps.filter_map(|line| line.split_once(' ')).collect();
    let rendered: BTreeSet<_> = types
        .keys()
        .map(|name| (*name, types[name], helps[name]))
        .collect();
    let rows = documented();
    let written = rows
        .iter()
        .map(|[name, kind, _, help]| (&name[..], &kind[..], &help[..]));
    assert_eq!(written.collect::<BTreeSet<_>>(), rendered);
    appliance.stop().await;
}

/// The patterns that the API's description lists, and the word for everything else.
async fn patterns(place: Place) -> BTreeSet<String> {
    let description = place.get("/openapi.json").await.with(200);
    let paths = description["paths"].as_object().unwrap();
    let paths = paths.keys().cloned();
    paths.chain(["unmatched".to_owned()]).collect()
}

#[tokio::test]
async fn every_label_has_one_of_the_values_that_the_document_lists() {
    let (appliance, _) = after_a_conversation().await;
    for path in [
        "/a",
        "/b",
        "/api/v1/keys/x",
        "/api/v1/keys/y",
        "/ws/z",
        "/%00",
    ] {
        appliance.place().get(path).await;
    }
    let patterns = patterns(appliance.place()).await;
    let page = Page::of(appliance.metrics()).await;
    let rows = documented();
    let types = page.types();
    for sample in &page.samples {
        let family = family_of(&sample.name, &types);
        let row = rows.iter().find(|[name, ..]| name == family).unwrap();
        for (label, value) in sample.labels.iter().filter(|(label, _)| *label != "le") {
            let is_known = match label.as_str() {
                "route" => patterns.contains(value),
                "version" => value == env!("CARGO_PKG_VERSION"),
                _ => words_of(&row[2], label).any(|word| word == value),
            };
            assert!(is_known, "{family}: {label}={value}");
        }
    }
    appliance.stop().await;
}

/// The values of a label in a cell such as ``state: ringing, connected; class: 2xx``.
fn words_of<'a>(cell: &'a str, label: &str) -> impl Iterator<Item = &'a str> {
    let label = label.to_owned();
    let parts = cell.split(';').filter_map(|part| part.split_once(':'));
    let values = parts.filter(move |(name, _)| name.trim() == label);
    values.flat_map(|(_, values)| values.split(',').map(str::trim))
}

#[tokio::test]
async fn strangers_cannot_make_the_page_grow() {
    let appliance = appliance().await;
    let place = appliance.place();
    let provoke = async |round: u32| {
        for number in 0..20 {
            let path = format!("/nowhere/{round}/{number}");
            place.get(&path).await.with(404);
            let path = format!("/api/v1/keys/{round}-{number}");
            place.get(&path).await.with(401);
        }
    };
    provoke(1).await;
    let before = Page::of(appliance.metrics()).await.samples.len();
    provoke(2).await;
    let after = Page::of(appliance.metrics()).await.samples.len();
    assert_eq!(before, after);
    assert!(
        after < 400,
        "{after} samples for a daemon that has just started"
    );
    appliance.stop().await;
}

async fn accepting(place: Place, accept: &str) -> Answer {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n");
    place.say(request.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn prometheus_gets_the_format_that_it_asks_for() {
    let appliance = appliance().await;
    let place = appliance.metrics();
    let plain = accepting(place, "*/*").await;
    let kind = plain.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    let open = accepting(
        place,
        "application/openmetrics-text;version=1.0.0,*/*;q=0.5",
    )
    .await;
    let kind = open.header("content-type");
    assert_eq!(
        kind,
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.text().ends_with("# EOF\n"));
    let text = open.text();
    let types = text.lines().filter(|line| line.starts_with("# TYPE"));
    let names: Vec<&str> = types.map(|line| line.split(' ').nth(2).unwrap()).collect();
    let unique: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(names.len(), unique.len(), "two families of one name");
    appliance.stop().await;
}

#[tokio::test]
async fn nothing_but_the_page_is_served_there() {
    let appliance = appliance().await;
    let place = appliance.metrics();
    for path in ["/", "/health", "/metrics/all", "/api/v1/server", "/ws"] {
        place.get(path).await.refused(404, "not_found");
    }
    place
        .ask("POST", "/metrics", None, None)
        .await
        .refused(405, "method_not_allowed");
    appliance
        .place()
        .get("/metrics")
        .await
        .refused(404, "not_found");
    appliance.stop().await;
}

#[tokio::test]
async fn the_page_has_places_for_a_few_and_a_time_to_ask() {
    let setup = Setup::lenient()
        .set("telemetry.metrics_listen=127.0.0.1:0")
        .set("limits.header_timeout=1s");
    let appliance = setup.start().await;
    let place = appliance.metrics();
    let mut held = Vec::new();
    for _ in 0..16 {
        let mut stream = place.dial().await.unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\n")
            .await
            .unwrap();
        held.push(stream);
    }
    // The sixteen are accepted in order before the next.
    place.get("/metrics").await.refused(503, "capacity");
    for mut stream in held {
        let end = soon("the end", Answer::read(&mut stream)).await;
        assert!(end.is_none(), "half a request was answered");
    }
    Page::of(place).await;
    appliance.stop().await;
}

#[tokio::test]
async fn without_the_setting_no_figures_are_served() {
    let appliance = Appliance::start().await;
    appliance
        .place()
        .get("/metrics")
        .await
        .refused(404, "not_found");
    appliance.stop().await;
}

/// Every name of ours, or of the process, in a query.
fn names_in(query: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = query.split(move |character| !is_part(character));
    words.filter(|word| word.starts_with("privcomm_") || word.starts_with("process_"))
}

#[track_caller]
fn expect_known(query: &str, types: &BTreeMap<&str, &str>) {
    for name in names_in(query) {
        let family = family_of(name, types);
        assert!(types.contains_key(family), "{name} in {query}");
        let is_histogram = types.get(family) == Some(&"histogram");
        assert_eq!(is_histogram, name != family, "{name} in {query}");
    }
}

/// Every query of a dashboard, however deep it stands.
fn queries(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(text) if key == "expr" || key == "query" => vec![text.clone()],
                other => queries(other),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn dashboard_and_alerts_ask_for_figures_that_exist() {
    let (appliance, _) = after_a_conversation().await;
    let page = Page::of(appliance.metrics()).await;
    let types = page.types();
    let dashboard = include_str!("../../packaging/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let queries = queries(&dashboard);
    assert!(queries.len() > 20);
    for query in &queries {
        expect_known(query, &types);
    }
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len(), "two panels of one id");
    let alerts = include_str!("../../packaging/prometheus-alerts.yml");
    let expressions: Vec<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .collect();
    let rules = alerts.matches("- alert: ").count();
    assert!(rules > 5);
    assert_eq!(expressions.len(), rules);
    for part in ["for: ", "severity: ", "summary: ", "description: "] {
        assert_eq!(alerts.matches(part).count(), rules, "{part}");
    }
    for expression in expressions {
        expect_known(expression, &types);
    }
    appliance.stop().await;
}
