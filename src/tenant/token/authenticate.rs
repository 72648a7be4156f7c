//! From a presented text to the tenant it speaks for.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;

use super::grants::{Grant, GrantBook, Grants};
use super::{
    BookFault, KeyId, LocalPass, NoRandomness, Pepper, SecretToken, TokenBook, TokenDigest,
    TokenKind, TokenRecord,
};
use crate::adapter::keys::TenantId;
use crate::limiter::Limiter;
use crate::provisioning::memory::MemoryError;

/// How long a look-up is good for, and so how long a revoked token may still
/// work in another process.
const TTL: Duration = Duration::from_secs(1);

/// Key ids remembered at most, found or not; a record takes about 200 bytes.
const CACHED: u64 = 10_000;

/// Key ids that are not known to exist and are looked up all the same, a second and at once: what
/// was minted a moment ago works at once. Beyond that all key ids are read together, once a
/// [`TTL`], and guesses cost no look of their own.
const STRAYS: (u32, u32) = (20, 50);

/// How long a client secret may be valid, in days, and how long it is if nobody says: Entra's
/// gallery wants an end in one to three years.
const SECRET_DAYS: std::ops::RangeInclusive<i64> = 365..=1096;
const USUAL_DAYS: i64 = 730;

/// Why nobody is admitted. The caller's faults are the same 401 outside, and our
/// log tells them apart; ours are never a 401, for which Entra would stop the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthFault {
    /// No token of ours: cut off or mistyped.
    #[error("the token is malformed")]
    Malformed,
    /// No such token, or another secret under its key id.
    #[error("the token is unknown")]
    Unknown,
    /// It was revoked.
    #[error("the token is revoked")]
    Revoked,
    /// It is past its end.
    #[error("the token has expired")]
    Expired,
    /// It was made with another pepper: this gateway does not know it.
    #[error("unknown here: made with another pepper")]
    OtherPepper,
    /// An assertion is not what the tenant's file asks for; in which way.
    #[error("the assertion {0}")]
    Assertion(&'static str),
    /// The keys of the tenant's identity provider cannot be had: no fault of the caller.
    #[error("the identity provider's keys cannot be fetched now")]
    KeysUnavailable,
    /// The store did not answer: a fault of ours.
    #[error("tokens cannot be looked up now")]
    StoreUnavailable,
    /// The tenant is there, and its files cannot be used: a fault of ours.
    #[error("the tenant could not be loaded")]
    TenantUnavailable,
}

/// All tokens, with a short memory in front of the book.
pub struct Tokens {
    book: Arc<dyn TokenBook>,
    pepper: Arc<Pepper>,
    nobody: TokenDigest,
    /// The one cache whose key has no tenant: it is the token that says which.
    seen: Cache<KeyId, Seen>,
    /// The key ids that exist, as far as they were seen.
    known: Mutex<HashSet<KeyId>>,
    /// When all were read. Whoever comes meanwhile waits: a good token is never a 401.
    read: tokio::sync::Mutex<Option<Instant>>,
    strays: Limiter,
    /// When tokens last opened their doors, until the book is told.
    uses: Mutex<HashMap<KeyId, Timestamp>>,
}

#[derive(Clone)]
struct Seen {
    asked: Instant,
    record: Option<Arc<TokenRecord>>,
    /// Whether it has opened its door since it was asked for: one note a second is enough.
    used: Arc<AtomicBool>,
}

impl Seen {
    fn now(asked: Instant, record: Option<Arc<TokenRecord>>) -> Self {
        Self {
            asked,
            record,
            used: Arc::default(),
        }
    }
}

impl Tokens {
    /// A key derived from the pepper; no token's digest is made with it.
    pub fn derived_key(&self, purpose: &str) -> [u8; 32] {
        // No token begins with this prefix.
        self.pepper.derived(&format!("key for {purpose}"))
    }

    /// A key of that kind, as long as the pepper.
    pub(in crate::tenant) fn subkey(&self, purpose: &str) -> Pepper {
        self.pepper.subkey(&format!("key for {purpose}"))
    }

    /// The passes of whoever may read the pepper.
    pub fn local_pass(&self) -> LocalPass {
        LocalPass::of(&self.pepper)
    }

