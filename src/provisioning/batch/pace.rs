//! How often a batch may go out, and how many at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limiter::Share;

/// One tenant's pace for one kind of batch; kept from one generation of the catalog to the next.
#[derive(Debug)]
pub(super) struct Pace {
    in_flight: u32,
    per_minute: Option<u32>,
    places: Arc<Semaphore>,
    share: Option<Share>,
}

impl Pace {
    /// Zero counts as one.
    pub(super) fn new(in_flight: u32, per_minute: Option<u32>) -> Self {
        let in_flight = in_flight.max(1);
        Self {
            in_flight,
            per_minute,
            places: Arc::new(Semaphore::new(usize::try_from(in_flight).unwrap_or(1))),
            share: per_minute.map(Share::per_minute),
        }
    }

    /// Whether this is the pace for these limits.
    pub(super) fn is(&self, in_flight: u32, per_minute: Option<u32>) -> bool {
        (self.in_flight, self.per_minute) == (in_flight.max(1), per_minute)
    }

    /// Waits for a place among those in flight. Never `None`, for nobody closes them.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Takes leave for one batch, where `replicas` send some; `Err` is how long until there may be
    /// leave.
    pub(super) fn take(&self, replicas: u32) -> Result<(), Duration> {
        let share = self.share.as_ref();
        share.map_or(Ok(()), |share| share.take(replicas))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// When batches go out that wait for nothing but leave, in seconds.
    async fn times(pace: &Pace, replicas: u32, count: usize) -> Vec<u64> {
        let began = Instant::now();
        let mut times = Vec::new();
        while times.len() < count {
            match pace.take(replicas) {
                Ok(()) => times.push(began.elapsed().as_secs()),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn any_sixty_seconds_keep_to_the_limit() {
        let pace = Pace::new(1, Some(6));
        assert_eq!(times(&pace, 1, 7).await, [0, 0, 13, 26, 40, 53, 66]);
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(times(&pace, 1, 3).await, [0, 0, 13], "nothing is saved up");
        assert_eq!(
            times(&pace, 2, 3).await,
            [24, 48, 72],
            "a half for each of two"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_limit_nobody_waits() {
        let pace = Pace::new(1, None);
        assert_eq!(times(&pace, 1, 100).await, [0; 100]);
    }
}
