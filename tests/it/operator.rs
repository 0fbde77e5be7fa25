//! The operator's commands against a running daemon: what they print and how they exit.

use std::process::{Command, Output};

use serde_json::Value;

use crate::rig::{Process, Setup};

/// `privcomm …` with the admin socket of this daemon, in an environment with nothing else in it.
pub(crate) async fn privcomm(daemon: &Process, arguments: &[&str]) -> Output {
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
    let backup = "backup    none yet; privcomm backup create makes one";
    assert_eq!(lines.next(), Some(backup));
    for (column, job) in [("jobs", "retention"), ("", "memory"), ("", "compaction")] {
        let line = lines.next().unwrap();
        let expected = format!("{column:<8}  {job}: first at ");
        assert!(line.starts_with(&expected), "{text}");
    }
    assert!(lines.next().unwrap().starts_with("tunnel    "), "{text}");
    assert_eq!(lines.next(), Some("outside   nobody seen since the start"));
    assert_eq!(lines.next(), Some("cert      none: calls have no TLS door"));
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

#[tokio::test]
async fn the_relay_is_tried_over_every_transport_it_listens_on() {
    let daemon = Setup::lenient().spawn().await;
    let text = printed(&daemon, &["turn", "test", "--packets", "5"]).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    for (line, transport) in lines.iter().zip(["udp", "tcp"]) {
        assert!(
            line.starts_with(&format!("ok    {transport}  127.0.0.1:")),
            "{text}"
        );
        assert!(
            line.contains("  5 packets, 0 lost, ") && line.len() <= 80,
            "{text}"
        );
    }
    let tried = document(&daemon, &["turn", "test", "--packets", "1"]).await;
    assert_eq!(tried["ok"], true);
    assert_eq!(tried["results"][0]["lost"], 0);

    let figures = document(&daemon, &["status"]).await["relay"].clone();
    assert_eq!(figures["allocations_ever"], 8);
    assert_eq!(figures["credentials_issued"], 2);
    assert_eq!(figures["transports"][0]["closed"], 4);
    assert_eq!(figures["transports"][0]["packets_in"], 12);
    assert_eq!(
        printed(&daemon, &["turn", "allocations"]).await,
        "0 allocations, 0 holders\n"
    );
}

#[tokio::test]
async fn a_relay_that_fails_the_test_is_named_with_its_code_and_exits_with_7() {
    let daemon = Setup::lenient().spawn().await;
    let made = document(&daemon, &["turn", "credentials"]).await;
    let (url, name) = (
        made["urls"][1].as_str().unwrap(),
        made["username"].as_str().unwrap(),
    );
    let arguments = ["turn", "test", "--url", url, "--user", name, "--credential"];
    let good = made["credential"].as_str().unwrap();
    let text = printed(
        &daemon,
        &[&arguments[..], &[good, "--packets", "2"]].concat(),
    )
    .await;
    assert!(text.starts_with("ok    udp  "), "{text}");

    let output = privcomm(&daemon, &[&arguments[..], &["wrong"]].concat()).await;
    assert_eq!(output.status.code(), Some(7));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("fail  udp  "), "{text}");
    assert!(text.contains("Allocate refused: 401 "), "{text}");
    assert!(
        text.contains("  PC-TRN-04\n        fix: get a new credential"),
        "{text}"
    );
}

#[tokio::test]
async fn the_daemon_tells_how_the_room_in_its_file_is_used() {
    let daemon = Setup::lenient().spawn().await;
    let sizes = document(&daemon, &["db", "stats"]).await;
    assert_eq!(sizes["queues"], 0);
    let [free, file] = ["free_bytes", "file_bytes"].map(|name| sizes[name].as_u64().unwrap());
    assert!(0 < free && free < file, "{sizes}");
    let text = printed(&daemon, &["doctor", "--only", "database"]).await;
    assert!(text.contains(" free in it"), "{text}");
}

#[tokio::test]
async fn a_backup_and_the_jobs_are_in_the_status() {
    let daemon = Setup::lenient().spawn().await;
    let state = daemon.setup().data().display().to_string();
    printed(&daemon, &["backup", "create", "--quiet", "--data", &state]).await;
    let status = document(&daemon, &["status"]).await;
    assert!(status["last_backup"].is_string(), "{status}");
    assert_eq!(status["jobs"][0]["name"], "retention");
    let text = printed(&daemon, &["status"]).await;
    assert!(text.contains("\nbackup    last 20"), "{text}");
}
