//! Brings what changes in the store to what is served: tenants that somebody made, changed or
//! deleted, here, by a command or at another replica.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::catalog::Reloader;
use crate::provisioning::memory::MemoryError;
use crate::store::Store;
use crate::tenant::stored::{StoredTenant, TenantBook};
use crate::tenant::token::Tokens;

/// How often the store is asked for changes.
const EVERY: Duration = Duration::from_millis(500);
/// After how many looks the last uses of tokens are noted: once a minute.
const USES: u32 = 120;

pub(super) struct Follower {
    store: Store,
    tokens: Arc<Tokens>,
    reloader: Reloader,
    /// The last revision that was taken.
    seen: Mutex<u64>,
}

impl Follower {
    /// What was `loaded` is not taken again.
    pub(super) fn new(
        store: Store,
        tokens: Arc<Tokens>,
        reloader: Reloader,
        loaded: &[StoredTenant],
    ) -> Self {
        let seen = loaded.iter().map(|tenant| tenant.revision).max();
        Self {
            store,
            tokens,
            reloader,
            seen: Mutex::new(seen.unwrap_or_default()),
        }
    }

    /// Takes what has changed: when it returns, that is live.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn look(&self) -> Result<(), MemoryError> {
        let mut seen = self.seen.lock().await;
        let changed = self.store.tenants_since(*seen).await?;
        let Some(last) = changed.last().map(|tenant| tenant.revision) else {
            return Ok(());
        };
        let reloader = self.reloader.clone();
        let taken = spawn_blocking(move || reloader.take_stored(changed)).await;
        taken.map_err(|error| MemoryError(error.to_string()))?;
        *seen = last;
        Ok(())
    }

    /// Looks again and again, and notes the last uses of tokens. Does not end.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut fails = false;
        for round in 1_u32.. {
            sleep(EVERY).await;
            let looked = self.look().await;
            if let (Err(error), false) = (&looked, fails) {
                tracing::error!(
                    %error,
                    action = "make the store readable",
                    "changes of tenants in the store are not applied"
                );
            }
            fails = looked.is_err();
            if round % USES == 0 {
                self.tokens.note_uses().await;
            }
        }
    }

    /// Notes the last uses of tokens, before the gateway ends.
    pub(super) async fn end(&self) {
        self.tokens.note_uses().await;
    }
}
