//! TLS 1.2 and 1.3 with a certificate that follows its files.
//!
//! Whoever renews a certificate writes two files, and that is all: they are looked at every now
//! and then, and before a handshake. A certificate that can't be used is named in the log once and
//! changes nothing; the one before it stays until there is a better one.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use webpki::EndEntityCert;

/// How often the files are looked at when nobody connects.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(30);

/// How often they are looked at because somebody connects.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Encrypted bytes that may wait for a socket: a record of the greatest length.
const UNSENT: usize = 16 * 1024;

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("can't read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file doesn't hold what it should.
    #[error("expected {expected} in {}: {source}", path.display())]
    Pem {
        /// What it should hold.
        expected: &'static str,
        /// Which file.
        path: PathBuf,
        /// What came instead.
        source: pem::Error,
    },
    /// Certificate and key can't be used, or don't belong together.
    #[error("can't use {} with {}: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificates' file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// The server's side of TLS. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    identity: Arc<Identity>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.identity.certificate)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS with the chain of certificates and the private key in these files (PEM).
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        let identity = Arc::new(Identity::load(certificate, key, Arc::clone(&provider))?);
        let resolver = Arc::clone(&identity) as Arc<dyn ResolvesServerCert>;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| identity.unusable(source))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            identity,
        })
    }

    /// Shakes hands, with the newest certificate there is. Takes as long as the client likes.
    pub async fn accept<S>(
        &self,
        stream: S,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<S>>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        if self.identity.is_due() {
            self.reload().await;
        }
        let mut stream = self.acceptor.accept(stream).await?;
        stream.get_mut().1.set_buffer_limit(Some(UNSENT));
        Ok(stream)
    }

    /// Follows the files for ever.
    pub async fn follow(&self) {
        loop {
            tokio::time::sleep(FOLLOW_INTERVAL).await;
            self.reload().await;
        }
    }

    /// The DNS names the certificate is for, but wildcards.
    pub fn names(&self) -> Vec<String> {
        let identity = self.identity.current();
        let certificate = identity.end_entity_cert();
        certificate
            .ok()
            .and_then(|certificate| EndEntityCert::try_from(certificate).ok())
            .into_iter()
            .flat_map(|certificate| {
                certificate
                    .valid_dns_names()
                    .filter(|name| !name.contains('*'))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// Looks at the files now, which may take as long as a disk does. What can't be used is named in
    /// the log and changes nothing.
    pub async fn reload(&self) {
        let identity = Arc::clone(&self.identity);
        let _ = tokio::task::spawn_blocking(move || identity.reload()).await;
    }
}

/// Which files something was read from, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edition([Option<FileEdition>; 2]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileEdition {
    inode: (u64, u64),
    length: u64,
    changed: (i64, i64),
}

impl From<Metadata> for FileEdition {
    fn from(file: Metadata) -> Self {
        Self {
            inode: (file.dev(), file.ino()),
            length: file.len(),
            changed: (file.mtime(), file.mtime_nsec()),
        }
    }
}

/// What the relay shows to be who it is.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

/// What was looked at last, usable or not.
#[derive(Debug)]
struct Seen {
    edition: Edition,
    looked: Instant,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Identity {
    fn load(
        certificate: &Path,
        key: &Path,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let edition = edition(certificate, key);
        let current = read(certificate, key, &provider)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            provider,
            current: RwLock::new(Arc::new(current)),
            seen: Mutex::new(Seen {
                edition,
                looked: Instant::now(),
            }),
        })
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the files haven't been looked at for a while.
    fn is_due(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = seen.looked.elapsed() >= LOOK_INTERVAL;
        if is_due {
            seen.looked = Instant::now();
        }
        is_due
    }

    /// Takes up what the files hold, if they changed and it can be used.
    fn reload(&self) {
        let edition = edition(&self.certificate, &self.key);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.looked = Instant::now();
            if seen.edition == edition {
                return;
            }
            seen.edition = edition;
        }
        let file = self.certificate.display();
        match read(&self.certificate, &self.key, &self.provider) {
            Ok(identity) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(identity);
                tracing::info!("TLS: a new certificate from {file}");
            }
            Err(error) => {
                tracing::error!("TLS: the certificate before stays in use: {error}");
            }
        }
    }

    fn unusable(&self, source: rustls::Error) -> TlsError {
        unusable(&self.certificate, &self.key, source)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// Read before the files are: if they change meanwhile, they are read again.
fn edition(certificate: &Path, key: &Path) -> Edition {
    Edition([certificate, key].map(|path| fs::metadata(path).ok().map(FileEdition::from)))
}

fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| {
            let some = (!chain.is_empty()).then_some(chain);
            some.ok_or(pem::Error::NoItemsFound)
        })
        .map_err(|source| unreadable(source, "certificates (PEM)", certificate))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| unreadable(source, "a private key (PEM)", key))?;
    CertifiedKey::from_der(chain, private, provider)
        .map_err(|source| unusable(certificate, key, source))
}

fn unreadable(source: pem::Error, expected: &'static str, path: &Path) -> TlsError {
    let path = path.to_owned();
    match source {
        pem::Error::Io(source) => TlsError::File { path, source },
        source => TlsError::Pem {
            expected,
            path,
            source,
        },
    }
}

fn unusable(certificate: &Path, key: &Path, source: rustls::Error) -> TlsError {
    TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
