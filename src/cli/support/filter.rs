//! What is taken out of a bundle: names of hosts, addresses but for this machine's own names for
//! itself, ids, whose home a path leads to, and whatever is as long as a key.

use std::collections::BTreeSet;

use regex_lite::{Captures, Regex};

/// Endings of files, which look like those of hosts.
const FILES: [&str; 10] = [
    "crt", "json", "key", "log", "pcb", "pem", "redb", "sock", "toml", "txt",
];

/// Patterns of what is private, each with what is put in its place.
const PATTERNS: [(&str, &str); 6] = [
    (
        r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[id]",
    ),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "[address]"),
    (
        r"(?i)(?:\b[0-9a-f]{1,4}|:):(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}",
        "[address]",
    ),
    (r"[\w.+-]+@[\w-]+\.[\w.]+", "[mail]"),
    (r#"/home/[^/\s"']+"#, "/home/[user]"),
    (r"[A-Za-z0-9+/_=-]{32,}", "[key?]"),
];

/// The names of hosts in some values of the configuration: words with dots that end in letters, and
/// aren't names of files.
pub(super) fn hosts(values: &[String]) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '.';
    let words = values
        .iter()
        .flat_map(|value| value.split(move |letter| !is_part(letter)));
    let is_host = |word: &&str| {
        word.rsplit_once('.').is_some_and(|(_, ending)| {
            let is_name = ending.len() > 1 && ending.chars().all(char::is_alphabetic);
            is_name && !FILES.contains(&ending)
        })
    };
    words.filter(is_host).map(str::to_owned).collect()
}

/// `text` without anything private, and without these hosts.
pub(super) fn apply(text: &str, hosts: &BTreeSet<String>) -> String {
    let mut text = text.to_owned();
    // Longer names first: one may end in another.
    let mut hosts: Vec<&String> = hosts.iter().collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.len()));
    for host in hosts {
        text = text.replace(host.as_str(), "[host]");
    }
    for (pattern, name) in PATTERNS {
        let Ok(pattern) = Regex::new(pattern) else {
            continue;
        };
        let put = |found: &Captures<'_>| {
            let is_known = is_public(&found[0]);
            (if is_known { &found[0] } else { name }).to_owned()
        };
        text = pattern.replace_all(&text, put).into_owned();
    }
    text
}

/// What is the same on every machine: loopback, every interface, times of day.
fn is_public(found: &str) -> bool {
    let is_time = found.len() <= 8 && found.split(':').all(|part| part.len() == 2);
    is_time || found.starts_with("127.") || found == "0.0.0.0" || ["::", "::1"].contains(&found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_private_passes_the_filter() {
        let text = "2026-11-20T15:02:03 user 3f0c1d2e-aaaa-4bbb-8ccc-0123456789ab of 203.0.113.7 and \
            2001:db8::17 at chat.example.org, anna@example.net, key \
            q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng=, on 127.0.0.1:8000 and 0.0.0.0:3478";
        let filtered = apply(text, &hosts(&["\"https://chat.example.org\"".to_owned()]));
        assert_eq!(
            filtered,
            "2026-11-20T15:02:03 user [id] of [address] and [address] at [host], [mail], key [key?], on \
             127.0.0.1:8000 and 0.0.0.0:3478"
        );
    }

    #[test]
    fn hosts_are_found_wherever_a_value_names_them() {
        let values = [
            r#"["turn:relay.example.net:3478?transport=udp"]"#,
            "\"/etc/letsencrypt/live/chat.example.org/fullchain.pem\"",
            "\"0.0.0.0:3478\"",
            "16 MiB",
        ];
        let found = hosts(&values.map(str::to_owned));
        let found: Vec<&String> = found.iter().collect();
        assert_eq!(found, ["chat.example.org", "relay.example.net"]);
    }

    #[test]
    fn a_home_is_nobody_s() {
        let filtered = apply("in /home/anna/state and ~", &BTreeSet::new());
        assert_eq!(filtered, "in /home/[user]/state and ~");
    }
}
