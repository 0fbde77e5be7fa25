//! What `doctor` finds when something is wrong: each failing check with its code and its fix.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use rustix::process::Signal;
use serde_json::Value;

use crate::rig::{Process, Setup};

/// What something on the way does to those who come by the public name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bend {
    Nothing,
    /// Says for whom it asks.
    Names(&'static str),
    /// Dates the answers itself.
    Dates(&'static str),
    /// Takes a header out of every answer.
    Strips(&'static str),
    /// Serves another page than the daemon does.
    Replaces(&'static str),
    /// Asks the daemon for no WebSocket.
    KeepsFromUpgrading,
    /// Is another program.
    Foreign,
}

/// A proxy before a daemon.
pub(crate) struct Proxy {
    pub(crate) address: String,
    daemon: Arc<OnceLock<String>>,
}

impl Proxy {
    pub(crate) fn start(bend: Bend) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let daemon: Arc<OnceLock<String>> = Arc::default();
        let upstream = daemon.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, upstream) = (stream.unwrap(), upstream.clone());
                std::thread::spawn(move || serve(stream, &upstream, bend));
            }
        });
        Self { address, daemon }
    }

    /// A daemon whose public name leads here.
    pub(crate) async fn before_a_daemon(&self) -> Process {
        let name = format!("server.public_url=http://{}", self.address);
        let daemon = Setup::lenient().set(name).spawn().await;
        let origin = daemon.place().origin().replace("http://", "");
        self.daemon.set(origin).unwrap();
        daemon
    }
}

/// One request, and whatever follows it on this connection.
fn serve(mut client: TcpStream, daemon: &OnceLock<String>, bend: Bend) -> Option<()> {
    let mut request = head(&mut client).ok()?;
    let path = request.split(' ').nth(1)?.to_owned();
    let foreign = match bend {
        Bend::Foreign => true,
        Bend::Replaces(page) => page == path,
        _ => false,
    };
    if foreign {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
        return client.write_all(answer).ok();
    }
    match bend {
        Bend::Names(who) => {
            request = request.replacen("\r\n", &format!("\r\nCF-Connecting-IP: {who}\r\n"), 1);
        }
        Bend::KeepsFromUpgrading => request = without(&request, "upgrade"),
        _ => {}
    }
    let mut upstream = TcpStream::connect(daemon.get()?).ok()?;
    upstream.write_all(request.as_bytes()).ok()?;
    let mut answer = head(&mut upstream).ok()?;
    match bend {
        Bend::Strips(name) => answer = without(&answer, name),
        Bend::Dates(date) => {
            let date = format!("\r\nDate: {date}\r\n");
            answer = without(&answer, "date").replacen("\r\n", &date, 1);
        }
        _ => {}
    }
    client.write_all(answer.as_bytes()).ok()?;
    let (mut from_client, mut to_daemon) = (client.try_clone().ok()?, upstream.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_daemon);
        to_daemon.shutdown(Shutdown::Write)
    });
    let _ = io::copy(&mut upstream, &mut client);
    client.shutdown(Shutdown::Write).ok()
}

/// The head of a request or an answer, and no byte of what follows.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A head without the lines of that name.
fn without(head: &str, name: &str) -> String {
    let named = |line: &&str| !line.to_lowercase().starts_with(&format!("{name}:"));
    head.split_inclusive("\r\n").filter(named).collect()
}

