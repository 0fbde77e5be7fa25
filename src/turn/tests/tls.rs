//! Doors with something between the socket and the client. What really encrypts is of another room:
//! here a stand-in shows that the relay asks it, waits for it, and serves what is behind it.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::rig::{Client, Rig};
use super::wire::{StreamWire, Wire};
use crate::turn::{Connection, Encryption, Settings, TlsSettings};

/// Serves whoever says a word first, and waits for ever for it.
#[derive(Debug)]
struct Password;

#[async_trait]
impl Encryption for Password {
    async fn shake_hands(&self, mut socket: TcpStream) -> io::Result<Box<dyn Connection>> {
        let mut word = [0; 4];
        socket.read_exact(&mut word).await?;
        match &word {
            b"open" => Ok(Box::new(socket)),
            b"wait" => pending().await,
            b"trip" => panic!("on purpose"),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn with_password(settings: &mut Settings) {
    settings.tls = Some(TlsSettings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        inherited: Vec::new(),
        encryption: Arc::new(Password),
    });
}

async fn said(rig: &Rig, word: &[u8]) -> StreamWire {
    let stream = StreamWire::connect(rig.relay.tls_addresses()[0]).await;
    stream.write(word).await;
    stream
}

#[tokio::test]
async fn clients_behind_a_handshake_meet_the_others() {
    let rig = Rig::start_with(with_password);
    let encrypted = Client::over(Wire::Stream(said(&rig, b"open").await), &rig.name(3600));
    for other in [rig.client().await, rig.stream_client().await] {
        let known = Client::over(Wire::Stream(said(&rig, b"open").await), &rig.name(3600));
        let [(one, first), (other, second)] = rig.acquainted([known, other]).await;
        one.send_to(second, b"there").await;
        assert_eq!(other.receive_indication().await, (first, b"there".to_vec()));
        other.send_to(first, b"back").await;
        assert_eq!(one.receive_indication().await, (second, b"back".to_vec()));
    }
    encrypted.assert_nothing_came().await;
}

#[tokio::test]
async fn a_handshake_that_fails_ends_the_connection() {
    let rig = Rig::start_with(with_password);
    let stream = said(&rig, b"nope").await;
    assert_eq!(stream.receive().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_ten_seconds() {
    let rig = Rig::start_with(with_password);
    let started = tokio::time::Instant::now();
    let stream = said(&rig, b"wait").await;
    assert_eq!(stream.receive().await, None);
    assert_eq!(started.elapsed().as_secs(), 10);
    assert!(started.elapsed() < Duration::from_secs(11));
}

#[tokio::test]
async fn a_connection_that_trips_takes_nobody_with_it() {
    let rig = Rig::start_with(with_password);
    let stream = said(&rig, b"trip").await;
    assert_eq!(stream.receive().await, None);
    assert!(rig.relay.check().await);
    assert_eq!(rig.tasks.failed(), None);
}
