//! How many calls of a tenant are in flight at its vendor, and how many wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::provisioning::lease::Lease;
use crate::script::call::CallFault;

/// More would wait so long that Entra gives up first; they hear it at once.
const MOST_WAITING: usize = 64;

/// The places of one tenant, or this replica's share of them. First come, first served.
#[derive(Debug)]
pub(super) struct Places {
    limit: Option<u32>,
    replicas: Lease,
    free: Semaphore,
    /// How many there are, free or taken.
    count: Mutex<u32>,
    waiting: AtomicUsize,
}

/// A place, free again when dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    places: &'a Places,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let mut count = self.places.count();
        match *count > self.places.share() {
            true => {
                *count -= 1;
                permit.forget();
            }
            false => drop(permit),
        }
    }
}

impl Places {
    /// `concurrency` places; any number if `None`.
    pub(super) fn new(limit: Option<u32>, replicas: Lease) -> Self {
        Self {
            limit,
            replicas,
            free: Semaphore::new(0),
            count: Mutex::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    /// How many there are to be.
    fn share(&self) -> u32 {
        (self.limit.unwrap_or(u32::MAX) / self.replicas.replicas()).max(1)
    }

    fn count(&self) -> MutexGuard<'_, u32> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes places that are missing, and takes away free ones that are too many. The others of
    /// those go when they are left.
    fn adjust(&self) {
        let (mut count, share) = (self.count(), self.share());
        if share > *count {
            self.free.add_permits((share - *count) as usize);
            *count = share;
        } else if share < *count {
            let gone = self.free.forget_permits((*count - share) as usize);
            *count -= u32::try_from(gone).unwrap_or(0);
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a place, which is free again when the answer is dropped.
    /// `Busy` if too many wait already, `NotSent` if the deadline comes first.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<Option<Place<'_>>, CallFault> {
        if self.limit.is_none() {
            return Ok(None);
        }
        self.adjust();
        let place = |permit| Place {
            places: self,
            permit: Some(permit),
        };
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(Some(place(permit)));
        }
        let _waiter = Waiter::join(&self.waiting)?;
        match timeout_at(deadline, self.free.acquire()).await {
            Ok(Ok(permit)) => Ok(Some(place(permit))),
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
        let places = Places::new(Some(1), Lease::default());
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
        let places = Places::new(Some(1), Lease::default());
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

    #[tokio::test(start_paused = true)]
    async fn places_follow_the_number_of_replicas() {
        use crate::provisioning::lease::{Moment, Replica};
        let replica = std::sync::Arc::new(Replica::default());
        let places = Places::new(Some(6), replica.lease());
        let among = |replicas| replica.renewed(1, Moment::now(), replicas);
        let most = || async {
            let mut taken = Vec::new();
            while let Ok(Some(place)) = places.enter(Instant::now()).await {
                taken.push(place);
            }
            taken
        };
        for (replicas, expected) in [(1, 6), (3, 2), (2, 3), (12, 1)] {
            let before = most().await;
            among(replicas);
            drop(before);
            assert_eq!(most().await.len(), expected, "of {replicas}");
        }
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        assert!(
            Places::new(None, Lease::default())
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
