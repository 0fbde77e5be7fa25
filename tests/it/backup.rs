//! Backups by the commands an operator types, of a daemon that members are using.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::rig::{Person, Setup, soon};

fn privcomm(state: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_privcomm"))
        .args(arguments)
        .arg("--data")
        .arg(state)
        .env_clear()
        .env("PRIVCOMM_BACKUP_PASSPHRASE", "correct horse")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&done(output)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_before_a_backup_is_delivered_after_its_restore() {
    let daemon = Setup::lenient().spawn().await;
    let [anna, mut bert] = Person::crowd(daemon.place()).await;
    bert.allow(&anna).await;
    for number in 0..20 {
        let text = format!("letter {number}");
        anna.post_message(&bert, &text).await.with(202);
    }
    let state = daemon.setup().data().to_owned();
    let socket = daemon.admin_socket().to_str().unwrap().to_owned();
    let made = privcomm(
        &state,
        &["backup", "create", "--seal", "--json", "--socket", &socket],
    );
    let made = json(&made);
    assert_eq!(
        (&made["accounts"], &made["messages"]),
        (&2.into(), &20.into())
    );
    assert_eq!(made["sealed"], true);
    anna.post_message(&bert, "too late").await.with(202);
    let refused = privcomm(&state, &["restore", "manual", "--yes"]);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("error PC-DBS-02"));
    let drill = done(&privcomm(&state, &["restore", "manual", "--drill"]));
    assert!(
        drill.starts_with("opens, checksums ok, format 1, 2 accounts, secrets present, made by "),
        "{drill}"
    );
    let old_token = bert.token().to_owned();
    let setup = daemon.kill();
    let restored = done(&privcomm(&state, &["restore", "manual", "--yes"]));
    assert!(
        restored.starts_with("previous state kept as "),
        "{restored}"
    );
    assert!(
        restored.ends_with("; restored; epoch 1 -> 2\n"),
        "{restored}"
    );
    let daemon = setup.spawn().await;
    bert.move_to(daemon.place());
    let gone = daemon.place();
    let gone = gone.ask("GET", "/api/v1/messages", Some(&old_token), None);
    soon("an answer", gone).await.refused(401, "token_expired");
    bert.log_in().await;
    assert_eq!(bert.waiting().await.len(), 20);
    let (_socket, ready) = bert.arrive().await;
    assert_eq!(ready["epoch"], 2);
    assert_eq!(ready["one_time_prekeys_remaining"], 0);
    let kept = restored
        .split([' ', ';'])
        .find(|word| word.contains(".before-"));
    std::fs::remove_dir_all(kept.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_can_be_looked_into_and_packed_while_no_daemon_has_it() {
    let daemon = Setup::lenient().spawn().await;
    let [anna, bert] = Person::crowd(daemon.place()).await;
    bert.allow(&anna).await;
    anna.post_message(&bert, "hello").await.with(202);
    let state = daemon.setup().data().to_owned();
    let busy = privcomm(&state, &["db", "stats"]);
    assert_eq!(busy.status.code(), Some(6), "{}", said(&busy));
    let _setup = daemon.kill();
    let sizes = json(&privcomm(&state, &["db", "stats", "--json"]));
    assert_eq!(
        (&sizes["queues"], &sizes["queue_bytes"]),
        (&1.into(), &8.into())
    );
    assert_eq!(sizes["largest_queues"][0]["messages"], 1);
    let words = done(&privcomm(&state, &["db", "stats"]));
    assert!(
        words.starts_with("queues 8 B in 1 account; top: "),
        "{words}"
    );
    let check = done(&privcomm(&state, &["db", "check"]));
    assert!(check.starts_with("ok: every checksum is right"), "{check}");
    let packed = json(&privcomm(&state, &["db", "compact", "--json"]));
    assert!(packed["bytes_after"].as_u64() <= packed["bytes_before"].as_u64());
    let migrated = done(&privcomm(&state, &["db", "migrate"]));
    assert!(migrated.contains("nothing to do"), "{migrated}");
    let made = privcomm(&state, &["backup", "create"]);
    assert!(said(&made).contains("no daemon runs"), "{}", said(&made));
    let listed = json(&privcomm(&state, &["backup", "list", "--json"]));
    let name = listed["backups"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("manual-"), "{name}");
    let verified = done(&privcomm(&state, &["backup", "verify", name]));
    assert!(verified.starts_with("ok: "), "{verified}");
    let path = listed["backups"][0]["path"].as_str().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
    let damaged = privcomm(&state, &["backup", "verify", name]);
    assert!(
        said(&damaged).contains("error PC-BKP-01"),
        "{}",
        said(&damaged)
    );
    let unknown = privcomm(&state, &["restore", "yesterday", "--yes"]);
    assert_eq!(unknown.status.code(), Some(4), "{}", said(&unknown));
    let pruned = done(&privcomm(&state, &["backup", "prune", "--keep", "1"]));
    assert_eq!(pruned, "deleted 0 backups\n");
}
