//! The ways to authenticate calls.

use serde::Deserialize;

use crate::adapter::login::Login;

/// How the gateway shows itself to the vendor. The secret comes from the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialKind {
    /// `Authorization: Basic`: tenant secrets `username`, `password`.
    Basic,
    /// `Authorization: Bearer`: tenant secret `token`.
    Bearer,
    /// A header of its own: tenant secret `key`.
    Header {
        /// The header's name.
        header: String,
    },
    /// A key in a header of its own, given for the tenant's secrets and asked for again when it
    /// ends or is refused.
    KeyExchange(Login),
    /// OAuth 2.0 (RFC 6749): tenant secrets `client_id`, `client_secret`, and for the password
    /// grant `username`, `password`.
    #[serde(rename = "oauth2")]
    OAuth2 {
        /// How a token is asked for.
        grant: GrantKind,
        /// The token endpoint: a path below the tenant's base URL, or `{name}` for the tenant
        /// setting that holds its address.
        token_url: String,
        /// Where the client's id and secret stand.
        #[serde(default)]
        client: ClientPlace,
        /// What the token is to be good for; the endpoint's default if absent.
        scope: Option<String>,
    },
    /// None, for a vendor that trusts the network it is reached by.
    None,
}

/// How a token is asked for. A refresh token is used while there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// With the password of a service account (RFC 6749 §4.3).
    Password,
    /// With the client's own secret (RFC 6749 §4.4).
    ClientCredentials,
}

/// Where an OAuth client's id and secret stand (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientPlace {
    /// `Authorization: Basic`.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the form.
    Body,
}

impl CredentialKind {
    /// The kind as it is written in a manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Header { .. } => "header",
            Self::KeyExchange(_) => "key_exchange",
            Self::OAuth2 { .. } => "oauth2",
            Self::None => "none",
        }
    }

    /// The header of its own that carries the credential.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Header { header } => Some(header),
            Self::KeyExchange(login) => Some(&login.header),
            _ => None,
        }
    }

    /// The names of secrets, and of the settings that are sent with them.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::KeyExchange(login) => login.names().into_iter().collect(),
            other => other.fixed_secrets().to_vec(),
        }
    }

    fn fixed_secrets(&self) -> &'static [&'static str] {
        match self {
            Self::Basic => &["username", "password"],
            Self::Bearer => &["token"],
            Self::Header { .. } => &["key"],
            Self::OAuth2 {
                grant: GrantKind::Password,
                ..
            } => &["client_id", "client_secret", "username", "password"],
            Self::OAuth2 { .. } => &["client_id", "client_secret"],
            Self::None | Self::KeyExchange(_) => &[],
        }
    }
}
