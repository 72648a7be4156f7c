//! Where the records of tokens are kept: the trait that `store` implements.

use jiff::Timestamp;

use super::{AuthFault, KeyId, Pepper, SecretToken, TokenDigest, TokenKind};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::{MemoryError, Recall};

/// Tokens of one tenant and kind that may work at the same time: two for a rotation,
/// and one for the rotation that was never finished.
pub const LIVE_TOKENS: u32 = 3;

/// What is kept of one token. Times have a resolution of milliseconds.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// Which token.
    pub key_id: KeyId,
    /// Which door it opens: a tenant's or a client's.
    pub kind: TokenKind,
    /// Whose requests it admits.
    pub tenant: TenantId,
    /// What a presented token must hash to.
    pub digest: TokenDigest,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops to work; `None`, the default, is never: Entra puts a job
    /// with an expired token into quarantine.
    pub expires: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
    /// When it last opened its door, to within two minutes.
    pub used: Option<Timestamp>,
    /// [`Pepper::mark`] of the pepper that it was made with, if that is known.
    pub pepper: Option<String>,
}

impl TokenRecord {
    /// The record of a token that was minted at `created`.
    pub fn new(
        token: &SecretToken,
        pepper: &Pepper,
        tenant: TenantId,
        created: Timestamp,
        expires: Option<Timestamp>,
    ) -> Self {
        Self {
            key_id: token.key_id().clone(),
            kind: token.kind(),
            tenant,
            digest: token.digest(pepper),
            created,
            expires,
            revoked: None,
            used: None,
            pepper: Some(pepper.mark()),
        }
    }

    /// Whether the token admits anybody at `now`.
    ///
    /// # Errors
    /// [`AuthFault::Revoked`] or [`AuthFault::Expired`].
    pub fn standing(&self, now: Timestamp) -> Result<(), AuthFault> {
        if self.revoked.is_some() {
            return Err(AuthFault::Revoked);
        }
        match self.expires {
            Some(end) if end <= now => Err(AuthFault::Expired),
            _ => Ok(()),
        }
    }
}

/// A token was not added.
#[derive(Debug, thiserror::Error)]
pub enum BookFault {
    /// The tenant has [`LIVE_TOKENS`] of this kind that work.
    #[error(
        "tenant {0} has {LIVE_TOKENS} of this kind that work; revoke one first (`scimgate token list`, `token revoke`)"
    )]
    TooMany(TenantId),
    /// Another token has this key id (one chance in 10^14): mint again.
    #[error("the key id {0} is taken; mint again")]
    Taken(KeyId),
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] MemoryError),
}

/// The records of all tokens.
pub trait TokenBook: Send + Sync {
    /// The key ids of all tokens, whatever their state.
    fn key_ids(&self) -> Recall<'_, Vec<KeyId>>;

    /// The record of a key id, whatever its state.
    fn find(&self, key_id: &KeyId) -> Recall<'_, Option<TokenRecord>>;

    /// Adds a token. The inner error says why it was refused and nothing changed.
    fn insert(&self, record: TokenRecord) -> Recall<'_, Result<(), BookFault>>;

    /// Ends a tenant's token for good at `at`; `false` if the tenant has no
    /// such token. A revoked one keeps its first time.
    fn revoke(&self, tenant: &TenantId, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool>;

    /// Notes when tokens last opened their doors; a later time stays.
    fn note_uses(&self, uses: Vec<(KeyId, Timestamp)>) -> Recall<'_, ()>;

    /// The key ids of the client secrets that were revoked at `since` or later.
    fn revoked_secrets(&self, since: Timestamp) -> Recall<'_, Vec<KeyId>>;

    /// All tokens of a tenant, of both kinds, oldest first.
    fn list(&self, tenant: &TenantId) -> Recall<'_, Vec<TokenRecord>>;
}
