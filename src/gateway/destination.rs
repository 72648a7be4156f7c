//! From a tenant's file to the way to its vendor.

use std::rc::Rc;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use secrecy::SecretString;

use crate::adapter::manifest::{CredentialKind, GrantKind};
use crate::tenant::{Tenant, Upstream};
use crate::vendor::{
    AccessTokens, Credential, Destination, Grant, KeyExchange, Network, OAuth2Client, Pool,
    TlsOptions, VendorState,
};

/// The way to a tenant's vendor for whoever asks beside the gateway, such as a dry run that
/// reads: with limits, connections and access tokens of its own.
pub fn way_to_vendor(tenant: &Tenant, tls: TlsOptions) -> Network {
    let state = Arc::new(VendorState::new(tenant.upstream.limits));
    let destination = destination(tenant, state, &AccessTokens::default());
    Network::new(Rc::new(Pool::new(tls)), Arc::new(destination))
}

/// Where a tenant's calls go, and how they show themselves.
pub(super) fn destination(
    tenant: &Tenant,
    state: Arc<VendorState>,
    access: &AccessTokens,
) -> Destination {
    let Upstream {
        base_url, headers, ..
    } = &tenant.upstream;
    let headers = headers.iter().filter_map(|(name, value)| {
        let pair = (
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        );
        Some(pair)
    });
    Destination {
        tenant: tenant.id.clone(),
        base_url: base_url.clone(),
        headers: headers.collect(),
        credential: credential(tenant, access),
        deadlines: tenant.adapter.manifest.deadlines,
        replies: tenant.adapter.manifest.replies.clone(),
        state,
    }
}

fn credential(tenant: &Tenant, access: &AccessTokens) -> Credential {
    let secret = |name: &str| {
        tenant
            .upstream
            .secrets
            .get(name)
            .cloned()
            .unwrap_or_else(|| SecretString::from(""))
    };
    match &tenant.upstream.credential {
        CredentialKind::Basic => Credential::Basic {
            username: secret("username"),
            password: secret("password"),
        },
        CredentialKind::Bearer => Credential::Bearer(secret("token")),
        CredentialKind::Header { header } => match HeaderName::try_from(header) {
            Ok(name) => Credential::Header {
                name,
                value: secret("key"),
            },
            Err(_) => Credential::None,
        },
        CredentialKind::KeyExchange(login) => match HeaderName::try_from(&login.header) {
            Ok(header) => {
                let value = |name: &str| match tenant.upstream.secrets.get(name) {
                    Some(secret) => secret.clone(),
                    None => tenant.settings.text(name).unwrap_or_default().into(),
                };
                let names = login.names().into_iter();
                Credential::KeyExchange(Box::new(KeyExchange {
                    header,
                    login: login.clone(),
                    values: names.map(|name| (name.to_owned(), value(name))).collect(),
                }))
            }
            Err(_) => Credential::None,
        },
        CredentialKind::OAuth2 {
            grant,
            client,
            scope,
            ..
        } => {
            let token_url = tenant.upstream.token_url.as_ref();
            let Some(token_url) = token_url.and_then(|url| url.as_str().parse().ok()) else {
                return Credential::None;
            };
            let grant = match grant {
                GrantKind::Password => Grant::Password {
                    username: secret("username"),
                    password: secret("password"),
                },
                GrantKind::ClientCredentials => Grant::ClientCredentials,
            };
            Credential::OAuth2(access.share(OAuth2Client {
                token_url,
                grant,
                place: *client,
                client_id: secret("client_id"),
                client_secret: secret("client_secret"),
                scope: scope.clone(),
            }))
        }
        CredentialKind::None => Credential::None,
    }
}
