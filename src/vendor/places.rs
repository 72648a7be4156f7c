//! How many calls of a tenant are in flight at its vendor, and how many wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::script::call::CallFault;

/// More would wait so long that Entra gives up first; they hear it at once.
const MOST_WAITING: usize = 64;

/// The places of one tenant. First come, first served.
#[derive(Debug)]
pub(super) struct Places {
    free: Option<Semaphore>,
    waiting: AtomicUsize,
}

impl Places {
    /// `concurrency` places; any number if `None`.
    pub(super) fn new(concurrency: Option<u32>) -> Self {
        Self {
            free: concurrency.map(|places| Semaphore::new(places.max(1) as usize)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a place, which is free again when the answer is dropped.
    /// `Busy` if too many wait already, `NotSent` if the deadline comes first.
    pub(super) async fn enter(
        &self,
        deadline: Instant,
    ) -> Result<Option<SemaphorePermit<'_>>, CallFault> {
        let Some(free) = &self.free else {
            return Ok(None);
        };
        if let Ok(place) = free.try_acquire() {
            return Ok(Some(place));
        }
        let _waiter = Waiter::join(&self.waiting)?;
        match timeout_at(deadline, free.acquire()).await {
            Ok(Ok(place)) => Ok(Some(place)),
            _ => Err(CallFault::NotSent("no free place in time".into())),
        }
    }
}

/// One of those who wait, until dropped.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn join(waiting: &'a AtomicUsize) -> Result<Self, CallFault> {
        let waiter = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) < MOST_WAITING {
            return Ok(waiter);
        }
        Err(CallFault::Busy {
            retry_after: Some(Duration::from_secs(1)),
        })
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_but_not_beyond_the_deadline() {
        let places = Places::new(Some(1));
        let first = places.enter(soon()).await.unwrap();
        let began = Instant::now();
        let fault = places.enter(soon()).await.unwrap_err();
        assert!(matches!(fault, CallFault::NotSent(_)), "{fault:?}");
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        let (second, ()) = tokio::join!(places.enter(soon()), async { drop(first) });
        assert!(second.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_sixty_fifth_waiter_is_turned_away_at_once_and_leaves_no_trace() {
        let places = Places::new(Some(1));
        let _held = places.enter(soon()).await.unwrap();
        let mut waiting: Vec<_> = (0..64).map(|_| Box::pin(places.enter(soon()))).collect();
        for waiter in &mut waiting {
            assert!(futures_pending(waiter));
        }
        let fault = places.enter(soon()).await.unwrap_err();
        assert!(matches!(fault, CallFault::Busy { .. }), "{fault:?}");
        drop(waiting);
        assert_eq!(places.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        assert!(
            Places::new(None)
                .enter(Instant::now())
                .await
                .unwrap()
                .is_none()
        );
    }

    fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::Pin::new(future).poll(&mut context).is_pending()
    }
}
