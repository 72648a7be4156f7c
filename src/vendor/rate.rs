//! How fast a tenant's calls go out.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::adapter::manifest::Limits;
use crate::limiter::Limiter;
use crate::provisioning::lease::Lease;
use crate::script::call::CallFault;

/// The token buckets of one tenant, or this replica's share of them.
#[derive(Debug)]
pub(super) struct Rate {
    limits: Limits,
    replicas: Lease,
    /// Whoever waits for a token holds this, so that calls go out in the order
    /// they came and one sleeper wakes at a time.
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    /// Among so many replicas.
    share: u32,
    limiters: Vec<Limiter>,
}

impl Buckets {
    fn new(limits: &Limits, share: u32) -> Self {
        let minute = limits.per_minute.map(|n| Limiter::per_minute(n, share));
        let second = limits.per_second;
        let second = second.map(|n| Limiter::per_second(n, limits.burst.unwrap_or(n), share));
        // The minute first: its waits are long, and a token of the second
        // should be used in the second it was taken.
        let limiters = minute.into_iter().chain(second).collect();
        Self { share, limiters }
    }

    /// Those of another share: empty, for what was in the ones before may be used up.
    fn empty(limits: &Limits, share: u32) -> Self {
        let buckets = Self::new(limits, share);
        buckets.limiters.iter().for_each(Limiter::drain);
        buckets
    }
}

impl Rate {
    pub(super) fn new(limits: Limits, replicas: Lease) -> Self {
        let buckets = Mutex::new(Buckets::new(&limits, replicas.replicas()));
        Self {
            limits,
            replicas,
            buckets,
        }
    }

    /// Waits until one call may go out. `Busy` at once if that is after the
    /// deadline, with the time to wait.
    pub(super) async fn take(&self, deadline: Instant) -> Result<(), CallFault> {
        if (self.limits.per_minute, self.limits.per_second) == (None, None) {
            return Ok(());
        }
        let Ok(mut buckets) = timeout_at(deadline, self.buckets.lock()).await else {
            return Err(busy(Duration::from_secs(1)));
        };
        let share = self.replicas.replicas();
        if share != buckets.share {
            *buckets = Buckets::empty(&self.limits, share);
        }
        for limiter in &buckets.limiters {
            while let Err(wait) = limiter.take() {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rate(per_second: Option<u32>, burst: Option<u32>, per_minute: Option<u32>) -> Rate {
        let limits = Limits {
            per_second,
            burst,
            per_minute,
            ..Limits::default()
        };
        Rate::new(limits, Lease::default())
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
        let rate = rate(None, None, Some(1));
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
}
