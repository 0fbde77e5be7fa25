use rcgen::{CertifiedKey as Issued, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

/// Two files that a certificate for these names is written to.
struct Place {
    directory: TempDir,
    issued: Vec<CertificateDer<'static>>,
}

impl Place {
    fn with(names: &[&str]) -> Self {
        let mut place = Self {
            directory: tempfile::tempdir().unwrap(),
            issued: Vec::new(),
        };
        place.renew(names);
        place
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    fn renew(&mut self, names: &[&str]) {
        let issued = issue(names);
        self.issued.push(issued.cert.der().clone());
        fs::write(self.certificate(), issued.cert.pem()).unwrap();
        fs::write(self.key(), issued.signing_key.serialize_pem()).unwrap();
    }

    fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(&self.certificate(), &self.key())
    }

    /// The certificate that a client is shown, which trusts all that were issued here.
    async fn shown(&self, tls: &Tls, name: &str) -> CertificateDer<'static> {
        let versions = [&version::TLS12, &version::TLS13];
        let client = connect(tls, &self.issued, name, &versions).await.unwrap();
        client.get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}

fn issue(names: &[&str]) -> Issued<rcgen::KeyPair> {
    generate_simple_self_signed(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

/// Shakes hands, and has one word echoed.
async fn connect(
    tls: &Tls,
    trusted: &[CertificateDer<'static>],
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<TlsStream<DuplexStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let (near, far) = duplex(4096);
    let (client, server) = tokio::join!(connector.connect(name, near), tls.accept(far));
    let (mut client, mut server) = (client?, server?);
    client.write_all(b"echo").await?;
    let mut word = [0; 4];
    server.read_exact(&mut word).await?;
    server.write_all(&word).await?;
    server.flush().await?;
    client.read_exact(&mut word).await?;
    assert_eq!(&word, b"echo");
    Ok(client)
}

#[tokio::test]
async fn either_version_of_tls_is_spoken() {
    let place = Place::with(&["relay.example"]);
    let tls = place.load().unwrap();
    for version in [&version::TLS12, &version::TLS13] {
        let client = connect(&tls, &place.issued, "relay.example", &[version])
            .await
            .unwrap();
        assert_eq!(client.get_ref().1.protocol_version(), Some(version.version));
    }
    let versions = [&version::TLS13];
    let stranger = connect(&tls, &place.issued, "other.example", &versions).await;
    assert!(stranger.is_err());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let mut place = Place::with(&["relay.example"]);
    let tls = place.load().unwrap();
    assert_eq!(place.shown(&tls, "relay.example").await, place.issued[0]);
    place.renew(&["relay.example", "new.example"]);
    tls.reload().await;
    assert_eq!(place.shown(&tls, "new.example").await, place.issued[1]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_looks_at_the_files_once_a_second() {
    let mut place = Place::with(&["relay.example"]);
    let tls = place.load().unwrap();
    place.renew(&["relay.example"]);
    assert_eq!(place.shown(&tls, "relay.example").await, place.issued[0]);
    tokio::time::advance(LOOK_INTERVAL).await;
    assert_eq!(place.shown(&tls, "relay.example").await, place.issued[1]);
}

#[tokio::test(start_paused = true)]
async fn the_files_are_followed_when_nobody_connects() {
    let mut place = Place::with(&["relay.example"]);
    let tls = place.load().unwrap();
    place.renew(&["new.example"]);
    let followed = tokio::time::timeout(FOLLOW_INTERVAL * 2, tls.follow());
    assert!(followed.await.is_err());
    assert_eq!(tls.names(), ["new.example"]);
}

#[tokio::test]
async fn a_broken_certificate_leaves_the_one_before_in_use() {
    let mut place = Place::with(&["relay.example"]);
    let tls = place.load().unwrap();
    let foreign_key = issue(&["relay.example"]).signing_key.serialize_pem();
    for broken in ["", "no certificate", &foreign_key] {
        fs::write(place.key(), broken).unwrap();
        tls.reload().await;
        assert_eq!(place.shown(&tls, "relay.example").await, place.issued[0]);
    }
    fs::remove_file(place.certificate()).unwrap();
    tls.reload().await;
    assert_eq!(place.shown(&tls, "relay.example").await, place.issued[0]);
    place.renew(&["relay.example"]);
    tls.reload().await;
    assert_eq!(place.shown(&tls, "relay.example").await, place.issued[1]);
}

#[test]
fn what_cannot_be_loaded_is_named() {
    let place = Place::with(&["relay.example"]);
    let refused = |certificate: &str, key: &str| {
        fs::write(place.certificate(), certificate).unwrap();
        fs::write(place.key(), key).unwrap();
        place.load().unwrap_err()
    };
    let (one, other) = (issue(&["a.example"]), issue(&["a.example"]));
    let certificate = one.cert.pem();
    let key = other.signing_key.serialize_pem();
    let foreign = refused(&certificate, &key);
    assert!(matches!(foreign, TlsError::Unusable { .. }), "{foreign}");
    let no_key = refused(&certificate, "");
    assert!(matches!(&no_key, TlsError::Pem { path, .. } if *path == place.key()));
    let no_certificate = refused("", &key);
    assert!(matches!(&no_certificate, TlsError::Pem { path, .. } if *path == place.certificate()));
    let missing = Tls::load(Path::new("/nowhere/cert.pem"), &place.key()).unwrap_err();
    assert!(matches!(missing, TlsError::File { .. }), "{missing}");
}

#[test]
fn names_can_be_told_and_wildcards_cannot() {
    let place = Place::with(&["*.example", "relay.example", "192.0.2.1"]);
    assert_eq!(place.load().unwrap().names(), ["relay.example"]);
}
