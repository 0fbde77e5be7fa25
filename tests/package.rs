//! What the Debian package brings, as far as it can be told without installing it; the system tests
//! install it.

#![expect(
    clippy::unwrap_used,
    reason = "what a test can't do without is there, or it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap()
}

#[test]
fn the_packaged_configuration_differs_from_the_defaults_in_three_values() {
    let output = Command::new(env!("CARGO_BIN_EXE_privcomm"))
        .args(["config", "show", "--json", "--config"])
        .arg(project("packaging/config.toml"))
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success());
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let set: Vec<(&str, &str)> = shown["settings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|setting| setting["source"] == "file")
        .map(|setting| {
            (
                setting["key"].as_str().unwrap(),
                setting["value"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("registration.mode", "invite"),
        ("store.path", "/var/lib/privcomm"),
        ("backup.directory", "/var/backups/privcomm"),
    ];
    assert_eq!(set, expected);
}

#[test]
fn the_changelog_begins_with_this_version() {
    let first = concat!("privcomm (", env!("CARGO_PKG_VERSION"), "-");
    assert!(text("packaging/debian/changelog").starts_with(first));
}

#[test]
fn every_maintainer_script_leaves_room_for_what_is_generated() {
    for script in ["postinst", "prerm", "postrm"] {
        let script = text(&format!("packaging/debian/{script}"));
        assert_eq!(script.matches("\n#DEBHELPER#\n").count(), 1);
        assert!(script.starts_with("#!/bin/sh\n") && script.contains("\nset -e\n"));
    }
}

#[test]
fn the_tunnel_s_rules_lead_to_the_daemon_and_nowhere_else() {
    let rules = text("packaging/cloudflared/config.yml.example");
    let services: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.split_once("service: "))
        .map(|(_, service)| service)
        .collect();
    assert_eq!(services, ["http://127.0.0.1:8000", "http_status:404"]);
}
