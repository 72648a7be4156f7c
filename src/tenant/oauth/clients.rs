//! Who may have an access token, and whom one admits.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::time::Instant;

use super::access::{Access, AccessKey, Generation};
use crate::adapter::keys::TenantId;
use crate::tenant::token::{AuthFault, KeyId, TokenKind, Tokens};

/// How often the book is asked which secrets were revoked, at most.
const LOOK: Duration = Duration::from_millis(500);

/// How long what was read last holds while the book does not answer: by then every gateway has
/// heard of a revocation, or admits nobody.
const HOLDS: Duration = Duration::from_secs(5);

/// No access token lives longer, by whatever clock: of a secret that was revoked earlier there is
/// none left.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// The clients of all tenants.
pub struct Clients {
    tokens: Arc<Tokens>,
    key: AccessKey,
    life: Duration,
    revoked: Mutex<Revoked>,
}

/// The secrets revoked of late, as far as they were seen.
#[derive(Default)]
struct Revoked {
    ids: HashSet<KeyId>,
    /// When the book was asked last.
    asked: Option<Instant>,
    /// When it was asked last and answered.
    read: Option<Instant>,
}

/// An access token, and how long it is good.
pub struct Granted {
    /// The token. This is the only time its text exists.
    pub token: SecretString,
    /// Whole seconds from now.
    pub life: Duration,
}

impl Clients {
    /// Of the tenants whose secrets `tokens` has; access tokens live for `life`.
    pub fn new(tokens: Arc<Tokens>, life: Duration) -> Self {
        Self {
            key: AccessKey::new(tokens.subkey("access tokens")),
            tokens,
            life,
            revoked: Mutex::default(),
        }
    }

    /// Whose client shows this secret, and by what its access tokens are obtained.
    ///
    /// # Errors
    /// [`AuthFault`]; [`AuthFault::Unknown`] also where the secret is another client's.
    pub async fn identify(
        &self,
        client_id: &str,
        secret: &str,
    ) -> Result<(TenantId, Generation), AuthFault> {
        let kind = TokenKind::ClientSecret;
        let record = self.tokens.record(kind, secret).await?;
        if record.tenant.as_str() != client_id {
            return Err(AuthFault::Unknown);
        }
        let generation = Generation::Secret(record.key_id.clone());
        Ok((record.tenant.clone(), generation))
    }

    /// An access token for a client that has shown itself.
    pub fn grant(&self, tenant: TenantId, generation: Generation) -> Granted {
        let life = i64::try_from(self.life.as_secs()).unwrap_or_default();
        let access = Access {
            tenant,
            ends: Timestamp::now().as_second().saturating_add(life),
            generation,
        };
        Granted {
            token: self.key.issue(&access),
            life: self.life,
        }
    }

    /// What an access token admits to. The book is not asked about it, only which secrets were
    /// revoked: at most twice a second, whatever the number of requests. One that was obtained by
    /// assertions is good only while the tenant's [`Federation`](super::Federation) has this
    /// generation.
    ///
    /// # Errors
    /// [`AuthFault`]; [`AuthFault::StoreUnavailable`] where nobody could say for five seconds
    /// what was revoked.
    pub async fn admit(&self, presented: &str) -> Result<Access, AuthFault> {
        let access = self.key.read(presented, Timestamp::now())?;
        match &access.generation {
            Generation::Secret(key_id) if self.is_revoked(key_id).await? => Err(AuthFault::Revoked),
            _ => Ok(access),
        }
    }

    async fn is_revoked(&self, key_id: &KeyId) -> Result<bool, AuthFault> {
        let asked = Instant::now();
        if self.revoked().is_due(asked) {
            let since = Timestamp::now() - LONGEST_LIFE;
            match self.tokens.revoked_secrets(since).await {
                Ok(ids) => self.revoked().learn(ids, asked),
                Err(error) => tracing::error!(%error, "revoked secrets cannot be read"),
            }
        }
        let revoked = self.revoked();
        match revoked.holds() {
            true => Ok(revoked.ids.contains(key_id)),
            false => Err(AuthFault::StoreUnavailable),
        }
    }

    fn revoked(&self) -> MutexGuard<'_, Revoked> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Revoked {
    /// Whether whoever comes now is to ask the book. While what was read last holds, it is one
    /// for all.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = !self.holds() || self.asked.is_none_or(|asked| asked.elapsed() >= LOOK);
        if is_due {
            self.asked = Some(now);
        }
        is_due
    }

    fn holds(&self) -> bool {
        self.read.is_some_and(|read| read.elapsed() < HOLDS)
    }

    fn learn(&mut self, ids: Vec<KeyId>, asked: Instant) {
        self.ids.extend(ids);
        self.read = self.read.max(Some(asked));
    }
}
