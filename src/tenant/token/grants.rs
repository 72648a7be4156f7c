//! Tokens that say themselves what whoever shows them may do: those of administrators and of
//! vendors' consoles. They are few and rarely used, so that each look goes to the book and a
//! revoked one ends at once, in every process.

use std::sync::Arc;

use jiff::Timestamp;

use super::{AuthFault, KeyId, NoRandomness, Pepper, SecretToken, TokenDigest, TokenKind};
use crate::provisioning::memory::{MemoryError, Recall};

/// What whoever shows a token may do.
pub trait Grant: Send + Sync + 'static {
    /// The kind of its tokens.
    const KIND: TokenKind;
}

/// What is kept of one token. Times have a resolution of milliseconds.
#[derive(Clone, Debug)]
pub struct GrantRecord<G> {
    /// Which token.
    pub key_id: KeyId,
    /// What it grants, and to whom.
    pub grant: G,
    /// What a presented token must hash to.
    pub digest: TokenDigest,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// The records of one kind's tokens.
pub trait GrantBook<G>: Send + Sync {
    /// The record of a key id, whatever its state.
    fn find_grant(&self, key_id: &KeyId) -> Recall<'_, Option<GrantRecord<G>>>;

    /// Adds a token; `false` if its key id is taken.
    fn insert_grant(&self, record: GrantRecord<G>) -> Recall<'_, bool>;

    /// Ends a token for good at `at`; `false` if there is none. A revoked one keeps its first time.
    fn revoke_grant(&self, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool>;

    /// All tokens, oldest first.
    fn list_grants(&self) -> Recall<'_, Vec<GrantRecord<G>>>;
}

/// All tokens of one kind.
pub struct Grants<G> {
    book: Arc<dyn GrantBook<G>>,
    pepper: Arc<Pepper>,
}

impl<G: Grant> Grants<G> {
    /// Tokens of `book`, hashed under `pepper`.
    pub fn new(book: Arc<dyn GrantBook<G>>, pepper: Arc<Pepper>) -> Self {
        Self { book, pepper }
    }

    /// What the token `presented` (the text after `Bearer `) grants.
    ///
    /// # Errors
    /// [`AuthFault`].
    pub async fn authenticate(&self, presented: &str) -> Result<G, AuthFault> {
        let token = SecretToken::parse(G::KIND, presented);
        let token = token.map_err(|_| AuthFault::Malformed)?;
        let digest = token.digest(&self.pepper);
        let record = self.book.find_grant(token.key_id()).await;
        let record = record.map_err(|error| {
            tracing::error!(%error, kind = G::KIND.as_str(), "token look-up failed");
            AuthFault::StoreUnavailable
        })?;
        match record.filter(|record| record.digest.matches(&digest)) {
            None => Err(AuthFault::Unknown),
            Some(record) if record.revoked.is_some() => Err(AuthFault::Revoked),
            Some(record) => Ok(record.grant),
        }
    }

    /// Mints a token and notes it. This is the only time its text exists.
    ///
    /// # Errors
    /// The store or the operating system fails.
    pub async fn issue(&self, grant: G) -> Result<SecretToken, GrantFault> {
        let token = SecretToken::mint(G::KIND)?;
        let record = GrantRecord {
            key_id: token.key_id().clone(),
            grant,
            digest: token.digest(&self.pepper),
            created: Timestamp::now(),
            revoked: None,
        };
        let added = self.book.insert_grant(record).await?;
        added.then_some(token).ok_or(GrantFault::Taken)
    }

    /// Ends a token; `false` if there is none of this key id.
    ///
    /// # Errors
    /// The store could not be written; the token still works.
    pub async fn revoke(&self, key_id: &KeyId) -> Result<bool, MemoryError> {
        self.book.revoke_grant(key_id, Timestamp::now()).await
    }

    /// What is kept of each, oldest first.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn list(&self) -> Result<Vec<GrantRecord<G>>, MemoryError> {
        self.book.list_grants().await
    }
}

/// A token was not issued.
#[derive(Debug, thiserror::Error)]
pub enum GrantFault {
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
