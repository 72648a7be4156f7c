//! What happens often is told seldom, with how often.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Between two log lines of the same kind.
const EVERY: Duration = Duration::from_secs(10);

/// Counts what happens between two log lines.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    untold: u64,
}

impl Seldom {
    /// Counts one; how many there were since the last line, if it is time for the next.
    pub(super) fn note(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.untold += 1;
        if state.told.is_some_and(|told| told.elapsed() < EVERY) {
            return None;
        }
        state.told = Some(Instant::now());
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_line_now_and_then_and_none_is_forgotten() {
        let seldom = Seldom::default();
        assert_eq!(seldom.note(), Some(1));
        assert!((0..999).all(|_| seldom.note().is_none()));
        tokio::time::advance(EVERY).await;
        assert_eq!(seldom.note(), Some(1000));
    }
}
