//! What each tenant may take, so that one cannot use up what all share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::bodies::{BodyBudget, BodyCharge, BodyShare};
use super::limits::TenantLimits;
use super::rescue::Rejection;
use super::seldom::Seldom;
use crate::adapter::keys::TenantId;
use crate::limiter::Limiter;

/// One tenant's gate.
struct Gate {
    rate: Limiter,
    in_flight: Arc<Semaphore>,
    bodies: BodyShare,
    refused: Seldom,
}

/// The gates of all tenants; shared by all worker threads.
#[derive(Clone)]
pub(super) struct Gates {
    limits: TenantLimits,
    bodies: BodyBudget,
    all: Arc<Mutex<HashMap<TenantId, Arc<Gate>>>>,
}

/// One thread's view of the gates: a tenant seen before costs no shared lock.
pub(super) struct LocalGates {
    shared: Gates,
    seen: RefCell<HashMap<TenantId, Arc<Gate>>>,
}

/// One of a tenant's places; given back when dropped.
pub(super) struct Turn {
    gate: Arc<Gate>,
    _place: OwnedSemaphorePermit,
}

/// The pace at which one request of many operations may go on.
pub(super) struct Pace(Arc<Gate>);

impl Gates {
    pub(super) fn new(limits: TenantLimits, bodies: BodyBudget) -> Self {
        Self {
            limits,
            bodies,
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
        gate.or_insert_with(|| Arc::new(Gate::new(self.limits, self.bodies.share())))
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

    /// Charges a body of a client that is not authenticated yet to the budget that all share.
    pub(super) fn unauthenticated(&self) -> BodyCharge {
        self.shared.bodies.share().charge()
    }
}

impl Turn {
    /// The weight of the request's body, of which nothing has arrived.
    pub(super) fn body(&self) -> BodyCharge {
        self.gate.bodies.charge()
    }

    /// For the operations of a bulk request after the first.
    pub(super) fn pace(&self) -> Pace {
        Pace(Arc::clone(&self.gate))
    }
}

impl Pace {
    /// Waits until the tenant's rate has room for one operation more; `false` if that is not
    /// before `due`.
    pub(super) async fn step(&self, due: Instant) -> bool {
        while let Err(wait) = self.0.rate.take() {
            if Instant::now() + wait >= due {
                return false;
            }
            sleep(wait).await;
        }
        true
    }
}

impl Gate {
    fn new(limits: TenantLimits, bodies: BodyShare) -> Self {
        Self {
            rate: Limiter::per_second(limits.per_second, limits.burst),
            in_flight: Arc::new(Semaphore::new(
                limits.in_flight.clamp(1, Semaphore::MAX_PERMITS),
            )),
            bodies,
            refused: Seldom::default(),
        }
    }

    fn admit(self: &Arc<Self>) -> Result<Turn, Rejection> {
        // The place first: a request that finds none must not use up the rate.
        let place = self.in_flight.clone().try_acquire_owned();
        let place = place.map_err(|_| self.refuse(Duration::from_secs(1)))?;
        self.rate.take().map_err(|wait| self.refuse(wait))?;
        Ok(Turn {
            gate: Arc::clone(self),
            _place: place,
        })
    }

    fn refuse(&self, wait: Duration) -> Rejection {
        Rejection::TooMany {
            wait,
            untold: self.refused.note(),
        }
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
        Gates::new(limits, BodyBudget::new(1 << 20, 1 << 10)).local()
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
            Err(Rejection::TooMany { .. })
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

    #[tokio::test]
    async fn each_operation_of_many_is_charged_to_the_rate() {
        let gates = gates(2, 10);
        let turn = gates.admit(&tenant("a")).ok().unwrap();
        let soon = Instant::now() + Duration::from_millis(1);
        assert!(turn.pace().step(soon).await);
        assert!(!turn.pace().step(soon).await);
        assert!(gates.admit(&tenant("a")).is_err());
    }

    #[test]
    fn threads_share_a_tenants_gate() {
        let gates = gates(1, 10);
        assert!(gates.admit(&tenant("a")).is_ok());
        assert!(gates.shared.local().admit(&tenant("a")).is_err());
    }
}
