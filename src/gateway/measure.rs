//! What stands now in the gateway's parts, for metrics.

use std::sync::Arc;

use super::tenants::Tenants;
use crate::telemetry::{Instruments, Readings, metrics};
use crate::vendor::VendorStanding;

/// Tells `instruments` how each tenant's vendor is doing.
pub(super) fn tenants(instruments: &Arc<Instruments>, tenants: &Arc<Tenants>) {
    let gauges: [(_, fn(&VendorStanding) -> f64); 3] = [
        (&metrics::QUEUE_DEPTH, |vendor| vendor.waiting as f64),
        (&metrics::BREAKER_STATE, |vendor| {
            f64::from(u8::from(vendor.circuit_open))
        }),
        (&metrics::CREDENTIAL_REFUSED, |vendor| {
            f64::from(u8::from(vendor.credential_refused))
        }),
    ];
    for (metric, value) in gauges {
        let tenants = Arc::clone(tenants);
        instruments.observe(metric, move |readings: &Readings<'_>| {
            for (tenant, vendor) in tenants.standing() {
                readings.of_tenant(tenant.as_str(), value(&vendor));
            }
        });
    }
}
