//! What all threads know of one tenant's vendor, and what outlives a reload.

use std::sync::Arc;

use super::breaker::Breaker;
use super::key_exchange::KeyRing;
use super::places::Places;
use super::rate::Rate;
use super::refusal::Refusal;
use super::retry::Budget;
use crate::adapter::manifest::Limits;
use crate::provisioning::lease::Lease;

/// One tenant's breakers, buckets, places and retry budget: shared by all
/// worker threads, kept from one generation of the catalog to the next. A
/// reload that forgot them would open the flood gates of a vendor in trouble.
#[derive(Debug)]
pub struct VendorState {
    limits: Limits,
    /// Tells with how many replicas all of it is shared.
    replicas: Lease,
    pub(super) places: Places,
    pub(super) rate: Rate,
    pub(super) health: Arc<HealthRecord>,
}

/// How a tenant's vendor is doing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorStanding {
    /// Its calls fail: only one a second goes out, to see whether that is over.
    pub circuit_open: bool,
    /// It refuses the tenant's credential.
    pub credential_refused: bool,
    /// Calls that wait for a free place.
    pub waiting: usize,
}

/// What is known of the vendor's health; independent of limits.
#[derive(Debug)]
pub(super) struct HealthRecord {
    pub(super) breaker: Breaker,
    pub(super) refusal: Refusal,
    pub(super) budget: Budget,
    pub(super) keys: KeyRing,
}

impl VendorState {
    /// A vendor of which nothing is known yet. Limits of 0 count as 1.
    pub fn new(limits: Limits) -> Self {
        Self::among(limits, Lease::default())
    }

    /// The same, of which this process has its share among the replicas.
    pub fn among(limits: Limits, replicas: Lease) -> Self {
        let health = HealthRecord {
            breaker: Breaker::new(replicas.clone()),
            refusal: Refusal::default(),
            budget: Budget::new(),
            keys: KeyRing::default(),
        };
        Self::with_health(limits, replicas, Arc::new(health))
    }

    /// The state for the next generation of the catalog: itself while the limits
    /// are the same; with other limits new buckets and places, but the same
    /// breakers and budget.
    pub fn under(self: &Arc<Self>, limits: Limits) -> Arc<Self> {
        if self.limits == limits {
            return Arc::clone(self);
        }
        Arc::new(Self::with_health(
            limits,
            self.replicas.clone(),
            Arc::clone(&self.health),
        ))
    }

    /// How it is doing now.
    pub fn standing(&self) -> VendorStanding {
        VendorStanding {
            circuit_open: self.health.breaker.is_open(),
            credential_refused: self.health.refusal.is_in_force(),
            waiting: self.places.waiting(),
        }
    }

    /// Whether the vendor failed so often that it is only probed now.
    pub fn is_paused(&self) -> bool {
        self.health.breaker.is_open()
    }

    fn with_health(limits: Limits, replicas: Lease, health: Arc<HealthRecord>) -> Self {
        Self {
            limits,
            places: Places::new(limits.concurrency, replicas.clone()),
            rate: Rate::new(limits, replicas.clone()),
            replicas,
            health,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::breaker::{Health, Pass};

    #[test]
    fn a_reload_keeps_the_breaker_and_takes_new_limits() {
        let old = Arc::new(VendorState::new(Limits::default()));
        for _ in 0..5 {
            old.health.breaker.record(Pass::Free, Health::Unconnected);
        }
        assert!(Arc::ptr_eq(&old, &old.under(Limits::default())));
        let new = old.under(Limits {
            concurrency: Some(8),
            ..Limits::default()
        });
        assert!(!Arc::ptr_eq(&old, &new));
        assert_eq!(new.health.breaker.admit(), None, "still open");
    }
}
