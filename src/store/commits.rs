//! Whether the store takes writes, as the last ones showed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How long a commit proves that the next one will succeed.
const FRESH: Duration = Duration::from_secs(1);

/// What the last write came to.
#[derive(Debug, Default)]
pub(super) struct Commits(Mutex<Option<Result<Instant, ()>>>);

impl Commits {
    /// A write was committed, or failed.
    pub(super) fn note(&self, committed: bool) {
        let last = match committed {
            true => Ok(Instant::now()),
            false => Err(()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// Whether one was committed within the last second, and none failed since.
    pub(super) fn is_fresh(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(last, Some(Ok(at)) if at.elapsed() < FRESH)
    }

    /// Whether the last one did not fail.
    pub(super) fn is_good(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last != Some(Err(()))
    }
}
