//! What a reload does to the running gateway. Listener, connections, caches,
//! breakers and the store stay.

use std::path::PathBuf;
use std::sync::Arc;

use super::gate;
use super::tenants::Tenants;
use crate::adapter::Adapter;
use crate::catalog::{Catalog, Effects, Text};
use crate::problem::Problem;
use crate::server::Certificate;

/// The parts of the gateway that can be exchanged while it runs.
pub(super) struct Live {
    pub(super) tenants: Arc<Tenants>,
    pub(super) certificate: Option<ServedCertificate>,
}

/// What is served, and where it came from.
#[derive(Clone)]
pub(super) struct ServedCertificate {
    pub(super) served: Arc<Certificate>,
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

impl Effects for Live {
    fn prove(&self, adapter: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem> {
        gate::play(adapter, transcripts)
    }

    fn publish(&self, catalog: &Catalog) {
        self.tenants.publish(catalog);
    }

    fn try_certificate(&self) -> Result<(), String> {
        let Some(certificate) = &self.certificate else {
            return Ok(());
        };
        let read = Certificate::load(&certificate.chain, &certificate.key);
        read.map(drop).map_err(|fault| fault.to_string())
    }

    fn renew_certificate(&self) -> Result<(), String> {
        let Some(certificate) = &self.certificate else {
            return Ok(());
        };
        let renewed = certificate
            .served
            .reload(&certificate.chain, &certificate.key);
        renewed.map_err(|fault| fault.to_string())
    }
}
