//! The operator's checks: what they find, and that they change nothing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::rig::{Process, Setup};

/// `privcomm …` in an environment with nothing else in it than what is given.
async fn privcomm(arguments: &[&str], environment: &[(&str, String)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(arguments).env_clear();
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

fn socket(daemon: &Process) -> (&'static str, String) {
    (
        "PRIVCOMM_SOCKET",
        daemon.admin_socket().display().to_string(),
    )
}

fn stdout(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

/// Every file of the state directory with its bytes.
fn state(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap();
    let files = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file());
    files
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// The findings of a group, each as outcome and code.
fn findings(output: &Output, group: &str) -> Vec<(String, Option<String>)> {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = document["findings"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    all.iter()
        .filter(|finding| finding["group"] == group)
        .map(|finding| (text(&finding["outcome"]).unwrap(), text(&finding["code"])))
        .collect()
}

#[tokio::test]
async fn a_doctor_finds_a_healthy_daemon_healthy_and_changes_nothing() {
    let daemon = Setup::lenient().spawn().await;
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(daemon.setup().data(), closed).unwrap();
    let before = state(daemon.setup().data());
    let output = privcomm(&["doctor", "--hold", "100ms"], &[socket(&daemon)]).await;
    let code = output.status.code();
    let text = stdout(output);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    for line in [
        "50 packets, 0 lost",
        "socket held 0 s, 0 heartbeats",
        "is this daemon",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(before == state(daemon.setup().data()));
    let strict = ["doctor", "--strict", "--only", "disk"];
    assert_eq!(
        privcomm(&strict, &[socket(&daemon)]).await.status.code(),
        Some(7)
    );
}

#[tokio::test]
async fn a_doctor_without_a_daemon_checks_what_it_can_and_changes_nothing() {
    let setup = Setup::lenient().spawn().await.kill();
    let before = state(setup.data());
    let data = setup.data().display().to_string();
    let environment = [
        ("PRIVCOMM_DATA", data),
        (
            "PRIVCOMM_SOCKET",
            setup.data().join("admin.sock").display().to_string(),
        ),
    ];
    let output = privcomm(&["doctor", "--json"], &environment).await;
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(
        findings(&output, "unit"),
        [("fail".to_owned(), Some("PC-ADM-03".to_owned()))]
    );
    assert!(before == state(setup.data()));
}

#[tokio::test]
async fn a_check_of_the_configuration_changes_nothing_and_makes_nothing() {
    let setup = Setup::lenient().spawn().await.kill();
    let path = setup.data().join("config.toml");
    let elsewhere = setup.data().join("elsewhere");
    for (text, code) in [
        (format!("[store]\npath = {:?}\n", setup.data()), 0),
        (format!("[store]\npath = {elsewhere:?}\n"), 0),
        ("[store]\npath = 7\n".to_owned(), 2),
    ] {
        std::fs::write(&path, text).unwrap();
        let before = state(setup.data());
        let file = [("PRIVCOMM_CONFIG", path.display().to_string())];
        let output = privcomm(&["config", "check"], &file).await;
        assert_eq!(output.status.code(), Some(code));
        assert!(before == state(setup.data()));
        assert!(!elsewhere.exists());
    }
}

#[tokio::test]
async fn a_port_that_another_holds_is_named_with_its_holder() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let environment = [
        ("PRIVCOMM_SOCKET", "/nonexistent/admin.sock".to_owned()),
        ("PRIVCOMM_SERVER__LISTEN", format!("[\"127.0.0.1:{port}\"]")),
        ("HOME", "/nonexistent".to_owned()),
    ];
    let text = stdout(privcomm(&["doctor", "--only", "http"], &environment).await);
    let expected = format!("(pid {})  PC-NET-01", std::process::id());
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn every_port_is_listed_with_its_reason() {
    let daemon = Setup::lenient().spawn().await;
    let text = stdout(privcomm(&["ports"], &[socket(&daemon)]).await);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("PORT   PROTO  FROM "), "{text}");
    assert_eq!(lines.len(), 4, "{text}");
    for (line, reason) in lines[1..].iter().zip([
        "tcp    loopback  web, API, WebSocket         listening",
        "udp    loopback  calls                       listening",
        "tcp    loopback  calls where UDP is blocked  listening",
    ]) {
        assert!(line.ends_with(reason), "{text}");
    }
}

/// cloudflared's local endpoints, as they would be with this ingress.
pub(crate) fn cloudflared(ingress: &str) -> (&'static str, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = format!("{{\"version\":1,\"config\":{{\"ingress\":{ingress}}}}}");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            let body = match String::from_utf8_lossy(&request[..length])
                .split(' ')
                .nth(1)
            {
                Some("/ready") => r#"{"status":200,"readyConnections":4,"connectorId":"x"}"#,
                Some("/config") => &config,
                _ => "quic_client_total_connections 4\n",
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    ("PRIVCOMM_TUNNEL_METRICS", address.to_string())
}

#[tokio::test]
async fn a_tunnel_is_checked_by_what_cloudflared_says_of_itself() {
    let name = "server.public_url=https://chat.example.org";
    let daemon = Setup::lenient().set(name).spawn().await;
    let address = daemon.place().origin().replace("http://", "");
    let right = format!(
        r#"[{{"hostname":"chat.example.org","service":"http://{address}"}},
            {{"service":"http_status:404"}}]"#
    );
    let environment = [socket(&daemon), cloudflared(&right)];
    let output = privcomm(&["tunnel", "check"], &environment).await;
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(output);
    assert_eq!(
        text,
        format!(
            "ok    tunnel    cloudflared is up, 4 connections over QUIC\n\
             ok    tunnel    rule chat.example.org -> http://{address}\n"
        )
    );
    let text = stdout(privcomm(&["status"], &environment).await);
    assert!(text.contains("\ntunnel    up, 4 connections\n"), "{text}");
    let text = stdout(privcomm(&["ports"], &environment).await);
    assert!(text.contains("listening, tunnel ok"), "{text}");

    let media = r#"[{"hostname":"chat.example.org","service":"udp://127.0.0.1:3478"},
        {"service":"http_status:404"}]"#;
    let environment = [socket(&daemon), cloudflared(media)];
    let output = privcomm(&["tunnel", "check"], &environment).await;
    assert_eq!(output.status.code(), Some(7));
    assert!(stdout(output).contains("PC-TUN-04"));
}

#[tokio::test]
async fn a_printed_tunnel_configuration_leads_to_the_daemon() {
    let daemon = Setup::lenient().spawn().await;
    let command = ["tunnel", "config", "chat.example.org"];
    let text = stdout(privcomm(&command, &[socket(&daemon)]).await);
    let service = format!("    service: {}\n", daemon.place().origin());
    assert!(text.contains(&service), "{text}");
}
