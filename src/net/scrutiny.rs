//! TLS to somebody's server, to find out whether its clients would believe it.
//!
//! Nothing secret may go over such a connection: whatever certificate is shown, the hands are shaken,
//! and what a client would have thought of it is told.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::authorities;

/// What clients would think of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They would believe it.
    Trusted,
    /// Only those would who were given it beforehand.
    Known,
    /// They would not, and why.
    Refused(String),
}

/// A client that shakes hands with any server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scrutiny {
    authorities: Arc<RootCertStore>,
    known: Option<PathBuf>,
}

impl Scrutiny {
    /// A client that trusts what this machine does, and knows the certificates in the file `known`
    /// (PEM), if it can be read.
    pub fn new(known: Option<&Path>) -> Self {
        Self {
            authorities: Arc::new(authorities::of_the_system()),
            known: known.map(Path::to_owned),
        }
    }

    /// Shakes hands with a server that should be `name`, and says what clients would think of it.
    /// Takes as long as the server likes.
    pub async fn connect<S>(
        &self,
        stream: S,
        name: &str,
    ) -> io::Result<(impl AsyncRead + AsyncWrite + Send + Unpin + use<S>, Verdict)>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let judge = Arc::new(Judge::new(self)?);
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await?;
        Ok((stream, judge.verdict()))
    }
}

/// Lets every certificate pass, and remembers what should have been thought of it.
#[derive(Debug)]
struct Judge {
    /// None: this machine trusts nobody at all.
    strict: Option<Arc<WebPkiServerVerifier>>,
    knowing: Option<Arc<WebPkiServerVerifier>>,
    verdict: Mutex<Verdict>,
}

impl Judge {
    fn new(scrutiny: &Scrutiny) -> io::Result<Self> {
        let verifier = |roots: RootCertStore| {
            if roots.is_empty() {
                return Ok(None);
            }
            let provider = Arc::new(default_provider());
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map(Some)
                .map_err(io::Error::other)
        };
        let mut known = RootCertStore::empty();
        let file = scrutiny.known.as_ref().and_then(|path| fs::read(path).ok());
        let file = file.unwrap_or_default();
        known.add_parsable_certificates(
            CertificateDer::pem_slice_iter(&file).filter_map(Result::ok),
        );
        Ok(Self {
            strict: verifier(RootCertStore::clone(&scrutiny.authorities))?,
            knowing: verifier(known)?,
            verdict: Mutex::new(Verdict::Refused("no certificate was shown".to_owned())),
        })
    }

    fn verdict(&self) -> Verdict {
        let verdict = self.verdict.lock();
        verdict.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ask = |verifier: &Option<Arc<WebPkiServerVerifier>>| match verifier {
            Some(it) => it
                .verify_server_cert(certificate, chain, name, stapled, now)
                .map(drop)
                .map_err(|error| reason(&error)),
            None => Err("nobody vouches for the certificate".to_owned()),
        };
        let verdict = match (ask(&self.strict), ask(&self.knowing)) {
            (Ok(()), _) => Verdict::Trusted,
            (Err(_), Ok(())) => Verdict::Known,
            (Err(reason), Err(_)) => Verdict::Refused(reason),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

/// Why a certificate isn't believed, in words.
fn reason(error: &Error) -> String {
    let Error::InvalidCertificate(error) = error else {
        return error.to_string();
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its time has not come; is the clock right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "no authority that this machine trusts has signed it".to_owned()
        }
        CertificateError::Other(_) => {
            "it is not one that a server may show (an authority's own, for instance)".to_owned()
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;
    use crate::net::Tls;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            let issued = generate_simple_self_signed(["relay.example".to_owned()]).unwrap();
            fs::write(files.path("cert.pem"), issued.cert.pem()).unwrap();
            fs::write(files.path("key.pem"), issued.signing_key.serialize_pem()).unwrap();
            files
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }
    }

    async fn verdict(files: &Files, scrutiny: &Scrutiny, name: &str) -> Verdict {
        let server = Tls::load(&files.path("cert.pem"), &files.path("key.pem")).unwrap();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (accepted, connected) = tokio::join!(server.accept(far), scrutiny.connect(near, name));
        assert!(accepted.is_ok());
        connected.unwrap().1
    }

    #[tokio::test]
    async fn a_certificate_of_ones_own_is_known_to_whoever_was_given_it() {
        let files = Files::new();
        let knowing = Scrutiny::new(Some(&files.path("cert.pem")));
        assert_eq!(
            verdict(&files, &knowing, "relay.example").await,
            Verdict::Known
        );
        let other = verdict(&files, &knowing, "other.example").await;
        let unsigned = "no authority that this machine trusts has signed it".to_owned();
        let nobody = "nobody vouches for the certificate".to_owned();
        let reasons = [Verdict::Refused(unsigned), Verdict::Refused(nobody)];
        assert!(reasons.contains(&other), "{other:?}");
        let stranger = verdict(&files, &Scrutiny::new(None), "relay.example").await;
        assert!(matches!(stranger, Verdict::Refused(_)), "{stranger:?}");
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_an_error() {
        let (near, _far) = tokio::io::duplex(1024);
        let outcome = Scrutiny::new(None).connect(near, "not a name").await;
        assert!(outcome.is_err());
    }
}
