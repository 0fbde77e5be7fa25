//! TLS to somebody whom an authority must vouch for.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::authorities::{self, TrustError};

/// A client that shakes hands only with who they say they are. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Secured {
    config: Arc<ClientConfig>,
}

impl Secured {
    /// A client that trusts whom this machine trusts, and those in the file `further` (PEM).
    pub fn new(further: Option<&Path>) -> Result<Self, TrustError> {
        let authorities = authorities::with(further)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| TrustError::Nobody)?;
        let mut config = builder
            .with_root_certificates(authorities)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// Shakes hands with somebody who must be `name`, a host or an address.
    pub async fn connect<S>(
        &self,
        stream: S,
        name: &str,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<S>>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        TlsConnector::from(self.config.clone())
            .connect(name, stream)
            .await
    }
}
