//! Asking a relay whether it answers, this one or one on another machine, as clients would: over
//! the network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use crate::base::random;
use crate::config::{RelayScheme, RelayTransport, RelayUrl};

use super::message::{Class, HEADER, Method, Shape, TransactionId, Writer};
use super::streams::{Door, Streams};

/// How long one question over UDP waits for its answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Questions over UDP before it counts as silent: a datagram may get lost in a flood.
const ATTEMPTS: u32 = 4;

/// How long a connection and the answer over it may take.
const STREAM_PATIENCE: Duration = Duration::from_secs(2);

/// The longest answer to a Binding that is read.
const MAX_ANSWER: usize = 256;

/// Whether the relay at `url` answers: a Binding over UDP and TCP; behind TLS, where it would take
/// a certificate to be sure of, whether somebody takes the connection.
pub async fn answers(url: &RelayUrl) -> bool {
    let Ok(Ok(found)) = timeout(STREAM_PATIENCE, lookup_host((url.bare_host(), url.port()))).await
    else {
        return false;
    };
    for address in found {
        let transaction = random::draw();
        let answers = match (url.scheme(), url.transport()) {
            (RelayScheme::Turns, _) => within(TcpStream::connect(address)).await.is_some(),
            (_, RelayTransport::Udp) => over_udp(address, transaction).await,
            (_, RelayTransport::Tcp) => within(async {
                let mut stream = TcpStream::connect(address).await?;
                ask(&mut stream, transaction).await
            })
            .await
            .unwrap_or(false),
        };
        if answers {
            return true;
        }
    }
    false
}

/// Whether this relay's own socket for datagrams answers.
pub(super) async fn own_datagrams(address: SocketAddr, transaction: TransactionId) -> bool {
    over_udp(reachable(address), transaction).await
}

/// Whether this relay's own door is served. Limits don't count for this question, which no crowd of
/// strangers may keep from its answer. Behind TLS the connection is given up once it was accepted.
pub(super) async fn own_door(streams: &Streams, door: &Door, transaction: TransactionId) -> bool {
    let address = reachable(door.address);
    let asked = async {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // From the address itself, so that it is known before the door sees it.
        socket.bind(SocketAddr::new(address.ip(), 0))?;
        let expected = streams.expect(socket.local_addr()?);
        let mut stream = socket.connect(address).await?;
        if door.encryption.is_none() {
            return ask(&mut stream, transaction).await;
        }
        Ok(expected.accepted().await)
    };
    within(asked).await.unwrap_or(false)
}

async fn within<T>(attempt: impl Future<Output = io::Result<T>>) -> Option<T> {
    timeout(STREAM_PATIENCE, attempt).await.ok()?.ok()
}

async fn over_udp(address: SocketAddr, transaction: TransactionId) -> bool {
    let unspecified: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let Ok(socket) = UdpSocket::bind((unspecified, 0)).await else {
        return false;
    };
    if socket.connect(address).await.is_err() {
        return false;
    }
    let question = binding(transaction);
    for _ in 0..ATTEMPTS {
        let mut answer = [0; MAX_ANSWER];
        let exchange = async {
            socket.send(&question).await?;
            socket.recv(&mut answer).await
        };
        if let Ok(Ok(length)) = timeout(PATIENCE, exchange).await
            && is_answer(&answer[..length], transaction)
        {
            return true;
        }
    }
    false
}

/// Whether a Binding over this connection is answered.
async fn ask(stream: &mut TcpStream, transaction: TransactionId) -> io::Result<bool> {
    stream.write_all(&binding(transaction)).await?;
    let mut answer = vec![0; HEADER];
    stream.read_exact(&mut answer).await?;
    let length = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
    if HEADER + length > MAX_ANSWER {
        return Ok(false);
    }
    answer.resize(HEADER + length, 0);
    stream.read_exact(&mut answer[HEADER..]).await?;
    Ok(is_answer(&answer, transaction))
}

fn binding(transaction: TransactionId) -> Vec<u8> {
    Writer::new(Class::Request, Method::Binding, transaction).finish()
}

fn is_answer(message: &[u8], transaction: TransactionId) -> bool {
    Shape::read(message).is_ok_and(|shape| {
        shape.transaction == transaction
            && shape.method == Method::Binding
            && matches!(shape.class, Class::Success | Class::Error)
    })
}

/// Where this machine reaches a socket that listens on `address`.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port())
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::turn::streams::{Connection, ConnectionLimits, Encryption};

    #[derive(Debug)]
    struct Nobody;

    #[async_trait]
    impl Encryption for Nobody {
        async fn shake_hands(&self, _: TcpStream) -> io::Result<Box<dyn Connection>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// The system takes connections at such a door; nothing of ours does.
    #[tokio::test(start_paused = true)]
    async fn a_door_that_nobody_serves_is_noticed() {
        for encryption in [None, Some(Arc::new(Nobody) as Arc<dyn Encryption>)] {
            let door = Door::bind("127.0.0.1:0".parse().unwrap(), true, encryption).unwrap();
            let streams = Streams::new(vec![door], ConnectionLimits::default());
            assert!(!own_door(&streams, &streams.doors()[0], random::draw()).await);
        }
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let answer = |class| Writer::new(class, Method::Binding, [1; 12]).finish();
        assert!(is_answer(&answer(Class::Success), [1; 12]));
        assert!(!is_answer(&answer(Class::Success), [2; 12]));
        assert!(!is_answer(&answer(Class::Request), [1; 12]));
        assert!(!is_answer(b"not STUN", [1; 12]));
    }
}
