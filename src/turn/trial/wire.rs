//! What a probing client's messages travel over.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::UdpSocket;

use super::Route;
use crate::turn::framing::Inlet;
use crate::turn::message::{HEADROOM, padded};
use crate::turn::streams::Connection;

/// The longest datagram there is.
const DATAGRAM: usize = 65_536;

/// A way to a relay and back.
pub(super) enum Wire {
    Datagrams(UdpSocket, Vec<u8>),
    Stream {
        reader: ReadHalf<Box<dyn Connection>>,
        writer: WriteHalf<Box<dyn Connection>>,
        inlet: Inlet,
    },
}

impl Wire {
    pub(super) async fn open(route: &Route<'_>) -> io::Result<Self> {
        match route {
            Route::Datagrams(relay) => {
                let any: IpAddr = match relay {
                    SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                let socket = UdpSocket::bind((any, 0)).await?;
                socket.connect(relay).await?;
                Ok(Self::Datagrams(socket, vec![0; DATAGRAM]))
            }
            Route::Streams(dial) => {
                let (reader, writer) = tokio::io::split(dial.dial().await?);
                Ok(Self::Stream {
                    reader,
                    writer,
                    inlet: Inlet::new(),
                })
            }
        }
    }

    /// Whether a message may get lost on the way, so that it is sent again.
    pub(super) const fn is_lossy(&self) -> bool {
        matches!(self, Self::Datagrams(..))
    }

    /// Sends a message, padded where streams need it (RFC 8656 §12.5).
    pub(super) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagrams(socket, _) => socket.send(message).await.map(drop),
            Self::Stream { writer, .. } => {
                let mut message = message.to_vec();
                message.resize(padded(message.len()), 0);
                writer.write_all(&message).await?;
                writer.flush().await
            }
        }
    }

    /// The next message. Cancel-safe.
    pub(super) async fn receive(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Datagrams(socket, buffer) => {
                let length = socket.recv(buffer).await?;
                Ok(buffer[..length].to_vec())
            }
            Self::Stream { reader, inlet, .. } => loop {
                let garbage = |_| io::Error::from(io::ErrorKind::InvalidData);
                if let Some(framed) = inlet.next().map_err(garbage)? {
                    return Ok(framed.buffer[HEADROOM..HEADROOM + framed.length].to_vec());
                }
                match reader.read(inlet.room()).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => inlet.fill(count),
                }
            },
        }
    }
}
