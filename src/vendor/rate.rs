//! How fast a tenant's calls go out.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::adapter::manifest::Limits;
use crate::limiter::Share;
use crate::provisioning::lease::Lease;
use crate::script::call::CallFault;

/// The limits of one tenant, or this replica's share of them.
#[derive(Debug)]
pub(super) struct Rate {
    /// The minute first: its waits are long, and a token of the second should be used in the
    /// second it was taken.
    limits: Vec<Share>,
    replicas: Lease,
    /// Whoever waits for a token holds this, so that calls go out in the order they came and one
    /// sleeper wakes at a time.
    order: Mutex<()>,
}

impl Rate {
    pub(super) fn new(limits: Limits, replicas: Lease) -> Self {
        let minute = limits.per_minute.map(Share::per_minute);
        let second = limits.per_second;
        let second = second.map(|n| Share::per_second(n, limits.burst.unwrap_or(n)));
        Self {
            limits: minute.into_iter().chain(second).collect(),
            replicas,
            order: Mutex::default(),
        }
    }

    /// Waits until one call may go out. `Busy` at once if that is after the
    /// deadline, with the time to wait.
    pub(super) async fn take(&self, deadline: Instant) -> Result<(), CallFault> {
        if self.limits.is_empty() {
            return Ok(());
        }
        let Ok(_turn) = timeout_at(deadline, self.order.lock()).await else {
            return Err(busy(Duration::from_secs(1)));
        };
        for limit in &self.limits {
            while let Err(wait) = limit.take(self.replicas.replicas()) {
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
    use std::sync::Arc;

    use super::*;
    use crate::provisioning::lease::{Moment, Replica};

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
    async fn two_replicas_have_half_of_it_each() {
        let replica = Arc::new(Replica::default());
        replica.renewed(1, Moment::now(), 2);
        let limits = Limits {
            per_second: Some(10),
            burst: Some(2),
            ..Limits::default()
        };
        let rate = Rate::new(limits, replica.lease());
        let began = Instant::now();
        for _ in 0..3 {
            rate.take(within(5_000)).await.unwrap();
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(390), "{took:?}");
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
