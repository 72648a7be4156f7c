//! How often a batch may go out, and how many at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// One tenant's pace for one kind of batch; kept from one generation of the catalog to the next.
#[derive(Debug)]
pub(super) struct Pace {
    in_flight: u32,
    per_minute: Option<u32>,
    places: Arc<Semaphore>,
    /// When the bucket will be full again.
    full_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// Zero counts as one.
    pub(super) fn new(in_flight: u32, per_minute: Option<u32>) -> Self {
        let in_flight = in_flight.max(1);
        Self {
            in_flight,
            per_minute,
            places: Arc::new(Semaphore::new(usize::try_from(in_flight).unwrap_or(1))),
            full_at: Mutex::default(),
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

    /// Takes the next turn and says when it is: a minute's number at once, then evenly spread
    /// over the minute.
    pub(super) fn turn(&self) -> Instant {
        let now = Instant::now();
        let Some(per_minute) = self.per_minute else {
            return now;
        };
        let minute = Duration::from_secs(60);
        let each = minute / per_minute.max(1);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = full_at.unwrap_or(now).max(now) + each;
        *full_at = Some(filled);
        // Used up so far may be a whole minute's worth.
        filled.checked_sub(minute).unwrap_or(now).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minutes_number_goes_at_once_and_then_evenly() {
        let pace = Pace::new(1, Some(6));
        let began = Instant::now();
        let waits: Vec<u64> = (0..8)
            .map(|_| pace.turn().duration_since(began).as_secs())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 10, 20]);
        tokio::time::advance(Duration::from_secs(80)).await;
        let later = Instant::now();
        let waits: Vec<u64> = (0..7)
            .map(|_| pace.turn().duration_since(later).as_secs())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 10]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_limit_nobody_waits() {
        let pace = Pace::new(1, None);
        for _ in 0..100 {
            assert_eq!(pace.turn(), Instant::now());
        }
    }
}
