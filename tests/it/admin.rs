//! The admin socket: who gets through to it, and what it answers to what isn't a good request.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use privcomm::config::Layers;
use privcomm::serve::{Daemon, ServeError};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::rig::{Appliance, Setup, soon};

/// What came back, cut apart.
struct Reply {
    status: u16,
    head: String,
    body: Value,
}

/// Sends bytes, and reads until the daemon hangs up.
async fn say(socket: &Path, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    // The daemon may hang up amid what it doesn't want to read.
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let _ = soon("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

async fn ask(socket: &Path, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = say(socket, request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Reply {
        status: head[9..12].parse().unwrap(),
        head: head.to_lowercase(),
        body: serde_json::from_str(body).unwrap(),
    }
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn the_socket_is_its_owners_and_its_groups() {
    let appliance = Appliance::start().await;
    let file = std::fs::symlink_metadata(appliance.admin_socket()).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.mode() & 0o777, 0o660);
    let group = rustix::process::getegid().as_raw();
    assert_eq!(file.gid(), group);
    let socket = appliance.admin_socket().to_owned();
    assert_eq!(socket, appliance.stop().await.data().join("admin.sock"));
    assert!(!socket.exists(), "it goes with the daemon");
}

#[tokio::test]
async fn every_answer_names_the_daemons_version() {
    let appliance = Appliance::start().await;
    let version = concat!("privcomm-version: ", env!("CARGO_PKG_VERSION"));
    for (path, status) in [("/v1/status", 200), ("/v2/status", 404), ("/", 404)] {
        let reply = ask(appliance.admin_socket(), "GET", path, "", "").await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.head.contains(version), "{}", reply.head);
    }
}

#[tokio::test]
async fn the_status_tells_figures_and_nobodys_name() {
    let appliance = Appliance::start().await;
    let _anna = crate::rig::Person::join(appliance.place()).await;
    let status = ask(appliance.admin_socket(), "GET", "/v1/status", "", "")
        .await
        .body;
    assert_eq!(status["members"], json!({"accounts": 1, "online": 0}));
    assert_eq!(status["queue"]["messages"], 0);
    assert_eq!(status["relay"]["allocations"], 0);
    assert_eq!(status["disk"]["low"], false);
}

#[tokio::test]
async fn what_is_refused_has_its_code_for_programs_and_its_code_for_people() {
    let appliance = Appliance::start().await;
    let socket = appliance.admin_socket();
    let path = "/v1/turn/credentials";
    let long = format!("{{\"ttl\":{}1}}", " ".repeat(64 * 1024));
    for (method, headers, body, status, code, trouble) in [
        ("GET", "", "", 405, "method_not_allowed", "PC-API-06"),
        ("POST", "", "{}", 415, "unsupported_media_type", "PC-API-06"),
        ("POST", JSON, "{", 400, "invalid_json", "PC-API-06"),
        (
            "POST",
            JSON,
            "{\"ttl\":\"1\"}",
            400,
            "invalid_field",
            "PC-API-06",
        ),
        (
            "POST",
            JSON,
            "{\"ttl\":86401}",
            400,
            "invalid_field",
            "PC-API-06",
        ),
        ("POST", JSON, &long, 413, "payload_too_large", "PC-API-06"),
    ] {
        let reply = ask(socket, method, path, headers, body).await;
        assert_eq!(reply.status, status, "{code}");
        assert_eq!(reply.body["code"], code);
        assert_eq!(reply.body["trouble"], trouble);
    }
    let reply = ask(socket, "GET", path, "", "").await;
    assert!(reply.head.contains("\r\nallow: post"), "{}", reply.head);
    let reply = ask(socket, "POST", path, JSON, "{\"ttl\":86400}").await;
    assert_eq!((reply.status, &reply.body["ttl"]), (200, &json!(86400)));
}

#[tokio::test]
async fn a_relay_that_is_off_is_named() {
    let appliance = Setup::lenient().set("turn.enabled=false").start().await;
    let socket = appliance.admin_socket();
    let reply = ask(socket, "GET", "/v1/turn/figures", "", "").await;
    assert_eq!(
        (reply.status, &reply.body["trouble"]),
        (404, &json!("PC-TRN-01"))
    );
    let status = ask(socket, "GET", "/v1/status", "", "").await;
    assert_eq!(status.body["relay"], Value::Null);
}

#[tokio::test]
async fn what_is_no_request_is_turned_away_and_the_next_one_served() {
    let appliance = Appliance::start().await;
    let socket = appliance.admin_socket();
    let endless = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(40_000));
    for garbage in ["\x16\x03\x01\x02\x00\x01", "GET\r\n\r\n", &endless] {
        let answer = say(socket, garbage.to_owned() + "\r\n\r\n").await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(ask(socket, "GET", "/v1/status", "", "").await.status, 200);
}

#[tokio::test]
async fn somebody_who_says_nothing_takes_no_place_from_others() {
    let appliance = Appliance::start().await;
    let socket = appliance.admin_socket();
    let mut silent = Vec::new();
    for _ in 0..31 {
        silent.push(UnixStream::connect(socket).await.unwrap());
    }
    assert_eq!(ask(socket, "GET", "/v1/status", "", "").await.status, 200);
}

#[tokio::test]
async fn a_dead_daemons_socket_is_replaced() {
    let process = Setup::lenient().spawn().await;
    let socket = process.admin_socket().to_owned();
    let setup = process.kill();
    assert!(socket.exists());
    let appliance = setup.start().await;
    assert_eq!(appliance.admin_socket(), socket);
    assert_eq!(ask(&socket, "GET", "/v1/status", "", "").await.status, 200);
}

#[tokio::test]
async fn a_live_daemons_socket_is_left_alone() {
    let first = Appliance::start().await;
    let other = TempDir::new().unwrap();
    let config = Layers::default()
        .flag("server.listen", "127.0.0.1:0")
        .flag("turn.listen", "127.0.0.1:0")
        .flag(
            "server.admin_socket",
            &first.admin_socket().display().to_string(),
        )
        .load()
        .unwrap()
        .into_config();
    let refused = Daemon::start(config, Some(other.path().to_owned())).await;
    assert!(matches!(refused, Err(ServeError::Admin(_))));
    assert_eq!(
        ask(first.admin_socket(), "GET", "/v1/status", "", "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_path_that_is_too_long_is_named_with_the_longest_there_may_be() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x".repeat(120));
    let config = Layers::default()
        .flag("server.listen", "127.0.0.1:0")
        .flag("turn.listen", "127.0.0.1:0")
        .flag("server.admin_socket", &path.display().to_string())
        .load()
        .unwrap()
        .into_config();
    let refused = Daemon::start(config, Some(directory.path().to_owned())).await;
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("at most 107") && said.contains("server.admin_socket"),
        "{said}"
    );
}

/// Another user's process, where this one may become another user's.
fn stranger(socket: &Path) -> Option<std::process::Output> {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(["status", "--socket"]).arg(socket).env_clear();
    let output = command.uid(NOBODY).gid(NOBODY).output();
    // The binary may lie where only its builder reaches it.
    output.ok()
}

#[tokio::test]
async fn other_users_are_kept_out_by_the_mode_and_by_the_daemon() {
    let directory = TempDir::new().unwrap();
    let opened = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), opened).unwrap();
    let socket = directory.path().join("admin.sock");
    let setting = format!("server.admin_socket={}", socket.display());
    let appliance = Setup::lenient().set(setting).start().await;
    let ask = || {
        let socket = socket.clone();
        tokio::task::spawn_blocking(move || stranger(&socket))
    };
    let Some(output) = ask().await.unwrap() else {
        return;
    };
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with("error PC-ADM-02: this user may not use "),
        "{said}"
    );
    assert!(said.contains("sudo"), "{said}");

    let loosened = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&socket, loosened).unwrap();
    let output = ask().await.unwrap().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.starts_with("error PC-ADM-07: "), "{said}");
    drop(appliance);
}
