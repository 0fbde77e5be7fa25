//! Whom this machine trusts to vouch for others.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Where systems keep the authorities that they trust.
const PLACES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The system names no authorities.
    #[error("no certificate authorities in {}; install ca-certificates", PLACES.join(", "))]
    Nobody,
    /// A file of further ones can't be used.
    #[error("{}: expected certificates in PEM", path.display())]
    File {
        /// Which.
        path: PathBuf,
    },
}

/// The system's authorities, as many as can be read.
pub(super) fn of_the_system() -> RootCertStore {
    let bundle = PLACES.iter().find_map(|path| fs::read(path).ok());
    let mut authorities = RootCertStore::empty();
    add(&mut authorities, &bundle.unwrap_or_default());
    authorities
}

/// The system's authorities, and those in a file. There must be some, and in the file too.
pub(super) fn with(file: Option<&Path>) -> Result<RootCertStore, TrustError> {
    let mut authorities = of_the_system();
    if let Some(path) = file {
        let unusable = || TrustError::File {
            path: path.to_owned(),
        };
        let bundle = fs::read(path).map_err(|_| unusable())?;
        if add(&mut authorities, &bundle) == 0 {
            return Err(unusable());
        }
    }
    if authorities.is_empty() {
        return Err(TrustError::Nobody);
    }
    Ok(authorities)
}

/// How many of the certificates in `bundle` were added.
fn add(authorities: &mut RootCertStore, bundle: &[u8]) -> usize {
    let read = CertificateDer::pem_slice_iter(bundle).filter_map(Result::ok);
    authorities.add_parsable_certificates(read).0
}