    /// The administrators' or consoles' tokens of `book`, hashed under the same pepper.
    pub fn grants<G: Grant>(&self, book: Arc<dyn GrantBook<G>>) -> Grants<G> {
        Grants::new(book, Arc::clone(&self.pepper))
    }

    /// Tokens of `book`, hashed under `pepper`.
    pub fn new(book: Arc<dyn TokenBook>, pepper: impl Into<Arc<Pepper>>) -> Self {
        Self {
            book,
            pepper: pepper.into(),
            nobody: TokenDigest::from_bytes([0; 32]),
            seen: Cache::builder()
                .max_capacity(CACHED)
                .time_to_live(TTL)
                .build(),
            known: Mutex::default(),
            read: tokio::sync::Mutex::default(),
            strays: Limiter::per_second(STRAYS.0, STRAYS.1),
            uses: Mutex::default(),
        }
    }

    /// The tenant that `presented` (the text after `Bearer `) speaks for.
    ///
    /// # Errors
    /// [`AuthFault`]; the answer takes the same work for a known and an unknown key id.
    pub async fn authenticate(&self, presented: &str) -> Result<TenantId, AuthFault> {
        let record = self.record(TokenKind::Tenant, presented).await?;
        Ok(record.tenant.clone())
    }

    /// The record of a token of this kind that opens its door now.
    pub(in crate::tenant) async fn record(
        &self,
        kind: TokenKind,
        presented: &str,
    ) -> Result<Arc<TokenRecord>, AuthFault> {
        let token = SecretToken::parse(kind, presented).map_err(|fault| {
            tracing::debug!(reason = %fault, "malformed token");
            AuthFault::Malformed
        })?;
        let digest = token.digest(&self.pepper);
        let Seen { record, used, .. } = self.find(token.key_id()).await.map_err(|error| {
            tracing::error!(%error, "token look-up failed");
            AuthFault::StoreUnavailable
        })?;
        let expected = record.as_ref().map_or(&self.nobody, |found| &found.digest);
        match (digest.matches(expected), record) {
            (true, Some(found)) => {
                let now = Timestamp::now();
                found.standing(now)?;
                if !used.swap(true, Ordering::Relaxed) {
                    self.uses().insert(found.key_id.clone(), now);
                }
                Ok(found)
            }
            _ => Err(AuthFault::Unknown),
        }
    }

    /// The tenant whose token or client secret has the key id of `presented`, which need not be
    /// good. Only for counting; it opens nothing.
    pub async fn named_by(&self, presented: &str) -> Option<TenantId> {
        let token = [TokenKind::Tenant, TokenKind::ClientSecret];
        let mut token = token
            .map(|kind| SecretToken::parse(kind, presented))
            .into_iter();
        let token = token.find_map(Result::ok)?;
        let record = self.find(token.key_id()).await.ok()?.record?;
        Some(record.tenant.clone())
    }

    /// Tells the book when tokens were last used. What it does not take is told the next time.
    pub async fn note_uses(&self) {
        let uses = std::mem::take(&mut *self.uses());
        if uses.is_empty() {
            return;
        }
        let told: Vec<_> = uses.iter().map(|(key, at)| (key.clone(), *at)).collect();
        if let Err(error) = self.book.note_uses(told).await {
            tracing::warn!(%error, "the last uses of tokens could not be stored");
            let mut later = self.uses();
            uses.into_iter().for_each(|(key, at)| {
                later.entry(key).or_insert(at);
            });
        }
    }

    /// Mints a token for `tenant` and notes it. This is the only time its text exists.
    ///
    /// # Errors
    /// The tenant has enough tokens, or the store or the operating system fails.
    pub async fn issue(
        &self,
        tenant: TenantId,
        expires: Option<Timestamp>,
    ) -> Result<SecretToken, IssueFault> {
        self.note(SecretToken::mint(TokenKind::Tenant)?, tenant, expires)
            .await
    }

