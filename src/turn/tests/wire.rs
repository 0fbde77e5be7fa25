//! What a client's messages travel over.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::sync::Mutex;

use crate::turn::message::{HEADER, padded};

/// A socket of a client's, connected to the relay.
pub(super) enum Wire {
    Datagrams(UdpSocket),
    Stream(StreamWire),
}

impl Wire {
    pub(super) async fn datagrams(relay: SocketAddr) -> Self {
        let unspecified = if relay.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        };
        let socket = UdpSocket::bind(unspecified).await.unwrap();
        socket.connect(relay).await.unwrap();
        Self::Datagrams(socket)
    }

    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Datagrams(socket) => socket.local_addr().unwrap(),
            Self::Stream(stream) => stream.address,
        }
    }

    pub(super) async fn send(&self, message: &[u8]) {
        match self {
            Self::Datagrams(socket) => {
                socket.send(message).await.unwrap();
            }
            Self::Stream(stream) => {
                let mut message = message.to_vec();
                message.resize(padded(message.len()), 0);
                stream.write(&message).await;
            }
        }
    }

    pub(super) async fn receive(&self) -> Vec<u8> {
        match self {
            Self::Datagrams(socket) => {
                let mut buffer = vec![0; 70_000];
                let length = socket.recv(&mut buffer).await.unwrap();
                buffer.truncate(length);
                buffer
            }
            Self::Stream(stream) => stream.receive().await.expect("a message, not the end"),
        }
    }

    /// The socket for datagrams that this is.
    pub(super) fn datagram_socket(&self) -> &UdpSocket {
        match self {
            Self::Datagrams(socket) => socket,
            Self::Stream(_) => panic!("datagrams, not a stream"),
        }
    }

    /// The stream that this is.
    pub(super) fn stream(&self) -> &StreamWire {
        match self {
            Self::Stream(stream) => stream,
            Self::Datagrams(_) => panic!("a stream, not datagrams"),
        }
    }
}

/// A connection, with the messages in it told apart by code of its own.
pub(super) struct StreamWire {
    address: SocketAddr,
    reader: Mutex<OwnedReadHalf>,
    writer: Mutex<OwnedWriteHalf>,
}

impl StreamWire {
    pub(super) async fn connect(relay: SocketAddr) -> Self {
        Self::of(TcpStream::connect(relay).await.unwrap())
    }

    /// A connection from this very address.
    pub(super) async fn connect_from(address: SocketAddr, relay: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        Self::of(socket.connect(relay).await.unwrap())
    }

    /// A connection whose system keeps little for it.
    pub(super) async fn connect_narrow(relay: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::of(socket.connect(relay).await.unwrap())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let address = stream.local_addr().unwrap();
        let (reader, writer) = stream.into_split();
        Self {
            address,
            reader: Mutex::new(reader),
            writer: Mutex::new(writer),
        }
    }

    /// Writes bytes as they are.
    pub(super) async fn write(&self, bytes: &[u8]) {
        self.writer.lock().await.write_all(bytes).await.unwrap();
    }

    /// The next message without its padding, which is zeros; none: the relay has closed.
    pub(super) async fn receive(&self) -> Option<Vec<u8>> {
        let mut reader = self.reader.lock().await;
        let mut message = vec![0; 4];
        reader.read_exact(&mut message).await.ok()?;
        let claimed = usize::from(u16::from_be_bytes([message[2], message[3]]));
        let length = match message[0] >> 6 {
            0b00 => HEADER + claimed,
            0b01 => 4 + claimed,
            _ => panic!("neither STUN nor ChannelData"),
        };
        message.resize(padded(length), 0);
        reader.read_exact(&mut message[4..]).await.ok()?;
        assert!(message.drain(length..).all(|byte| byte == 0));
        Some(message)
    }
}
