//! TLS in front: 1.2 and 1.3 (Entra's pages still name 1.2), HTTP/2 by ALPN.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::expiry;
use crate::problem::file;

/// A certificate that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The file is missing or holds no PEM of the kind it should.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is of no use or does not belong to the certificate.
    #[error("the certificate and its key cannot be used together: {0}")]
    Mismatch(rustls::Error),
    /// The TLS library refuses our protocol versions.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The certificate being served. It can be replaced while handshakes go on.
#[derive(Debug)]
pub struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Reads a PEM chain (leaf first) and its PEM key; refuses a pair that does not match.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsFault> {
        read_pair(chain, key).map(|pair| Self(ArcSwap::from_pointee(pair)))
    }

    /// When it ends, in Unix seconds; `None` where that cannot be read.
    pub fn expires(&self) -> Option<i64> {
        expiry::not_after(self.0.load().end_entity_cert().ok()?)
    }

    /// Replaces it by a new pair; on a fault the old one stays.
    pub fn reload(&self, chain: &Path, key: &Path) -> Result<(), TlsFault> {
        self.0.store(Arc::new(read_pair(chain, key)?));
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Handshakes with `certificate`, offering HTTP/2 before HTTP/1.1.
pub(super) fn acceptor(certificate: Arc<Certificate>) -> Result<TlsAcceptor, TlsFault> {
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsFault::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read_pair(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsFault> {
    let unreadable = |path: &Path, reason: String| TlsFault::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let read = |path: &Path| {
        let bytes = file::bytes(path);
        bytes.map_err(|error| unreadable(path, error.to_string()))
    };
    let certificates = CertificateDer::pem_slice_iter(&read(chain)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(unreadable(chain, "holds no certificate".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| unreadable(key, error.to_string()))?;
    CertifiedKey::from_der(certificates, secret, &crypto()).map_err(TlsFault::Mismatch)
}

fn crypto() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
