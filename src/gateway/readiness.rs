//! Whether the gateway can do its work, for the probes.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::tenants::Tenants;
use crate::script::call::LocalBoxFuture;
use crate::server::Pulse;
use crate::server::ops::Health;
use crate::store::Store;

/// What the answer depends on: never a vendor, and never the last reload.
pub(super) struct Readiness {
    pub(super) pulse: Pulse,
    pub(super) store: Store,
    pub(super) tenants: Arc<Tenants>,
    /// Set when the gateway begins to stop.
    pub(super) draining: Rc<Cell<bool>>,
}

impl Health for Readiness {
    fn is_alive(&self) -> bool {
        self.pulse.is_steady()
    }

    fn ready(&self) -> LocalBoxFuture<'_, Result<(), &'static str>> {
        Box::pin(async {
            if self.draining.get() {
                return Err("stopping");
            }
            if !self.tenants.are_servable() {
                return Err("no tenant can be served; `scimgate status` tells why");
            }
            self.store.reachable().await.map_err(|error| {
                tracing::error!(%error, "the store does not answer");
                "the store does not answer"
            })
        })
    }
}
