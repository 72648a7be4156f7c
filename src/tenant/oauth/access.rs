//! The text of an access token: what it is worth, and a proof that we have said so.
//!
//! ```text
//! sco_acme.1795161600.s3kTq9ZbX.<43 characters: HMAC-SHA256 of what stands before>
//! ```
//!
//! Whose it is, the second in which it ends, and what it was obtained by.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::adapter::keys::TenantId;
use crate::tenant::token::{AuthFault, KeyId, Pepper, base62};

const PREFIX: &str = "sco_";
const PROOF: usize = 43;
/// The longest text: prefix, a tenant's name, a time, a generation, a proof.
const LONGEST: usize = 160;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose requests it admits; the id of the client it was given to.
    pub tenant: TenantId,
    /// When it ends, in seconds since 1970-01-01 UTC.
    pub ends: i64,
    /// What it was obtained by.
    pub generation: Generation,
}

/// What an access token was obtained by, and ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generation {
    /// A client secret, by its key id.
    Secret(KeyId),
    /// Assertions, by a name of whoever makes them.
    Federation(KeyId),
}

impl Generation {
    fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_at_checked(1)?;
        match kind {
            "s" => KeyId::parse(id).map(Self::Secret),
            "f" => KeyId::parse(id).map(Self::Federation),
            _ => None,
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(key_id) => write!(f, "s{key_id}"),
            Self::Federation(name) => write!(f, "f{name}"),
        }
    }
}

/// Makes and tests access tokens.
pub(super) struct AccessKey(Pepper);

impl AccessKey {
    pub(super) fn new(key: Pepper) -> Self {
        Self(key)
    }

    pub(super) fn issue(&self, access: &Access) -> SecretString {
        let Access {
            tenant,
            ends,
            generation,
        } = access;
        let said = format!("{PREFIX}{tenant}.{ends}.{generation}");
        let proof = self.proof(&said);
        format!("{said}.{proof}").into()
    }

    /// What `presented` says, if it is of ours and has not ended at `now`.
    pub(super) fn read(&self, presented: &str, now: Timestamp) -> Result<Access, AuthFault> {
        let parts = presented.rsplit_once('.');
        let parts = parts.filter(|_| presented.len() <= LONGEST && is_access(presented));
        let (said, proof) = parts.ok_or(AuthFault::Malformed)?;
        let genuine: bool = proof.as_bytes().ct_eq(self.proof(said).as_bytes()).into();
        if !genuine {
            return Err(AuthFault::Unknown);
        }
        let access = parse(said).ok_or(AuthFault::Malformed)?;
        match now.as_second() < access.ends {
            true => Ok(access),
            false => Err(AuthFault::Expired),
        }
    }

    fn proof(&self, said: &str) -> String {
        base62::digits(&self.0.derived(said), PROOF)
    }
}

/// Whether a text claims to be an access token.
pub fn is_access(presented: &str) -> bool {
    presented.starts_with(PREFIX)
}

fn parse(said: &str) -> Option<Access> {
    let mut parts = said.strip_prefix(PREFIX)?.split('.');
    let access = Access {
        tenant: TenantId::parse(parts.next()?)?,
        ends: parts.next()?.parse().ok()?,
        generation: Generation::parse(parts.next()?)?,
    };
    parts.next().is_none().then_some(access)
}
