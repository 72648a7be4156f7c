//! How often a batch may go out, and how many at once.
//!
//! How many went out in the last minute is kept in the store: it counts for all replicas, and after a
//! restart.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapter::keys::TenantId;
use crate::limiter::PerMinute;
use crate::provisioning::memory::{MemoryError, Recall};

/// Where it is kept how many batches went out.
pub trait BatchCounts: Send + Sync {
    /// Counts one batch of those that this function carries out, if the limit has room for it; else
    /// it is how long until it has.
    fn count_batch(
        &self,
        tenant: &TenantId,
        function: &str,
        limit: PerMinute,
    ) -> Recall<'_, Result<(), Duration>>;
}

/// How many batches of a kind a vendor takes in any sixty seconds, and where they are counted.
#[derive(Clone)]
pub struct Limit {
    /// 0 counts as 1.
    pub per_minute: u32,
    /// Those of all gateways that work for the tenant.
    pub counts: Arc<dyn BatchCounts>,
}

/// One tenant's pace for one kind of batch; kept from one generation of the catalog to the next.
pub(super) struct Pace {
    in_flight: u32,
    places: Arc<Semaphore>,
    limit: Option<Limit>,
}

impl Pace {
    /// Zero counts as one.
    pub(super) fn new(in_flight: u32, limit: Option<Limit>) -> Self {
        let in_flight = in_flight.max(1);
        Self {
            in_flight,
            places: Arc::new(Semaphore::new(usize::try_from(in_flight).unwrap_or(1))),
            limit,
        }
    }

    /// Whether this is the pace for these limits.
    pub(super) fn is(&self, in_flight: u32, limit: Option<&Limit>) -> bool {
        let per_minute = |limit: Option<&Limit>| limit.map(|limit| limit.per_minute);
        self.in_flight == in_flight.max(1) && per_minute(self.limit.as_ref()) == per_minute(limit)
    }

    /// Waits for a place among those in flight. Never `None`, for nobody closes them.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Counts one batch, if the limit has room for it; else it is how long until it has.
    pub(super) async fn take(
        &self,
        tenant: &TenantId,
        function: &str,
    ) -> Result<Result<(), Duration>, MemoryError> {
        let Some(Limit { per_minute, counts }) = &self.limit else {
            return Ok(Ok(()));
        };
        let limit = PerMinute::of(*per_minute);
        counts.count_batch(tenant, function, limit).await
    }
}
