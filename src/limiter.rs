//! How often something may happen: a token bucket.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// A bucket of tokens. Every number counts as one at least.
#[derive(Debug)]
pub struct Limiter(DefaultDirectRateLimiter);

impl Limiter {
    /// So many a second in the long run, and `burst` at once after a pause.
    pub fn per_second(rate: u32, burst: u32) -> Self {
        let quota = Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst));
        Self(RateLimiter::direct(quota))
    }

    /// Never more than so many in any sixty seconds.
    pub fn per_minute(limit: u32) -> Self {
        Self(RateLimiter::direct(minute(limit)))
    }

    /// Takes a token; `Err` is how long until there is one.
    pub fn take(&self) -> Result<(), Duration> {
        let taken = self.0.check();
        taken.map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }
}

/// A bucket holding `limit` and filling by `limit` a minute lets twice the limit
/// through in its first minute; vendors count minutes. A tenth at once and nine
/// tenths spread out never exceed the limit in any sixty seconds.
fn minute(limit: u32) -> Quota {
    let burst = at_least_one(limit / 10);
    let spread = at_least_one(limit.saturating_sub(burst.get()));
    Quota::per_minute(spread).allow_burst(burst)
}

fn at_least_one(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_ever_sees_more_than_its_limit() {
        for limit in [1, 2, 9, 10, 60, 61, 1_000] {
            let quota = minute(limit);
            let period = quota.replenish_interval();
            let in_a_minute =
                Duration::from_secs(60).as_nanos().saturating_sub(1) / period.as_nanos();
            assert!(
                u128::from(quota.burst_size().get()) + in_a_minute <= u128::from(limit),
                "{limit}"
            );
        }
    }
}
