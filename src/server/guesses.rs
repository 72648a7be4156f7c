//! Requests without a good token: so many from one network, then they are answered 429 and
//! counted, not told one by one. A good token is never held up by others' bad ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::permits::Source;
use super::seldom::Seldom;
use crate::limiter::Limiter;

/// A second from one network, in the long run.
const PER_SECOND: u32 = 5;
/// At once, after a quiet time.
const BURST: u32 = 100;
/// Networks remembered at once; those beyond share one allowance.
const SOURCES: usize = 4096;
/// How long a network is remembered after its last failure: by then its allowance is whole again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The failures of late, by source; shared by all worker threads.
#[derive(Clone, Default)]
pub(super) struct Guesses(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    sources: HashMap<Source, Failures>,
    beyond: Option<Failures>,
}

struct Failures {
    allowance: Limiter,
    last: Instant,
    seldom: Seldom,
}

/// One failure too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// When to come back.
    pub(super) wait: Duration,
    /// How many to tell of; nothing if it is not time to tell.
    pub(super) untold: Option<u64>,
}

impl Guesses {
    /// Counts a failure of `source`.
    ///
    /// # Errors
    /// It has used up its allowance.
    pub(super) fn failed(&self, source: Source) -> Result<(), TooMany> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        if known.sources.len() >= SOURCES {
            known
                .sources
                .retain(|_, failures| failures.last.elapsed() < REMEMBERED);
        }
        let is_full = known.sources.len() >= SOURCES && !known.sources.contains_key(&source);
        let failures = match is_full {
            true => known.beyond.get_or_insert_with(Failures::none),
            false => known.sources.entry(source).or_insert_with(Failures::none),
        };
        failures.last = Instant::now();
        failures.allowance.take().map_err(|wait| TooMany {
            wait,
            untold: failures.seldom.note(),
        })
    }
}

impl Failures {
    fn none() -> Self {
        Self {
            allowance: Limiter::per_second(PER_SECOND, BURST),
            last: Instant::now(),
            seldom: Seldom::default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(number: u32) -> Source {
        let [_, a, b, c] = number.to_be_bytes();
        Source::of(IpAddr::from([a, b, c, 1]))
    }

    #[test]
    fn a_network_has_its_allowance_and_the_next_one_its_own() {
        let guesses = Guesses::default();
        let refused = (0..BURST * 2).filter(|_| guesses.failed(source(1)).is_err());
        // It fills up while it is used.
        assert!((BURST / 2..=BURST).contains(&(refused.count() as u32)));
        assert!(guesses.failed(source(2)).is_ok());
    }

    #[test]
    fn very_many_networks_cost_no_more_memory_and_are_refused_together() {
        let guesses = Guesses::default();
        for number in 0..SOURCES as u32 * 2 {
            let _ = guesses.failed(source(number));
        }
        assert_eq!(guesses.0.lock().unwrap().sources.len(), SOURCES);
        assert!(guesses.failed(source(SOURCES as u32 * 3)).is_err());
        assert!(guesses.failed(source(1)).is_ok());
    }
}
