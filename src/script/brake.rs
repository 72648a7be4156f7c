//! Scripts that run into their limits again and again are stopped before they begin: each such run
//! costs everybody CPU time, and its answer is known.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fault::{Failure, ScriptFault};
use super::origin::Place;

/// Runs in a row that end at a limit before the next is not begun.
const MOST_IN_A_ROW: u32 = 3;

/// How long none is begun then, but for one that finds out.
const PAUSE: Duration = Duration::from_secs(10);

/// The brakes of one version of a script, a tenant each. Another version starts with none.
#[derive(Debug, Default)]
pub(crate) struct Brakes {
    /// How many tenants have one: where none has, as usual, nobody waits for the lock.
    set: AtomicUsize,
    tenants: Mutex<HashMap<Box<str>, State>>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    in_a_row: u32,
    /// When the next run may begin; it is the only one until its end is known.
    next: Instant,
}

/// One tenant's brake for one version of a script.
#[derive(Clone, Debug)]
pub(crate) struct Brake {
    brakes: Arc<Brakes>,
    tenant: Box<str>,
    file: Box<str>,
}

impl Brake {
    pub(crate) fn of(brakes: &Arc<Brakes>, tenant: &str, file: &str) -> Self {
        Self {
            brakes: Arc::clone(brakes),
            tenant: tenant.into(),
            file: file.into(),
        }
    }

    /// Whose runs it is about.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whether a run may begin now.
    ///
    /// # Errors
    /// A script's fault, if the last runs all ended at a limit.
    pub(super) fn admit(&self) -> Result<(), Failure> {
        if !self.is_any_set() {
            return Ok(());
        }
        let now = Instant::now();
        let mut brakes = self.lock();
        match brakes.get_mut(&self.tenant) {
            Some(state) if state.in_a_row >= MOST_IN_A_ROW && now < state.next => {
                Err(Failure::Script(ScriptFault {
                    place: Place {
                        script: self.file.to_string(),
                        ..Place::default()
                    },
                    message: format!(
                        "the script ran into its limits {} times in a row and is tried again once in {} s",
                        state.in_a_row,
                        PAUSE.as_secs()
                    ),
                }))
            }
            Some(state) => {
                state.next = now + PAUSE;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes note of how a run ended.
    pub(super) fn record(&self, at_limit: bool) {
        if !at_limit && !self.is_any_set() {
            return;
        }
        let mut brakes = self.lock();
        if at_limit {
            let next = Instant::now() + PAUSE;
            let state = brakes
                .entry(self.tenant.clone())
                .or_insert(State { in_a_row: 0, next });
            state.in_a_row = state.in_a_row.saturating_add(1);
            state.next = next;
        } else {
            brakes.remove(&self.tenant);
        }
        self.brakes.set.store(brakes.len(), Ordering::Relaxed);
    }

    fn is_any_set(&self) -> bool {
        self.brakes.set.load(Ordering::Relaxed) > 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, State>> {
        let lock = self.brakes.tenants.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn three_runs_at_the_limit_stop_the_next_but_for_one_in_ten_seconds() {
        let brakes = Arc::default();
        let brake = Brake::of(&brakes, "acme", "v.rhai");
        for _ in 0..3 {
            brake.admit().unwrap();
            brake.record(true);
        }
        assert!(brake.admit().is_err());
        assert!(Brake::of(&brakes, "other", "v.rhai").admit().is_ok());
        advance(PAUSE).await;
        brake.admit().unwrap();
        assert!(brake.admit().is_err(), "one finds out");
        brake.record(false);
        brake.admit().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ends_well_between_starts_the_count_anew() {
        let brakes = Arc::default();
        let brake = Brake::of(&brakes, "acme", "v.rhai");
        for at_limit in [true, true, false, true, true] {
            brake.admit().unwrap();
            brake.record(at_limit);
        }
        brake.admit().unwrap();
    }
}
