//! What each tenant may take, so that one cannot use up what all share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::TenantLimits;
use super::rescue::Rejection;
use crate::adapter::keys::TenantId;

/// One tenant's gate.
struct Gate {
    rate: DefaultDirectRateLimiter,
    in_flight: Arc<Semaphore>,
}

/// The gates of all tenants; shared by all worker threads.
#[derive(Clone)]
pub(super) struct Gates {
    limits: TenantLimits,
    all: Arc<Mutex<HashMap<TenantId, Arc<Gate>>>>,
}

/// One thread's view of the gates: a tenant seen before costs no shared lock.
pub(super) struct LocalGates {
    shared: Gates,
    seen: RefCell<HashMap<TenantId, Arc<Gate>>>,
}

/// One of a tenant's places; given back when dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "held, never read")] OwnedSemaphorePermit);

impl Gates {
    pub(super) fn new(limits: TenantLimits) -> Self {
        Self {
            limits,
            all: Arc::default(),
        }
    }

    pub(super) fn local(&self) -> LocalGates {
        LocalGates {
            shared: self.clone(),
            seen: RefCell::default(),
        }
    }

    fn of(&self, tenant: &TenantId) -> Arc<Gate> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = all.entry(tenant.clone());
        gate.or_insert_with(|| Arc::new(Gate::new(self.limits)))
            .clone()
    }
}

impl LocalGates {
    /// Lets one request of `tenant` in, or says when to come back.
    pub(super) fn admit(&self, tenant: &TenantId) -> Result<Turn, Rejection> {
        let known = self.seen.borrow().get(tenant).cloned();
        let gate = known.unwrap_or_else(|| {
            let gate = self.shared.of(tenant);
            self.seen.borrow_mut().insert(tenant.clone(), gate.clone());
            gate
        });
        gate.admit()
    }
}

impl Gate {
    fn new(limits: TenantLimits) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.per_second))
            .allow_burst(at_least_one(limits.burst));
        Self {
            rate: RateLimiter::direct(quota),
            in_flight: Arc::new(Semaphore::new(
                limits.in_flight.clamp(1, Semaphore::MAX_PERMITS),
            )),
        }
    }

    fn admit(&self) -> Result<Turn, Rejection> {
        // The place first: a request that finds none must not use up the rate.
        let place = self.in_flight.clone().try_acquire_owned();
        let place = place.map_err(|_| Rejection::TooMany(Duration::from_secs(1)))?;
        self.rate.check().map_err(|early| {
            Rejection::TooMany(early.wait_time_from(DefaultClock::default().now()))
        })?;
        Ok(Turn(place))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn gates(burst: u32, in_flight: usize) -> LocalGates {
        let limits = TenantLimits {
            per_second: 1,
            burst,
            in_flight,
        };
        Gates::new(limits).local()
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    #[test]
    fn a_tenant_over_its_rate_waits_and_its_neighbour_does_not() {
        let gates = gates(2, 10);
        assert!(gates.admit(&tenant("a")).is_ok());
        assert!(gates.admit(&tenant("a")).is_ok());
        assert!(matches!(
            gates.admit(&tenant("a")),
            Err(Rejection::TooMany(_))
        ));
        assert!(gates.admit(&tenant("b")).is_ok());
    }

    #[test]
    fn a_place_is_free_again_when_its_request_is_done() {
        let gates = gates(10, 1);
        let turn = gates.admit(&tenant("a")).ok();
        assert!(turn.is_some());
        assert!(gates.admit(&tenant("a")).is_err());
        drop(turn);
        assert!(gates.admit(&tenant("a")).is_ok());
    }

    #[test]
    fn threads_share_a_tenants_gate() {
        let gates = gates(1, 10);
        assert!(gates.admit(&tenant("a")).is_ok());
        assert!(gates.shared.local().admit(&tenant("a")).is_err());
    }
}
