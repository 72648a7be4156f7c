//! Tokens of vendors' consoles: `scn_…`. One makes and rotates tenants of one adapter, within a
//! template that the operator gave, and opens no other door.

use std::sync::Arc;

use jiff::Timestamp;

use super::admin::{AdminFault, AdminName};
use super::{AuthFault, KeyId, Pepper, SecretToken, TokenDigest, TokenKind};
use crate::provisioning::memory::{MemoryError, Recall};

/// What is kept of one token. Times have a resolution of milliseconds.
#[derive(Clone, Debug)]
pub struct OnboardingRecord {
    /// Which token.
    pub key_id: KeyId,
    /// Whose, for the audit.
    pub name: AdminName,
    /// The one adapter whose tenants it makes.
    pub adapter: String,
    /// What all of its tenants have and no request changes: a part of a tenant's file.
    pub template: String,
    /// What a presented token must hash to.
    pub digest: TokenDigest,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// What whoever shows a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Whose token it is.
    pub name: AdminName,
    /// As of [`OnboardingRecord`].
    pub adapter: String,
    /// As of [`OnboardingRecord`].
    pub template: String,
}

/// The records of vendors' consoles.
pub trait OnboardingBook: Send + Sync {
    /// The record of a key id, whatever its state.
    fn find_onboarding(&self, key_id: &KeyId) -> Recall<'_, Option<OnboardingRecord>>;

    /// Adds a token; `false` if its key id is taken.
    fn insert_onboarding(&self, record: OnboardingRecord) -> Recall<'_, bool>;

    /// Ends a token for good at `at`; `false` if there is none. A revoked one keeps its first time.
    fn revoke_onboarding(&self, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool>;

    /// All tokens, oldest first.
    fn list_onboarding(&self) -> Recall<'_, Vec<OnboardingRecord>>;
}

/// All tokens of vendors' consoles. As with those of administrators, each look goes to the book.
pub struct OnboardingTokens {
    book: Arc<dyn OnboardingBook>,
    pepper: Arc<Pepper>,
}

impl OnboardingTokens {
    /// Tokens of `book`, hashed under `pepper`.
    pub fn new(book: Arc<dyn OnboardingBook>, pepper: Arc<Pepper>) -> Self {
        Self { book, pepper }
    }

    /// What the token `presented` (the text after `Bearer `) may do.
    ///
    /// # Errors
    /// [`AuthFault`].
    pub async fn authenticate(&self, presented: &str) -> Result<Scope, AuthFault> {
        let token = SecretToken::parse(TokenKind::Onboarding, presented);
        let token = token.map_err(|_| AuthFault::Malformed)?;
        let digest = token.digest(&self.pepper);
        let record = self.book.find_onboarding(token.key_id()).await;
        let record = record.map_err(|error| {
            tracing::error!(%error, "onboarding token look-up failed");
            AuthFault::StoreUnavailable
        })?;
        match record.filter(|record| record.digest.matches(&digest)) {
            None => Err(AuthFault::Unknown),
            Some(record) if record.revoked.is_some() => Err(AuthFault::Revoked),
            Some(OnboardingRecord {
                name,
                adapter,
                template,
                ..
            }) => Ok(Scope {
                name,
                adapter,
                template,
            }),
        }
    }

    /// Mints a token and notes it. This is the only time its text exists.
    ///
    /// # Errors
    /// The store or the operating system fails.
    pub async fn issue(
        &self,
        name: AdminName,
        adapter: String,
        template: String,
    ) -> Result<SecretToken, AdminFault> {
        let token = SecretToken::mint(TokenKind::Onboarding)?;
        let record = OnboardingRecord {
            key_id: token.key_id().clone(),
            name,
            adapter,
            template,
            digest: token.digest(&self.pepper),
            created: Timestamp::now(),
            revoked: None,
        };
        let added = self.book.insert_onboarding(record).await?;
        added.then_some(token).ok_or(AdminFault::Taken)
    }

    /// Ends a token; `false` if there is none of this key id.
    ///
    /// # Errors
    /// The store could not be written; the token still works.
    pub async fn revoke(&self, key_id: &KeyId) -> Result<bool, MemoryError> {
        self.book.revoke_onboarding(key_id, Timestamp::now()).await
    }

    /// What is kept of each, oldest first.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn list(&self) -> Result<Vec<OnboardingRecord>, MemoryError> {
        self.book.list_onboarding().await
    }
}
