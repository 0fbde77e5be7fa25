//! The media relay over TCP and TLS, as members are told to reach it.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::operator::privcomm;
use crate::rig::{Person, Setup, soon};

/// A Binding request, and how its answer begins.
const BINDING: [u8; 20] = *b"\x00\x01\x00\x00\x21\x12\xA4\x42twelve bytes";
const ANSWERED: [u8; 2] = [1, 1];

const NAME: &str = "localhost";

/// The files of a certificate for this machine.
struct Files {
    directory: TempDir,
    trusted: RootCertStore,
}

impl Files {
    fn new() -> Self {
        let mut files = Self {
            directory: TempDir::new().unwrap(),
            trusted: RootCertStore::empty(),
        };
        files.renew();
        files
    }

    /// Puts another certificate there, and returns it.
    fn renew(&mut self) -> CertificateDer<'static> {
        let issued = generate_simple_self_signed([NAME.to_owned()]).unwrap();
        std::fs::write(self.path("cert.pem"), issued.cert.pem()).unwrap();
        std::fs::write(self.path("key.pem"), issued.signing_key.serialize_pem()).unwrap();
        let certificate = issued.cert.der().clone();
        self.trusted.add(certificate.clone()).unwrap();
        certificate
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn setup(&self) -> Setup {
        Setup::lenient()
            .set("turn.tls_listen=127.0.0.1:0")
            .set(format!("turn.tls_cert={}", self.path("cert.pem").display()))
            .set(format!("turn.tls_key={}", self.path("key.pem").display()))
    }

    async fn connect(&self, host: &str) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.trusted.clone())
            .with_no_client_auth();
        let stream = TcpStream::connect(host).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }
}

/// Where a member is told to connect by these means: `scheme:HOST:PORT?transport`.
async fn told(person: &Person, scheme: &str, transport: &str) -> Option<String> {
    let credentials = person.get("/api/v1/turn-credentials").await.with(200);
    let of_server = &credentials["ice_servers"][1]["urls"];
    for url in of_server.as_array().unwrap() {
        assert!(credentials["urls"].as_array().unwrap().contains(url));
    }
    let mut urls = of_server
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str);
    urls.find_map(|url| {
        let (found, rest) = url.split_once(':')?;
        let (host, query) = rest.split_once('?')?;
        let is_it = found == scheme && query == format!("transport={transport}");
        is_it.then(|| host.to_owned())
    })
}

async fn answers(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    stream.write_all(&BINDING).await.unwrap();
    let mut answer = [0; 20];
    soon("an answer", stream.read_exact(&mut answer))
        .await
        .unwrap();
    assert_eq!((&answer[..2], &answer[4..]), (&ANSWERED[..], &BINDING[4..]));
}

#[tokio::test]
async fn members_are_told_every_transport_there_is_and_each_answers() {
    let files = Files::new();
    let appliance = files.setup().start().await;
    let person = Person::join(appliance.place()).await;
    let tcp = told(&person, "turn", "tcp").await.unwrap();
    assert_eq!(told(&person, "turn", "udp").await.as_ref(), Some(&tcp));
    answers(TcpStream::connect(tcp).await.unwrap()).await;

    let tls = told(&person, "turns", "tcp").await.unwrap();
    assert!(
        tls.starts_with("localhost:"),
        "{tls}: a name that clients can check"
    );
    let port = tls.trim_start_matches("localhost");
    answers(files.connect(&format!("127.0.0.1{port}")).await).await;
}

#[tokio::test]
async fn members_are_told_no_transport_that_is_not_there() {
    let appliance = Setup::lenient().set("turn.tcp=false").start().await;
    let person = Person::join(appliance.place()).await;
    assert!(told(&person, "turn", "udp").await.is_some());
    assert_eq!(told(&person, "turn", "tcp").await, None);
    assert_eq!(told(&person, "turns", "tcp").await, None);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_by_the_running_daemon() {
    let mut files = Files::new();
    let appliance = files.setup().start().await;
    let person = Person::join(appliance.place()).await;
    let tls = told(&person, "turns", "tcp").await.unwrap();
    let host = tls.replace("localhost", "127.0.0.1");
    answers(files.connect(&host).await).await;

    let renewed = files.renew();
    soon("the new certificate", async {
        loop {
            let stream = files.connect(&host).await;
            let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
            answers(stream).await;
            if shown == renewed {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn operators_hear_what_clients_would_think_of_the_certificate() {
    let files = Files::new();
    let daemon = files.setup().spawn().await;
    let certificate = files.path("cert.pem").display().to_string();
    let known = [
        "turn",
        "test",
        "--packets",
        "2",
        "--certificate",
        &certificate,
    ];
    let output = privcomm(&daemon, &known).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("\nok    tls  127.0.0.1:"), "{text}");
    assert!(text.contains("\n        certificate as configured, signed by no authority\n"));

    for (arguments, code) in [(&known[..4], 0), (&["turn", "test", "--strict"], 7)] {
        let output = privcomm(&daemon, arguments).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains("\nwarn  tls  127.0.0.1:"), "{text}");
        assert!(
            text.contains("  PC-TRN-07\n        certificate not verified: "),
            "{text}"
        );
    }
}
