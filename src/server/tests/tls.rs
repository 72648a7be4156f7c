//! TLS in front.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::{Certificate, TlsFault};
use super::walk::over_http2;
use super::*;

/// A self-signed certificate for `scim.test`, in files.
struct Pair {
    directory: tempfile::TempDir,
    roots: RootCertStore,
}

impl Pair {
    fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["scim.test".to_owned()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("tls.crt"), cert.pem()).unwrap();
        std::fs::write(
            directory.path().join("tls.key"),
            signing_key.serialize_pem(),
        )
        .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        Self { directory, roots }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn certificate(&self) -> Certificate {
        Certificate::load(&self.path("tls.crt"), &self.path("tls.key")).unwrap()
    }

    async fn connect(
        &self,
        server: &Fixture,
        version: &'static SupportedProtocolVersion,
        alpn: &[&str],
    ) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("scim.test").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector
            .connect(name, server.connect().await)
            .await
            .unwrap()
    }
}

fn start(certificate: Arc<Certificate>) -> Fixture {
    Fixture::start_with(Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        certificate: Some(certificate),
        public_origin: None,
        workers: 1,
        limits: short(),
    })
}

/// R193
#[tokio::test]
async fn both_versions_of_tls_are_served() {
    let pair = Pair::new();
    let server = start(Arc::new(pair.certificate()));
    for (version, expect) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let mut stream = pair.connect(&server, version, &[]).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expect));
        stream
            .write_all(get("ok", "/scim/v2/Users").as_bytes())
            .await
            .unwrap();
        let reply = Reply::read(&mut stream).await;
        assert_eq!(reply.body["base"], "https://scim.test/scim/v2");
    }
}

#[tokio::test]
async fn alpn_chooses_the_protocol() {
    let pair = Pair::new();
    let server = start(Arc::new(pair.certificate()));
    let stream = pair
        .connect(&server, &rustls::version::TLS13, &["h2", "http/1.1"])
        .await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let request = hyper::Request::get("https://scim.test/scim/v2/Users")
        .header("authorization", "Bearer ok")
        .body(http_body_util::Empty::<hyper::body::Bytes>::new())
        .unwrap();
    let (status, body) = over_http2(stream, request).await;
    assert_eq!(
        (status, &body["base"]),
        (200, &json!("https://scim.test/scim/v2"))
    );
    let mut stream = pair
        .connect(&server, &rustls::version::TLS13, &["http/1.1"])
        .await;
    stream
        .write_all(get("ok", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    assert_eq!(Reply::read(&mut stream).await.status, 200);
}

#[tokio::test]
async fn a_handshake_or_a_first_byte_that_does_not_come() {
    let pair = Pair::new();
    let server = start(Arc::new(pair.certificate()));
    let mut silent = server.connect().await;
    assert!(time_to_close(&mut silent).await < Duration::from_secs(2));
    for alpn in ["h2", "http/1.1"] {
        let mut stream = pair
            .connect(&server, &rustls::version::TLS13, &[alpn])
            .await;
        assert!(
            time_to_close(&mut stream).await < Duration::from_secs(2),
            "{alpn}"
        );
    }
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_a_bad_one_changes_nothing() {
    let (old, new) = (Pair::new(), Pair::new());
    let certificate = Arc::new(old.certificate());
    let server = start(certificate.clone());
    let mixed = certificate.reload(&new.path("tls.crt"), &old.path("tls.key"));
    assert!(matches!(mixed, Err(TlsFault::Mismatch(_))));
    old.connect(&server, &rustls::version::TLS13, &[]).await;
    certificate
        .reload(&new.path("tls.crt"), &new.path("tls.key"))
        .unwrap();
    new.connect(&server, &rustls::version::TLS13, &[]).await;
}

#[test]
fn a_file_that_is_missing_or_no_certificate_is_named() {
    let pair = Pair::new();
    let (crt, key) = (pair.path("tls.crt"), pair.path("tls.key"));
    let none = Certificate::load(&pair.path("none"), &key).unwrap_err();
    assert!(none.to_string().contains("none: "), "{none}");
    let swapped = Certificate::load(&key, &crt).unwrap_err();
    assert!(swapped.to_string().contains("tls.key: "), "{swapped}");
}
