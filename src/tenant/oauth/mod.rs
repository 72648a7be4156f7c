//! OAuth 2.0 in front (RFC 6749 §4.4): a tenant's client shows a secret, or an assertion of its
//! identity provider ([`federation`]), and is given access tokens, which admit what the tenant's
//! bearer token admits. Where a tenant's file allows it, Entra's own tokens do so too
//! ([`entra_tokens`]).
//!
//! A tenant has one client, and its id is the tenant's name: an id is no secret (RFC 6749 §2.2).
//! Its secrets are kept as tokens are ([`super::token`]). Access tokens are not kept at all:
//! [`access`] writes into each what it is worth, under a key that is derived from the pepper.
//! What a token was obtained by is its generation: when that ends, the token ends.

mod access;
mod clients;
pub(super) mod entra_tokens;
pub(super) mod federation;
mod keys;

#[cfg(test)]
mod tests;

pub use access::{Access, Generation, is_access};
pub use clients::{Clients, Granted};
pub use entra_tokens::is_signed;
pub use federation::Federation;
pub use keys::{Fetched, KeySource, Keys};

/// A client as it shows itself at the token endpoint.
pub struct Claim<'a> {
    /// Who it says it is.
    pub client_id: &'a str,
    /// What it shows for it.
    pub proof: Proof<'a>,
}

/// What a client shows.
pub enum Proof<'a> {
    /// One of its secrets.
    Secret(&'a str),
    /// What its identity provider says of it (RFC 7523 §2.2).
    Assertion(&'a str),
}

/// Behind the Tenant URL: the tenant's token endpoint.
pub const TOKEN_PATH: &str = "/oauth2/token";
