//! Whom the gateway believes to be a vendor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// TLS towards vendors: TLS 1.2 and 1.3, the public web's roots (Mozilla's, built
/// in) and, where a vendor is run in-house, an operator's own CA. There is no
/// switch that turns verification off.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    config: Arc<ClientConfig>,
}

impl TlsOptions {
    /// The built-in roots and those of `extra_ca`, a PEM file of one or more
    /// certificates. Read once; a changed file needs a restart.
    pub fn load(extra_ca: Option<&Path>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = extra_ca {
            add_file(&mut roots, path).map_err(|why| TlsError::Unusable {
                path: path.to_owned(),
                why,
            })?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// For connections to whoever else is believed by the same roots.
    pub fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.config)
    }

    /// For one tenant's connections: sessions are not resumed across tenants.
    pub(super) fn for_tenant(&self) -> ClientConfig {
        let mut config = self.config();
        config.resumption = Resumption::in_memory_sessions(8);
        config
    }
}

/// Why there is no TLS towards vendors.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The extra CA file cannot be read, or holds no certificate.
    #[error("{path}: {why}; a PEM file with at least one CA certificate is needed")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The cryptography library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())? {
        let certificate = certificate.map_err(|e| e.to_string())?;
        roots.add(certificate).map_err(|e| e.to_string())?;
    }
    match roots.len() > before {
        true => Ok(()),
        false => Err("no certificate in it".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_ca_without_a_certificate_is_an_error_that_names_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = TlsOptions::load(Some(file.path())).unwrap_err().to_string();
        assert!(
            message.contains(&file.path().display().to_string()),
            "{message}"
        );
        assert!(TlsOptions::load(Some(Path::new("/no/such/file"))).is_err());
        assert!(TlsOptions::load(None).is_ok());
    }
}
