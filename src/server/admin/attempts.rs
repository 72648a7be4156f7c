//! Tokens tried in vain: so many a minute from one network, then no more are
//! looked up.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::server::permits::Source;

const MOST: u32 = 10;
const SPAN: Duration = Duration::from_secs(60);
/// Networks remembered at once. More than so many guess only together.
const SOURCES: usize = 1024;

/// The failures of the last minute, by source.
#[derive(Default)]
pub(super) struct Attempts(RefCell<HashMap<Source, Failures>>);

struct Failures {
    since: Instant,
    count: u32,
}

impl Attempts {
    /// Whether this source has used up its failures.
    pub(super) fn exhausted(&self, peer: IpAddr) -> bool {
        let mut failures = self.0.borrow_mut();
        failures.retain(|_, failures| failures.since.elapsed() < SPAN);
        let mine = failures.get(&Source::of(peer));
        mine.map_or(failures.len() >= SOURCES, |mine| mine.count >= MOST)
    }

    /// Counts one failure.
    pub(super) fn failed(&self, peer: IpAddr) {
        let mut failures = self.0.borrow_mut();
        let mine = failures.entry(Source::of(peer)).or_insert(Failures {
            since: Instant::now(),
            count: 0,
        });
        mine.count += 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_a_minute_and_the_next_network_is_not_held_up() {
        let attempts = Attempts::default();
        let (one, other) = (
            "192.0.2.1".parse().unwrap(),
            "198.51.100.1".parse().unwrap(),
        );
        for _ in 0..MOST {
            assert!(!attempts.exhausted(one));
            attempts.failed(one);
        }
        assert!(attempts.exhausted(one) && !attempts.exhausted(other));
        tokio::time::advance(SPAN).await;
        assert!(!attempts.exhausted(one));
    }

    #[tokio::test(start_paused = true)]
    async fn from_very_many_networks_no_new_one_may_guess() {
        let attempts = Attempts::default();
        for number in 0..SOURCES {
            attempts.failed(IpAddr::from([10, (number / 256) as u8, number as u8, 1]));
        }
        assert!(attempts.exhausted("192.0.2.1".parse().unwrap()));
        assert!(!attempts.exhausted("10.0.0.1".parse().unwrap()));
    }
}
