//! Certificates over real TLS: the new one is served, a broken one is not.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use scimgate::catalog::Demand;
use scimgate::config::Tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Site, write};

struct Pair {
    chain: String,
    key: String,
    roots: RootCertStore,
}

impl Pair {
    fn new() -> Self {
        let names = ["scim.test".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        Self {
            chain: cert.pem(),
            key: signing_key.serialize_pem(),
            roots,
        }
    }

    /// Whether the gateway serves this certificate.
    async fn is_served(&self, site: &Site) -> bool {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let stream = TcpStream::connect(site.tenants[0].address).await.unwrap();
        let name = ServerName::try_from("scim.test").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .is_ok()
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_a_broken_one_is_not() {
    let (old, new) = (Pair::new(), Pair::new());
    let place = tempfile::tempdir().unwrap();
    let (chain, key) = (place.path().join("tls.crt"), place.path().join("tls.key"));
    write(&chain, &old.chain);
    write(&key, &old.key);
    let tls = Tls {
        certificate: chain.clone(),
        key: key.clone(),
    };
    let site = Site::with(&["north"], |config| config.server.tls = Some(tls)).await;
    assert!(old.is_served(&site).await && !new.is_served(&site).await);
    // Half of the renewal has arrived.
    write(&chain, &new.chain);
    assert_eq!(
        site.reloader.reload(Demand::Changed).refused,
        ["certificate"]
    );
    assert!(old.is_served(&site).await);
    write(&key, &new.key);
    assert_eq!(site.reloader.reload(Demand::Changed).taken, ["certificate"]);
    assert!(new.is_served(&site).await && !old.is_served(&site).await);
    write(&chain, "-----BEGIN CERTIFICATE-----\nno\n");
    assert_eq!(
        site.reloader.reload(Demand::Changed).refused,
        ["certificate"]
    );
    assert!(new.is_served(&site).await);
}
