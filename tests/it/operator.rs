//! The operator's commands against a running daemon: what they print and how they exit.

use std::process::{Command, Output};

use serde_json::Value;

use crate::rig::{Process, Setup};

/// `privcomm …` with the admin socket of this daemon, in an environment with nothing else in it.
async fn privcomm(daemon: &Process, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(arguments).env_clear();
    command.env("PRIVCOMM_SOCKET", daemon.admin_socket());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What it printed, where it did what it should.
async fn printed(daemon: &Process, arguments: &[&str]) -> String {
    let output = privcomm(daemon, arguments).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    assert_eq!(said, "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn document(daemon: &Process, arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let document: Value = serde_json::from_str(&printed(daemon, &arguments).await).unwrap();
    assert_eq!(document["v"], 1);
    document
}

/// Digits replaced, so that figures don't matter.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for letter in text.chars() {
        let letter = if letter.is_ascii_digit() { '0' } else { letter };
        if !(letter == '0' && shape.ends_with('0')) {
            shape.push(letter);
        }
    }
    shape
}

#[tokio::test]
async fn the_status_is_one_screen() {
    let daemon = Setup::lenient().spawn().await;
    let text = printed(&daemon, &["status"]).await;
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("privcomm  "));
    assert_eq!(
        lines.next().unwrap(),
        "members   0 online of 0, 0 connections"
    );
    assert_eq!(
        lines.next().unwrap(),
        "queue     0 messages waiting for their recipients"
    );
    let calls = "calls     0 ringing, 0 connected; 0 since the start, 0 answered";
    assert_eq!(lines.next().unwrap(), calls);
    let relay = "relay     0 allocations now, 0 ever; 0 packets (0 B) relayed";
    assert_eq!(lines.next().unwrap(), relay);
    assert!(
        shape(lines.next().unwrap()).starts_with("disk      0"),
        "{text}"
    );
    assert_eq!(lines.next(), None);

    let document = document(&daemon, &["status"]).await;
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_credential_is_printed_as_it_is_made() {
    let daemon = Setup::lenient().spawn().await;
    let made = document(&daemon, &["turn", "credentials", "--ttl", "5m"]).await;
    assert_eq!(made["ttl"], 300);
    assert!(!made["credential"].as_str().unwrap().is_empty());
    assert_eq!(made["urls"].as_array().unwrap().len(), 3);
    let text = printed(&daemon, &["turn", "credentials"]).await;
    assert!(text.contains("\ngood for    1h 0m\n"), "{text}");
    let again = document(&daemon, &["turn", "credentials"]).await;
    assert_ne!(again["username"], made["username"]);
}

#[tokio::test]
async fn a_relay_that_is_off_gives_no_credential() {
    let daemon = Setup::lenient().set("turn.enabled=false").spawn().await;
    let output = privcomm(&daemon, &["turn", "credentials"]).await;
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error PC-TRN-01: the media relay is switched off\n  \
         fix: set turn.enabled = true and restart: calls need a relay\n"
    );
    let text = printed(&daemon, &["status"]).await;
    assert!(text.contains("\nrelay     switched off\n"), "{text}");
}
