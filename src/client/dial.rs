//! Connections to a server: TCP, and TLS over it with the authorities that this machine trusts.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::ServerUrl;
use super::address::Scheme;

/// Where systems keep the authorities that they trust.
const AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
/// How long a connection may take to come about, hands shaken.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// Makes connections to one server.
#[derive(Clone)]
pub(super) struct Dialer {
    url: ServerUrl,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").finish_non_exhaustive()
    }
}

impl Dialer {
    /// Where the server is reached over TLS, it is believed by this machine's authorities, and by
    /// the certificates (PEM) in the file `also`.
    pub(super) fn new(url: ServerUrl, also: Option<&Path>) -> io::Result<Self> {
        let tls = match url.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some((connector(also)?, name_of(&url)?)),
        };
        Ok(Self { url, tls })
    }

    pub(super) const fn url(&self) -> &ServerUrl {
        &self.url
    }

    pub(super) async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        tokio::time::timeout(PATIENCE, self.connect())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((self.url.host(), self.url.port())).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
        })
    }
}

fn connector(also: Option<&Path>) -> io::Result<TlsConnector> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots(also)?)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(also: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let mut add = |pem: &[u8]| {
        let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
        let (added, _) = roots.add_parsable_certificates(certificates);
        added
    };
    let bundle = AUTHORITIES.iter().find_map(|path| fs::read(path).ok());
    add(&bundle.unwrap_or_default());
    if let Some(path) = also
        && add(&fs::read(path)?) == 0
    {
        let detail = format!("no certificate in {}", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
    }
    Ok(roots)
}

fn name_of(url: &ServerUrl) -> io::Result<ServerName<'static>> {
    ServerName::try_from(url.host().to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server with a certificate of its own for `localhost`, and that certificate as a file.
    async fn server() -> (ServerUrl, TempDir) {
        let names = vec!["localhost".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("cert.pem"), cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    stream.write_all(b"hello").await.unwrap();
                    stream.shutdown().await.unwrap();
                }
            }
        });
        let url = ServerUrl::parse(&format!("https://localhost:{port}")).unwrap();
        (url, directory)
    }

    #[tokio::test]
    async fn a_server_is_believed_by_a_certificate_that_is_known() {
        let (url, directory) = server().await;
        let known = directory.path().join("cert.pem");
        let dialer = Dialer::new(url.clone(), Some(&known)).unwrap();
        let mut said = Vec::new();
        let mut stream = dialer.dial().await.unwrap();
        stream.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"hello");
        let stranger = Dialer::new(url, None).unwrap().dial().await;
        assert!(stranger.is_err());
    }

    #[tokio::test]
    async fn a_file_without_a_certificate_is_refused() {
        let (url, directory) = server().await;
        let empty = directory.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        assert!(Dialer::new(url.clone(), Some(&empty)).is_err());
        assert!(Dialer::new(url, Some(&directory.path().join("none"))).is_err());
    }
}
