//! How fast a tenant's calls go out.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::adapter::manifest::Limits;
use crate::script::call::CallFault;

/// The token buckets of one tenant.
#[derive(Debug)]
pub(super) struct Rate {
    buckets: Vec<DefaultDirectRateLimiter>,
    /// Whoever waits for a token holds this, so that calls go out in the order
    /// they came and one sleeper wakes at a time.
    turn: Mutex<()>,
}

impl Rate {
    pub(super) fn new(limits: &Limits) -> Self {
        let minute = limits.per_minute.map(per_minute);
        let second = limits.per_second.map(|n| per_second(n, limits.burst));
        // The minute first: its waits are long, and a token of the second
        // should be used in the second it was taken.
        let quotas = minute.into_iter().chain(second);
        Self {
            buckets: quotas.map(RateLimiter::direct).collect(),
            turn: Mutex::new(()),
        }
    }

    /// Waits until one call may go out. `Busy` at once if that is after the
    /// deadline, with the time to wait.
    pub(super) async fn take(&self, deadline: Instant) -> Result<(), CallFault> {
        if self.buckets.is_empty() {
            return Ok(());
        }
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else {
            return Err(busy(Duration::from_secs(1)));
        };
        for bucket in &self.buckets {
            while let Err(not_until) = bucket.check() {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                if Instant::now() + wait >= deadline {
                    return Err(busy(wait));
                }
                sleep(wait).await;
            }
        }
        Ok(())
    }
}

fn busy(wait: Duration) -> CallFault {
    CallFault::Busy {
        retry_after: Some(wait),
    }
}

fn per_second(rate: u32, burst: Option<u32>) -> Quota {
    Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst.unwrap_or(rate)))
}

/// A bucket holding `limit` and filling by `limit` a minute lets twice the limit
/// through in its first minute; vendors count minutes. A tenth at once and nine
/// tenths spread out never exceed the limit in any sixty seconds.
fn per_minute(limit: u32) -> Quota {
    let burst = at_least_one(limit / 10);
    let spread = at_least_one(limit.saturating_sub(burst.get()));
    Quota::per_minute(spread).allow_burst(burst)
}

fn at_least_one(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rate(per_second: Option<u32>, burst: Option<u32>, per_minute: Option<u32>) -> Rate {
        Rate::new(&Limits {
            per_second,
            burst,
            per_minute,
            ..Limits::default()
        })
    }

    fn within(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let rate = rate(Some(20), Some(3), None);
        let began = Instant::now();
        for _ in 0..3 {
            rate.take(within(5_000)).await.unwrap();
        }
        assert!(began.elapsed() < Duration::from_millis(45));
        for _ in 0..2 {
            rate.take(within(5_000)).await.unwrap();
        }
        assert!(
            began.elapsed() >= Duration::from_millis(95),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test]
    async fn a_wait_beyond_the_deadline_is_refused_at_once_with_its_length() {
        let rate = rate(None, None, Some(2));
        rate.take(within(100)).await.unwrap();
        let began = Instant::now();
        let fault = rate.take(within(10_000)).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_millis(100));
        let CallFault::Busy {
            retry_after: Some(wait),
        } = fault
        else {
            panic!("{fault:?}");
        };
        assert!(wait > Duration::from_secs(50), "{wait:?}");
    }

    #[test]
    fn no_minute_ever_sees_more_than_its_limit() {
        for limit in [1, 2, 9, 10, 60, 61, 1_000] {
            let quota = per_minute(limit);
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
