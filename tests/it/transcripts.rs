//! What an operator sees from the installation to a restore, word for word. `[..]` stands for what
//! differs each time, such as times and ids; a line of `...` for any lines.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use crate::checks::cloudflared;
use crate::doctor::{Bend, Proxy};
use crate::rig::{Person, Process, Setup, base64};

/// Whether a text is what is expected of it.
fn is_like(expected: &[&str], said: &[&str]) -> bool {
    match (expected, said) {
        ([], []) => true,
        (["...", rest @ ..], said) => (0..=said.len()).any(|skip| is_like(rest, &said[skip..])),
        ([line, rest @ ..], [first, more @ ..]) => line_is_like(line, first) && is_like(rest, more),
        _ => false,
    }
}

fn line_is_like(expected: &str, said: &str) -> bool {
    let mut parts = expected.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[track_caller]
fn expect_like(said: &str, expected: &str) {
    let lines: Vec<&str> = said.lines().collect();
    let wanted: Vec<&str> = expected.lines().collect();
    assert!(
        is_like(&wanted, &lines),
        "expected:\n{expected}\n\nsaid:\n{said}"
    );
}

/// Programs of the machine, as scripts of the shell.
struct Machine(TempDir);

impl Machine {
    fn with(programs: &[(&str, &str)]) -> Self {
        let place = TempDir::new().unwrap();
        for (name, script) in programs {
            let program = place.path().join(name);
            let log = place.path().join("told");
            let script = format!("#!/bin/sh\necho \"$@\" >> {}\n{script}\n", log.display());
            std::fs::write(&program, script).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(place)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What the programs were told, one after the other.
    fn told(&self) -> String {
        std::fs::read_to_string(self.path().join("told")).unwrap_or_default()
    }
}

/// `privcomm …` for this daemon, with what else is in its environment.
async fn run(daemon: &Process, words: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = command(words, environment);
    command.env("PRIVCOMM_SOCKET", daemon.admin_socket());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

fn command(words: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command
        .args(words)
        .env_clear()
        .envs(environment.iter().copied());
    command
}

/// What it printed, where it did what it should.
#[track_caller]
fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{output:?}\n{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn setup_writes_restarts_checks_and_invites() {
    let proxy = Proxy::start(Bend::Nothing);
    let daemon = proxy.before_a_daemon().await;
    let machine = Machine::with(&[("systemctl", "exit 0")]);
    let file = machine.path().join("config.toml");
    std::fs::write(&file, "").unwrap();
    let [file, path] = [file.as_path(), machine.path()].map(|path| path.to_str().unwrap());
    let public = format!("http://{}", proxy.address);
    let rules = format!(
        r#"[{{"hostname":"127.0.0.1","service":"http://{}"}},{{"service":"http_status:404"}}]"#,
        daemon.place().origin().replace("http://", "")
    );
    let (key, metrics) = cloudflared(&rules);
    let words = [
        "setup",
        "--config",
        file,
        "--public-url",
        &public,
        "--backup-directory",
        "/var/backups/privcomm",
        "--yes",
        "--hold",
        "100ms",
    ];
    let output = run(&daemon, &words, &[("PATH", path), (key, &metrics)]).await;
    expect_like(
        &printed(&output),
        "\
ok    http      http://127.0.0.1:[..] is this daemon
ok    http      socket held 0 s, 0 heartbeats, [..] ms
...
ok    public    http://127.0.0.1:[..] is this daemon
ok    public    socket held 0 s, 0 heartbeats, [..] ms
ok    public    you appear as yourself
ok    public    serves this build ([..] files, hashes equal)
ok    relay     udp 127.0.0.1:[..]: 50 packets, 0 lost, [..] ms
ok    relay     tcp 127.0.0.1:[..]: 50 packets, 0 lost, [..] ms
[..]  relay     receive buffers of [..]
...
ok    outside   calls are on loopback: nobody outside is meant
http://127.0.0.1:[..]/i#[..]-[..]-[..]
...",
    );
    expect_like(
        &String::from_utf8_lossy(&output.stderr),
        "\
2/4  Calls           Voice can't pass a tunnel, so it has its own door:
     UDP and TCP 3478 on this machine.
     [..]
3/4  Firewall        [..]
Written [..]config.toml (2 settings).
Restarted. Checking ...
Your invite (once, 24 h):
good until [..], once; shown this once (invite [..])",
    );
    assert_eq!(
        machine.told(),
        "is-active --quiet privcomm\nrestart privcomm\n"
    );
    let written = std::fs::read_to_string(file).unwrap();
    assert!(
        written.contains(&format!("public_url = \"{public}\"")),
        "{written}"
    );
}

#[tokio::test]
async fn every_port_has_its_reason_and_its_state() {
    let daemon = Setup::lenient()
        .set("turn.listen=0.0.0.0:0")
        .set("turn.public_address=192.0.2.1")
        .spawn()
        .await;
    let output = run(&daemon, &["ports"], &[]).await;
    expect_like(
        &printed(&output),
        "\
PORT   PROTO  FROM      WHY                         STATE
[..]  tcp    loopback  web, API, WebSocket         listening
[..]  udp    anywhere  calls                       listening, outside: not seen
[..]  tcp    anywhere  calls where UDP is blocked  listening, outside: not seen",
    );
}

#[tokio::test]
async fn a_full_disk_stands_out() {
    let daemon = Setup::lenient().set("store.disk_floor=1 TiB").spawn().await;
    let output = run(&daemon, &["status"], &[]).await;
    expect_like(
        &printed(&output),
        "\
privcomm  [..], up [..]s
...
disk      FULL   [..] free of [..] (floor 1.0 TB)   PC-DSK-01
          new messages are refused, delivery and deletion go on
...",
    );
}

#[tokio::test]
async fn who_takes_the_room_is_told_without_a_name() {
    let daemon = Setup::lenient().spawn().await;
    let [anna, bert] = Person::crowd(daemon.place()).await;
    let body = json!({"recipient_id": bert.user(), "payload": base64("x".repeat(900))});
    anna.post("/api/v1/messages", &body).await.with(202);
    let output = run(&daemon, &["db", "stats"], &[]).await;
    let top = &bert.user()[..8];
    expect_like(
        &printed(&output),
        &format!(
            "\
queues 1.2 kB in 1 account; top: {top}… 1.2 kB (not seen for 0 days). File [..], [..] reusable.
TABLE[..]ROWS  CONTENT  OVERHEAD
..."
        ),
    );
}

#[tokio::test]
async fn a_member_is_shown_suspended_and_let_back_to_their_keys() {
    let daemon = Setup::lenient().spawn().await;
    let mut anna = Person::named(daemon.place(), "anna").await;
    anna.register(1..=81).await.with(201);
    anna.log_in().await;
    let _session = anna.connect().await;
    let output = run(&daemon, &["user", "show", "anna"], &[]).await;
    expect_like(
        &printed(&output),
        "anna   [..]   member since [..]   online   queue 0 (0 B)   prekeys 81   last seen today",
    );
    let words = [
        "user", "suspend", "anna", "--for", "7d", "--reason", "calls",
    ];
    printed(&run(&daemon, &words, &[]).await);
    let output = run(&daemon, &["user", "show", "anna"], &[]).await;
    expect_like(
        &printed(&output),
        "anna   [..]\n...\n[..]suspended until [..]",
    );
    let output = run(&daemon, &["invite", "create", "--recover", "anna"], &[]).await;
    expect_like(&printed(&output), "http://127.0.0.1:[..]/i#[..]-[..]-[..]");
}

#[tokio::test]
async fn a_restore_is_tried_and_then_done_with_the_service_stopped_meanwhile() {
    let daemon = Setup::lenient().spawn().await;
    Person::join(daemon.place()).await;
    let state = daemon.setup().data().join("state");
    let setup = daemon.kill().at(state.clone());
    let daemon = setup.spawn().await;
    Person::join(daemon.place()).await;
    let place = state.to_str().unwrap().to_owned();
    let data = [("PRIVCOMM_DATA", place.as_str()), ("TZ", "XYZ-9")];
    printed(&run(&daemon, &["backup", "create"], &data).await);
    let listed = run(&daemon, &["backup", "list", "--json"], &data).await;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let backup = &listed["backups"][0];
    let name = backup["name"].as_str().unwrap().to_owned();
    let made: privcomm::base::Timestamp =
        serde_json::from_value(backup["made_at"].clone()).unwrap();
    let local = made
        .saturating_add(std::time::Duration::from_hours(9))
        .to_string();
    let (day, time) = (&local[..10], &local[11..16]);
    expect_like(
        &printed(&run(&daemon, &["backup", "list"], &data).await),
        &format!(
            "\
NAME[..]MADE              SIZE[..]BY     ACCOUNTS  SEALED
{name}  {day} {time}  [..]  0.1.0  1         no"
        ),
    );
    let drilled = run(&daemon, &["restore", &name, "--drill"], &data).await;
    expect_like(
        &printed(&drilled),
        "opens, checksums ok, format 1, 1 account, secrets present, made by 0.1.0",
    );

    let systemctl = format!(
        "case $1 in show) echo {place};; stop) kill {0}; while [ -d /proc/{0} ]; do :; done;; esac",
        daemon.id()
    );
    let machine = Machine::with(&[("systemctl", &systemctl)]);
    let path = format!("{}:/bin:/usr/bin", machine.path().display());
    let words = ["restore", &name, "--yes"];
    let mut restore = command(&words, &[data[0], ("PATH", &path)]);
    restore.env("PRIVCOMM_SOCKET", daemon.admin_socket());
    let restored = tokio::task::spawn_blocking(move || restore.output().unwrap());
    let _state = daemon.setup().clone();
    let (_, restored) = tokio::join!(daemon.wait(), restored);
    expect_like(
        &printed(&restored.unwrap()),
        "previous state kept as [..]/state.before-[..]; restored; epoch [..] -> [..]; started",
    );
    let told = machine.told();
    let told: Vec<&str> = told.lines().collect();
    expect_like(
        &told.join("\n"),
        "is-active --quiet privcomm\nshow privcomm -p StateDirectory --value\nstop privcomm\nstart privcomm",
    );
}

#[test]
fn a_transcript_is_compared_word_for_word_but_for_what_it_leaves_open() {
    let is = |expected: &str, said: &str| {
        let [expected, said] = [expected, said].map(|text| text.lines().collect::<Vec<_>>());
        is_like(&expected, &said)
    };
    assert!(is("up [..] s\n...\nend", "up 12 s\na\nb\nend"));
    assert!(is("a[..]c[..]", "abcd") && is("...", ""));
    for (expected, said) in [
        ("up [..] s", "up 12 h"),
        ("a", "ab"),
        ("a", ""),
        ("", "a"),
        ("a[..]a", "a"),
    ] {
        assert!(!is(expected, said), "{expected:?} {said:?}");
    }
}
