//! The credential breaker: a refused credential is not tried again on every
//! request, or the vendor locks our service account.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::credential::Credential;

const PROBE_EVERY: Duration = Duration::from_secs(60);

/// Whether the vendor refuses a tenant's credential. Another credential, from a
/// reload, is tried at once.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    hasher: RandomState,
    refused: Mutex<Option<Refused>>,
}

#[derive(Debug)]
struct Refused {
    fingerprint: u64,
    next_probe: Instant,
}

impl Refusal {
    /// Whether a call with `credential` may go out now.
    pub(super) fn admits(&self, credential: &Credential) -> bool {
        let mut refused = self.lock();
        let Some(state) = refused.as_mut() else {
            return true;
        };
        let now = Instant::now();
        if state.fingerprint == self.fingerprint(credential) && now < state.next_probe {
            return false;
        }
        state.next_probe = now + PROBE_EVERY;
        true
    }

    /// The vendor refused `credential`; true if that is news.
    pub(super) fn refuse(&self, credential: &Credential) -> bool {
        let fingerprint = self.fingerprint(credential);
        let next_probe = Instant::now() + PROBE_EVERY;
        let before = self.lock().replace(Refused {
            fingerprint,
            next_probe,
        });
        before.is_none_or(|before| before.fingerprint != fingerprint)
    }

    /// The vendor accepted a credential.
    pub(super) fn accept(&self) {
        *self.lock() = None;
    }

    /// Whether the last credential that was judged was refused.
    pub(super) fn is_in_force(&self) -> bool {
        self.lock().is_some()
    }

    fn fingerprint(&self, credential: &Credential) -> u64 {
        credential.fingerprint(self.hasher.build_hasher())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_credential_is_tried_once_a_minute_and_a_new_one_at_once() {
        let (old, new) = (
            Credential::Bearer("old".into()),
            Credential::Bearer("new".into()),
        );
        let refusal = Refusal::default();
        assert!(refusal.admits(&old));
        assert!(refusal.refuse(&old));
        assert!(!refusal.admits(&old));
        advance(Duration::from_secs(60)).await;
        assert!(refusal.admits(&old));
        assert!(!refusal.admits(&old), "one probe a minute");
        assert!(!refusal.refuse(&old), "no news");
        assert!(refusal.admits(&new));
        refusal.accept();
        assert!(refusal.admits(&old));
    }
}