    /// Mints a secret for the OAuth client of `tenant` and notes it; with the time at which it
    /// ends, in two years if nobody says.
    ///
    /// # Errors
    /// As [`issue`](Self::issue), and the secret must end in one to three years.
    pub async fn issue_secret(
        &self,
        tenant: TenantId,
        expires: Option<Timestamp>,
    ) -> Result<(SecretToken, Timestamp), IssueFault> {
        let days = |days: i64| Timestamp::now() + SignedDuration::from_hours(days * 24);
        let expires = expires.unwrap_or_else(|| days(USUAL_DAYS));
        // Somebody may have written the days a moment ago.
        let first = days(*SECRET_DAYS.start()) - SignedDuration::from_mins(5);
        if expires < first || expires > days(*SECRET_DAYS.end()) {
            return Err(IssueFault::SecretLife);
        }
        let secret = SecretToken::mint(TokenKind::ClientSecret)?;
        let secret = self.note(secret, tenant, Some(expires)).await?;
        Ok((secret, expires))
    }

    async fn note(
        &self,
        token: SecretToken,
        tenant: TenantId,
        expires: Option<Timestamp>,
    ) -> Result<SecretToken, IssueFault> {
        let record = TokenRecord::new(&token, &self.pepper, tenant, Timestamp::now(), expires);
        self.book.insert(record).await.map_err(BookFault::from)??;
        self.seen.invalidate(token.key_id());
        Ok(token)
    }

    /// The key ids of client secrets that were revoked at `since` or later.
    pub(in crate::tenant) async fn revoked_secrets(
        &self,
        since: Timestamp,
    ) -> Result<Vec<KeyId>, MemoryError> {
        self.book.revoked_secrets(since).await
    }

    /// Ends a token: at once in this process, within a second in others.
    /// `false` if the tenant has no such token.
    ///
    /// # Errors
    /// The store could not be written; the token still works.
    pub async fn revoke(&self, tenant: &TenantId, key_id: &KeyId) -> Result<bool, MemoryError> {
        let found = self.book.revoke(tenant, key_id, Timestamp::now()).await?;
        self.seen.invalidate(key_id);
        Ok(found)
    }

    /// All tokens and client secrets of a tenant, oldest first: what is kept of them, for nothing
    /// leads back to their text.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<TokenRecord>, MemoryError> {
        self.book.list(tenant).await
    }

    /// Whether a token of this record admits anybody at `now`.
    ///
    /// # Errors
    /// As [`TokenRecord::standing`]; [`AuthFault::OtherPepper`].
    pub fn standing(&self, record: &TokenRecord, now: Timestamp) -> Result<(), AuthFault> {
        record.standing(now)?;
        match &record.pepper {
            Some(mark) if *mark != self.pepper.mark() => Err(AuthFault::OtherPepper),
            _ => Ok(()),
        }
    }

    async fn find(&self, key_id: &KeyId) -> Result<Seen, MemoryError> {
        // A look-up that was under way while the token was revoked is stored
        // after the revocation; counting from its start keeps the promise of
        // one second all the same.
        if let Some(seen) = self
            .seen
            .get(key_id)
            .filter(|seen| seen.asked.elapsed() < TTL)
        {
            return Ok(seen);
        }
        if !self.is_worth_a_look(key_id).await? {
            return Ok(Seen::now(Instant::now(), None));
        }
        let asked = Instant::now();
        let record = self.book.find(key_id).await?.map(Arc::new);
        if record.is_some() {
            self.known().insert(key_id.clone());
        }
        let seen = Seen::now(asked, record);
        self.seen.insert(key_id.clone(), seen.clone());
        Ok(seen)
    }

    /// Whether there may be a token of this key id. Whoever invents key ids by the thousand has
    /// the store read once a second, not once a guess.
    async fn is_worth_a_look(&self, key_id: &KeyId) -> Result<bool, MemoryError> {
        if self.known().contains(key_id) || self.strays.take().is_ok() {
            return Ok(true);
        }
        let mut read = self.read.lock().await;
        if read.is_none_or(|read| read.elapsed() >= TTL) {
            let ids = self.book.key_ids().await?;
            self.known().extend(ids);
            *read = Some(Instant::now());
        }
        Ok(self.known().contains(key_id))
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Timestamp>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, HashSet<KeyId>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueFault {
    /// The book refused it, or could not be written.
    #[error(transparent)]
    Book(#[from] BookFault),
    /// There is no randomness to make one of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A client secret would end too early or too late.
    #[error(
        "a client secret ends after {} to {} days; leave its end out for {USUAL_DAYS} days",
        SECRET_DAYS.start(),
        SECRET_DAYS.end()
    )]
    SecretLife,
}