/// `privcomm doctor --only GROUP` of this daemon.
async fn examined(daemon: &Process, group: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    let words = ["doctor", "--json", "--hold", "100ms", "--only", group];
    command.args(words).env_clear();
    command.env("PRIVCOMM_SOCKET", daemon.admin_socket());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What was found: outcome, sentence and code of each, where every code has a fix.
async fn findings(daemon: &Process, group: &str) -> Vec<(String, String, Option<String>)> {
    let output = examined(daemon, group).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let fails = findings.iter().any(|finding| finding["outcome"] == "fail");
    assert_eq!(output.status.code(), Some(if fails { 7 } else { 0 }));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = findings.iter().map(|finding| {
        assert_eq!(finding["code"].is_string(), finding["fix"].is_string());
        let [outcome, sentence] = ["outcome", "sentence"].map(|name| text(&finding[name]).unwrap());
        (outcome, sentence, text(&finding["code"]))
    });
    read.collect()
}

/// What is found of the public name behind a proxy that does this: outcomes and codes of what isn't
/// as it should be, and every sentence.
async fn public(bend: Bend) -> (Vec<(String, String)>, String) {
    let proxy = Proxy::start(bend);
    let daemon = proxy.before_a_daemon().await;
    let found = findings(&daemon, "public").await;
    let sentences: Vec<&str> = found.iter().map(|(_, it, _)| it.as_str()).collect();
    let sentences = sentences.join("\n");
    let wrong = found.into_iter();
    let wrong = wrong.filter_map(|(outcome, _, code)| Some((outcome, code?)));
    (wrong.collect(), sentences)
}

/// One thing is wrong.
fn one(outcome: &str, code: &str) -> Vec<(String, String)> {
    vec![(outcome.to_owned(), code.to_owned())]
}

#[tokio::test]
async fn a_proxy_that_does_its_work_is_found_to() {
    let (wrong, sentences) = public(Bend::Nothing).await;
    assert_eq!(wrong, []);
    assert!(sentences.contains("you appear as yourself"), "{sentences}");
    assert!(sentences.contains("hashes equal"), "{sentences}");
    let (wrong, sentences) = public(Bend::Names("203.0.113.7")).await;
    assert_eq!(wrong, []);
    assert!(sentences.contains("at a public address"), "{sentences}");
}

#[tokio::test]
async fn a_proxy_that_is_taken_for_all_of_its_visitors_is_told() {
    let (wrong, _) = public(Bend::Names("10.0.0.1")).await;
    assert_eq!(wrong, one("warn", "PC-NET-08"));
}

#[tokio::test]
async fn headers_that_are_lost_on_the_way_are_named() {
    for header in ["content-security-policy", "x-content-type-options"] {
        let (wrong, sentences) = public(Bend::Strips(header)).await;
        assert_eq!(wrong, one("warn", "PC-NET-05"));
        assert!(sentences.contains(header), "{sentences}");
    }
}

#[tokio::test]
async fn a_page_that_is_another_on_the_way_is_named() {
    let (wrong, sentences) = public(Bend::Replaces("/test")).await;
    assert_eq!(wrong, one("fail", "PC-NET-05"));
    assert!(sentences.contains("/test differs"), "{sentences}");
}

#[tokio::test]
async fn a_proxy_without_websockets_is_told() {
    let (wrong, _) = public(Bend::KeepsFromUpgrading).await;
    assert_eq!(wrong, one("fail", "PC-NET-06"));
}

#[tokio::test]
async fn a_public_name_that_leads_elsewhere_or_nowhere_is_told() {
    let (wrong, _) = public(Bend::Foreign).await;
    assert_eq!(wrong, one("fail", "PC-NET-04"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("server.public_url=http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let daemon = Setup::lenient().set(name).spawn().await;
    let found = findings(&daemon, "public").await;
    assert_eq!(found[0].2.as_deref(), Some("PC-NET-04"), "{found:?}");
}

#[tokio::test]
async fn a_clock_is_compared_with_the_date_of_the_public_name() {
    let date = Bend::Dates("Sat, 21 Nov 2015 00:00:00 GMT");
    for (bend, expected) in [(Bend::Nothing, None), (date, Some("PC-CLK-01"))] {
        let proxy = Proxy::start(bend);
        let daemon = proxy.before_a_daemon().await;
        let found = findings(&daemon, "clock").await;
        let [_, (_, sentence, code)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(code.as_deref(), expected, "{sentence}");
        assert!(sentence.contains(&proxy.address), "{sentence}");
    }
}

#[tokio::test]
async fn every_row_of_the_database_is_read_with_and_without_a_daemon() {
    let daemon = Setup::lenient().spawn().await;
    crate::rig::Person::join(daemon.place()).await;
    let found = findings(&daemon, "database").await;
    assert!(
        found[0].1.contains("; 2 rows read as they should"),
        "{found:?}"
    );
    let setup = daemon.kill();
    assert!(alone(&setup).contains("was not closed as it should be; the next start"));
    let daemon = setup.clone().spawn().await;
    daemon.signal(Signal::TERM);
    daemon.wait().await;
    let text = alone(&setup);
    assert!(
        text.contains("opens, format 1, 2 rows read as they should"),
        "{text}"
    );
}

/// What is found of a database that no daemon has.
fn alone(setup: &Setup) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(["doctor", "--only", "database"]).env_clear();
    command.env("PRIVCOMM_DATA", setup.data());
    command.env("PRIVCOMM_SOCKET", setup.data().join("admin.sock"));
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn a_relay_that_is_off_and_room_that_is_short_are_told() {
    let setup = Setup::lenient().set("turn.enabled=false");
    let daemon = setup.set("store.disk_floor=1 TiB").spawn().await;
    for (group, code) in [
        ("relay", "PC-TRN-01"),
        ("disk", "PC-DSK-01"),
        ("upgrade", "PC-DSK-02"),
    ] {
        let found = findings(&daemon, group).await;
        assert_eq!(found[0].2.as_deref(), Some(code), "{found:?}");
    }
}
