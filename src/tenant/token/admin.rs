//! Tokens of those who administer the gateway: `sca_…`, each with a name for
//! the audit and a role.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AuthFault, KeyId, LocalPass, NoRandomness, Pepper, SecretToken, TokenDigest, TokenKind,
};
use crate::provisioning::memory::{MemoryError, Recall};

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks: status, events, configuration.
    Viewer,
    /// Runs the place: reloads, tries requests out, makes and ends tenants' tokens.
    Operator,
    /// Decides what is served, also where a guard says no.
    Editor,
}

impl Role {
    /// All, from the least on.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Editor];

    /// `viewer`, `operator` or `editor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Editor => "editor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is viewer, operator or editor")]
pub struct NoRole;

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.as_str() == text).ok_or(NoRole)
    }
}

const LOCAL: &str = "local";

/// Who administers: 1 to 64 letters, digits, `.`, `-`, `_` or `@`. It stands in
/// every line of the audit, where `local` is whoever works on the host itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminName(Arc<str>);

impl AdminName {
    /// What a name may be, for whoever gave another.
    pub const FORM: &str = "a name is 1 to 64 letters, digits and . - _ @, and not `local`, \
        which the audit calls whoever works on the gateway's host";

    /// Takes `text` if it is such a name; `None` otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
        let is_name = (1..=64).contains(&text.len()) && text.chars().all(fits) && text != LOCAL;
        is_name.then(|| Self(text.into()))
    }

    /// Whoever may read the gateway's pepper.
    pub fn local() -> Self {
        Self(LOCAL.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdminName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who asks at the admin port, and what he may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// As it was given when the token was made.
    pub name: AdminName,
    /// What he may do.
    pub role: Role,
}

impl Actor {
    /// Whoever may read the gateway's pepper may do everything.
    pub fn local() -> Self {
        Self {
            name: AdminName::local(),
            role: Role::Editor,
        }
    }
}

/// What is kept of one administrator's token. Times have a resolution of milliseconds.
#[derive(Clone, Debug)]
pub struct AdminRecord {
    /// Which token.
    pub key_id: KeyId,
    /// Whose.
    pub name: AdminName,
    /// What it may do.
    pub role: Role,
    /// What a presented token must hash to.
    pub digest: TokenDigest,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// The records of administrators' tokens.
pub trait AdminBook: Send + Sync {
    /// The record of a key id, whatever its state.
    fn find_admin(&self, key_id: &KeyId) -> Recall<'_, Option<AdminRecord>>;

    /// Adds a token; `false` if its key id is taken.
    fn insert_admin(&self, record: AdminRecord) -> Recall<'_, bool>;

    /// Ends a token for good at `at`; `false` if there is none. A revoked one keeps its first time.
    fn revoke_admin(&self, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool>;

    /// All tokens, oldest first.
    fn list_admins(&self) -> Recall<'_, Vec<AdminRecord>>;
}

/// All administrators' tokens. They are few and rarely used, so that each look
/// goes to the book and a revoked one ends at once, in every process.
pub struct AdminTokens {
    book: Arc<dyn AdminBook>,
    pepper: Arc<Pepper>,
    local: LocalPass,
}

impl AdminTokens {
    /// Tokens of `book`, hashed under `pepper`.
    pub fn new(book: Arc<dyn AdminBook>, pepper: Arc<Pepper>) -> Self {
        let local = LocalPass::of(&pepper);
        Self {
            book,
            pepper,
            local,
        }
    }

    /// Whoever presents a [`LocalPass`]; nothing is looked up for it.
    pub fn local(&self, presented: &str) -> Option<Actor> {
        let admitted = self.local.admits(presented, Timestamp::now());
        admitted.then(Actor::local)
    }

    /// Whose token `presented` (the text after `Bearer `) is.
    ///
    /// # Errors
    /// [`AuthFault`].
    pub async fn authenticate(&self, presented: &str) -> Result<Actor, AuthFault> {
        let token = SecretToken::parse(TokenKind::Admin, presented);
        let token = token.map_err(|_| AuthFault::Malformed)?;
        let digest = token.digest(&self.pepper);
        let record = self.book.find_admin(token.key_id()).await;
        let record = record.map_err(|error| {
            tracing::error!(%error, "admin token look-up failed");
            AuthFault::StoreUnavailable
        })?;
        match record.filter(|record| record.digest.matches(&digest)) {
            None => Err(AuthFault::Unknown),
            Some(record) if record.revoked.is_some() => Err(AuthFault::Revoked),
            Some(AdminRecord { name, role, .. }) => Ok(Actor { name, role }),
        }
    }

    /// Mints a token and notes it. This is the only time its text exists.
    ///
    /// # Errors
    /// The store or the operating system fails.
    pub async fn issue(&self, name: AdminName, role: Role) -> Result<SecretToken, AdminFault> {
        let token = SecretToken::mint(TokenKind::Admin)?;
        let record = AdminRecord {
            key_id: token.key_id().clone(),
            name,
            role,
            digest: token.digest(&self.pepper),
            created: Timestamp::now(),
            revoked: None,
        };
        let added = self.book.insert_admin(record).await?;
        added.then_some(token).ok_or(AdminFault::Taken)
    }

    /// Ends a token; `false` if there is none of this key id.
    ///
    /// # Errors
    /// The store could not be written; the token still works.
    pub async fn revoke(&self, key_id: &KeyId) -> Result<bool, MemoryError> {
        self.book.revoke_admin(key_id, Timestamp::now()).await
    }

    /// What is kept of each, oldest first.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn list(&self) -> Result<Vec<AdminRecord>, MemoryError> {
        self.book.list_admins().await
    }
}

/// A token was not issued.
#[derive(Debug, thiserror::Error)]
pub enum AdminFault {
    /// Another token has its key id (one chance in 10^14).
    #[error("the key id is taken; mint again")]
    Taken,
    /// There is no randomness to make one of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] MemoryError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_nobody_elses() {
        let long = "a".repeat(65);
        for (text, expect) in [
            ("anna", true),
            ("a.smith-1_x@example.com", true),
            ("", false),
            (long.as_str(), false),
            ("anna smith", false),
            ("anna\n", false),
            ("ännä", false),
            ("local", false),
        ] {
            assert_eq!(AdminName::parse(text).is_some(), expect, "{text:?}");
        }
    }
}
