//! Sockets that accept: bound with care, and never given up because of one bad moment.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::stream::{Remote, Stream};
use crate::config::ListenAddress;

/// Connections that wait in the kernel to be accepted: enough for every client of a restarted
/// daemon to come back at once. The kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Who may connect to a Unix socket: its owner and its group.
const SOCKET_MODE: u32 = 0o660;

/// Bytes of a path that fit `sun_path` with the zero behind them (unix(7)).
const LONGEST_PATH: usize = 107;

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// An address could not be listened at.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system refused, for instance because another process listens there.
    #[error("can't listen at {address}: {source}")]
    Refused {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Something that is no socket is in the way, and isn't ours to delete.
    #[error("can't listen at {}: a file that is no socket is in the way", .0.display())]
    Occupied(PathBuf),
    /// The system has no room for so long a path (unix(7)).
    #[error(
        "can't listen at {}: {} bytes of path, and a Unix socket takes at most {LONGEST_PATH}",
        .0.display(), .0.as_os_str().len()
    )]
    TooLong(PathBuf),
}

/// A socket that accepts connections. A Unix socket's file goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: Accepting,
    address: ListenAddress,
}

#[derive(Debug)]
enum Accepting {
    Tcp(TcpListener),
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "held for its drop")] SocketFile,
    ),
}

impl Listener {
    /// Listens at `address`. An IPv6 address takes IPv6 connections only: what is written is what
    /// listens, on every system. A stale socket file is replaced, a live one isn't.
    ///
    /// Must be called inside a tokio runtime.
    pub fn bind(address: &ListenAddress) -> Result<Self, BindError> {
        match address {
            ListenAddress::Tcp(socket) => tcp(*socket).map_err(|source| BindError::Refused {
                address: socket.to_string(),
                source,
            }),
            ListenAddress::Unix(path) => unix(path),
        }
    }

    /// Accepts at a socket that listens already: one that systemd holds.
    ///
    /// Must be called inside a tokio runtime.
    pub fn inherit(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket)?;
        Ok(Self {
            address: ListenAddress::Tcp(listener.local_addr()?),
            socket: Accepting::Tcp(listener),
        })
    }

    /// Where it really listens: the system's choice where port 0 was asked for.
    pub const fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// The next connection. What goes wrong with one of them (gone again, no file descriptor left)
    /// is waited out, in growing pauses up to a second. Cancel-safe.
    pub async fn accept(&self) -> (Stream, Remote) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            match self.accept_once().await {
                Ok(connection) => return connection,
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "can't accept connections at the moment");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn accept_once(&self) -> io::Result<(Stream, Remote)> {
        match &self.socket {
            Accepting::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), peer.into()))
            }
            Accepting::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Remote::Local))
            }
        }
    }
}

/// Errors that the connection brought with it, and that say nothing about the listener.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted,
        InvalidInput, NotConnected,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | Interrupted
            | InvalidInput
            | NotConnected
    )
}

fn tcp(address: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into())?;
    let address = ListenAddress::Tcp(listener.local_addr()?);
    Ok(Listener {
        socket: Accepting::Tcp(listener),
        address,
    })
}

fn unix(path: &Path) -> Result<Listener, BindError> {
    let refused = |source| BindError::Refused {
        address: format!("unix:{}", path.display()),
        source,
    };
    if path.as_os_str().len() > LONGEST_PATH {
        return Err(BindError::TooLong(path.to_owned()));
    }
    clear_the_way(path, refused)?;
    let (listener, file) = unix_listener(path).map_err(refused)?;
    Ok(Listener {
        socket: Accepting::Unix(listener, file),
        address: ListenAddress::Unix(path.to_owned()),
    })
}

/// Between `bind` and `listen` a socket can't be connected to: its mode is chosen there.
fn unix_listener(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok((UnixListener::from_std(socket.into())?, file))
}

/// Removes a socket that nobody listens at any more.
fn clear_the_way(path: &Path, refused: impl Fn(io::Error) -> BindError) -> Result<(), BindError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(BindError::Occupied(path.to_owned()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(refused)
        }
        Err(error) => Err(refused(error)),
        Ok(_) => Err(refused(io::ErrorKind::AddrInUse.into())),
    }
}

/// The name of a Unix socket, removed on drop unless another process has put its own there.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn loopback() -> ListenAddress {
        ListenAddress::Tcp(([127, 0, 0, 1], 0).into())
    }

    fn port(listener: &Listener) -> SocketAddr {
        match listener.address() {
            ListenAddress::Tcp(address) => *address,
            ListenAddress::Unix(_) => panic!("expected TCP"),
        }
    }

    #[tokio::test]
    async fn port_zero_reports_the_systems_choice_and_accepts() {
        let listener = Listener::bind(&loopback()).unwrap();
        let address = port(&listener);
        assert_ne!(address.port(), 0);
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut stream, remote) = listener.accept().await;
        assert_eq!(remote, Remote::Address(address.ip()));
        client.write_all(b"hi").await.unwrap();
        let mut heard = [0; 2];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hi");
        assert!(matches!(&stream, Stream::Tcp(tcp) if tcp.nodelay().unwrap()));
    }

    #[tokio::test]
    async fn a_socket_that_listens_already_is_taken_over() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let listener = Listener::inherit(socket).unwrap();
        assert_eq!(port(&listener), address);
        let _client = tokio::net::TcpStream::connect(address).await.unwrap();
        let (_, remote) = listener.accept().await;
        assert_eq!(remote, Remote::Address(address.ip()));
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let first = Listener::bind(&loopback()).unwrap();
        let error = Listener::bind(first.address()).unwrap_err().to_string();
        assert!(error.contains(&port(&first).to_string()), "{error}");
    }

    #[tokio::test]
    async fn a_unix_socket_is_for_owner_and_group_and_goes_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let listener = Listener::bind(&ListenAddress::Unix(path.clone())).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let _client = tokio::net::UnixStream::connect(&path).await.unwrap();
        let (_, remote) = listener.accept().await;
        assert_eq!(remote, Remote::Local);
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let address = ListenAddress::Unix(path.clone());
        let live = Listener::bind(&address).unwrap();
        assert!(matches!(
            Listener::bind(&address),
            Err(BindError::Refused { source, .. }) if source.kind() == io::ErrorKind::AddrInUse
        ));
        drop(live);
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        fs::write(&path, "data").unwrap();
        let address = ListenAddress::Unix(path.clone());
        assert!(matches!(
            Listener::bind(&address),
            Err(BindError::Occupied(_))
        ));
        assert_eq!(fs::read(&path).unwrap(), b"data");
    }

    #[tokio::test]
    async fn a_path_is_as_long_as_the_system_takes_it_and_no_longer() {
        let directory = tempfile::tempdir().unwrap();
        let rest = LONGEST_PATH - directory.path().as_os_str().len() - 1;
        let at = |length| ListenAddress::Unix(directory.path().join("x".repeat(length)));
        assert!(Listener::bind(&at(rest)).is_ok());
        assert!(matches!(
            Listener::bind(&at(rest + 1)),
            Err(BindError::TooLong(_))
        ));
    }

    #[tokio::test]
    async fn a_successors_socket_outlives_its_predecessor() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let address = ListenAddress::Unix(path.clone());
        let first = Listener::bind(&address).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = Listener::bind(&address).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn what_a_connection_brings_along_needs_no_pause() {
        assert!(concerns_one_connection(
            &io::ErrorKind::ConnectionAborted.into()
        ));
        let out_of_files = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(&out_of_files));
    }
}
