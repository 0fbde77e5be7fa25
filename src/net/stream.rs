//! One accepted connection, over TCP or a Unix socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Who is at the other end. `Debug` doesn't print the address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    /// Somebody at this address; IPv4 in an IPv6 socket reads as IPv4.
    Address(IpAddr),
    /// A process of this machine, over a Unix socket.
    Local,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Address(_) => "Address(…)",
            Self::Local => "Local",
        })
    }
}

impl From<SocketAddr> for Remote {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address.ip().to_canonical())
    }
}

/// One accepted connection.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP, without Nagle's delay.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// The process at the other end of a Unix socket, as the system knows it (`SO_PEERCRED`, unix(7)).
/// From another user namespace most ids read as 65534.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its effective user.
    pub uid: u32,
    /// Its effective group; of its further groups the system says nothing here.
    pub gid: u32,
}

impl Stream {
    /// The process at the other end. None: it isn't one of this machine, or can't be told.
    pub fn process(&self) -> Option<Process> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(stream) => stream.peer_cred().ok().map(|process| Process {
                uid: process.uid(),
                gid: process.gid(),
            }),
        }
    }
}

/// Calls the same method of whichever stream it is.
macro_rules! either {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Unix(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_in_ipv6_is_ipv4() {
        let mapped: SocketAddr = "[::ffff:192.0.2.7]:5".parse().unwrap();
        let plain: SocketAddr = "192.0.2.7:9".parse().unwrap();
        assert_eq!(Remote::from(mapped), Remote::from(plain));
    }

    #[test]
    fn an_address_is_not_printed() {
        let remote = Remote::Address([192, 0, 2, 7].into());
        assert_eq!(format!("{remote:?}"), "Address(…)");
    }
}
