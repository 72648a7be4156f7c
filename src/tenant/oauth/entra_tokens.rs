//! Tokens that Entra makes itself when *Secret Token* is left empty, as a tenant's file allows them.
//! Microsoft offers them for tests only. Their audience is the same for all custom applications of
//! all customers, so what tells them apart is the customer's tenant id: `tid`, and in `iss`.
//!
//! ```toml
//! [entra_tokens]
//! entra_tenant = "11111111-2222-3333-4444-555555555555"
//! ```

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::federation::{Federation, Party, Texts, is_safe, refusal};
use crate::problem::Problem;

/// The audience of all custom applications.
const AUDIENCE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
/// Entra's provisioning service, which asks for them (`appid`).
const PROVISIONING: &str = "00000014-0000-0000-c000-000000000000";

/// `[entra_tokens]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::tenant) struct EntraTokensFile {
    entra_tenant: Spanned<String>,
    /// Of an application from the gallery: its own id.
    audience: Option<String>,
    /// For Entra's national clouds.
    issuer: Option<String>,
    keys_url: Option<Spanned<String>>,
}

const TEXTS: Texts = Texts {
    issuer: "is of another issuer than entra_tokens.issuer",
    tenant: "is of another Entra tenant than entra_tokens.entra_tenant",
    audience: "is for another audience than entra_tokens.audience",
    party: "was not asked for by Entra's provisioning service",
};

impl EntraTokensFile {
    /// Checks the section.
    ///
    /// # Errors
    /// Every problem found.
    pub(in crate::tenant) fn check(self, file: &str) -> Result<Federation, Vec<Problem>> {
        let entra_tenant = super::federation::tenant_id(file, &self.entra_tenant);
        let (written, span) = match self.keys_url {
            Some(url) => (url.get_ref().clone(), url.span()),
            None => {
                let of = entra_tenant.as_ref().map_or("", String::as_str);
                let url = format!("https://login.microsoftonline.com/{of}/discovery/keys");
                (url, 0..0)
            }
        };
        let keys_url = Url::parse(&written).ok().filter(is_safe);
        let keys_url = keys_url.ok_or_else(|| {
            let message = "keys_url must be an https URL";
            let help = "write it as https://host/path, as Entra publishes it (jwks_uri)";
            refusal(file, span, message, help)
        });
        match (entra_tenant, keys_url) {
            (Ok(entra_tenant), Ok(keys_url)) => Ok(Federation {
                issuer: self
                    .issuer
                    .unwrap_or_else(|| format!("https://sts.windows.net/{entra_tenant}/")),
                entra_tenant,
                party: Party::Application(PROVISIONING.to_owned()),
                audiences: vec![self.audience.unwrap_or_else(|| AUDIENCE.to_owned())],
                keys_url,
                texts: TEXTS,
            }),
            (tenant, url) => Err(tenant.err().into_iter().chain(url.err()).collect()),
        }
    }
}

/// Whether a text has the form of such a token: nothing else that is presented has it.
pub fn is_signed(presented: &str) -> bool {
    let mut parts = presented.split('.');
    let header = parts.next().unwrap_or_default();
    header.starts_with("eyJ") && parts.filter(|part| !part.is_empty()).count() == 2
}
