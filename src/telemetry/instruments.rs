//! The instruments behind [`metrics`], and what of the gateway's
//! life is counted with which.

use std::sync::Arc;

use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};
use opentelemetry::{KeyValue, StringValue, Value};

use super::labels::Labels;
use super::metrics::{self, Kind, Metric, SERVER_ADDRESS, TENANT};
use crate::config::TenantLabel;

/// All instruments; every thread counts with the same ones.
pub struct Instruments {
    meter: Meter,
    pub(super) tenants: Labels,
    pub(super) hosts: Labels,
    pub(super) functions: Labels,
    pub(super) request_duration: Histogram<f64>,
    pub(super) active_requests: UpDownCounter<i64>,
    pub(super) call_duration: Histogram<f64>,
    pub(super) events: Counter<u64>,
    pub(super) tokens_refused: Counter<u64>,
    pub(super) script_duration: Histogram<f64>,
    pub(super) script_operations: Histogram<f64>,
    pub(super) cache_requests: Counter<u64>,
}

/// A place for what stands now, one value for each set of labels.
pub struct Readings<'a> {
    tenants: &'a Labels,
    take: &'a dyn Fn(f64, &[KeyValue]),
}

impl Readings<'_> {
    /// A value without labels, where there is one.
    pub fn is(&self, value: Option<f64>) {
        if let Some(value) = value {
            (self.take)(value, &[]);
        }
    }

    /// A tenant's value, where it has one.
    pub fn of_tenant(&self, tenant: &str, value: Option<f64>) {
        if let Some(value) = value {
            let label = Value::String(self.tenants.of(tenant));
            (self.take)(value, &[KeyValue::new(TENANT, label)]);
        }
    }

    /// A tenant's value with one label more, whose values are few and name nobody.
    pub fn of_tenant_with(&self, tenant: &str, key: &'static str, label: &str, value: f64) {
        let tenant = Value::String(self.tenants.of(tenant));
        let labels = [
            KeyValue::new(key, label.to_owned()),
            KeyValue::new(TENANT, tenant),
        ];
        (self.take)(value, &labels);
    }

    /// A value with a label whose values are few and name nobody.
    pub fn with(&self, key: &'static str, label: &str, value: f64) {
        (self.take)(value, &[KeyValue::new(key, label.to_owned())]);
    }
}

impl Instruments {
    pub(super) fn new(meter: Meter, rule: TenantLabel) -> Self {
        Self {
            tenants: Labels::new(rule),
            hosts: Labels::new(rule),
            functions: Labels::new(TenantLabel::Full),
            request_duration: histogram(&meter, &metrics::REQUEST_DURATION, metrics::SECONDS),
            active_requests: up_down(&meter, &metrics::ACTIVE_REQUESTS),
            call_duration: histogram(&meter, &metrics::CALL_DURATION, metrics::SECONDS),
            events: counter(&meter, &metrics::EVENTS),
            tokens_refused: counter(&meter, &metrics::TOKENS_REFUSED),
            script_duration: histogram(&meter, &metrics::SCRIPT_DURATION, metrics::SCRIPT_SECONDS),
            script_operations: histogram(&meter, &metrics::SCRIPT_OPERATIONS, metrics::OPERATIONS),
            cache_requests: counter(&meter, &metrics::CACHE_REQUESTS),
            meter,
        }
    }

    /// What a vendor's host is called.
    pub(super) fn host(&self, host: &str) -> KeyValue {
        KeyValue::new(SERVER_ADDRESS, Value::String(self.hosts.of(host)))
    }

    /// What a tenant is called.
    pub(super) fn tenant(&self, tenant: &str) -> KeyValue {
        KeyValue::new(TENANT, Value::String(self.tenants.of(tenant)))
    }

    /// Lets `read` tell what stands now, at each collection, for a gauge or a
    /// counter that is kept elsewhere. It is called on a thread that may not wait.
    pub fn observe(
        self: &Arc<Self>,
        metric: &'static Metric,
        read: impl Fn(&Readings<'_>) + Send + Sync + 'static,
    ) {
        let this = Arc::downgrade(self);
        let told = move |take: &dyn Fn(f64, &[KeyValue])| {
            if let Some(this) = this.upgrade() {
                read(&Readings {
                    tenants: &this.tenants,
                    take,
                });
            }
        };
        match metric.kind {
            Kind::Counter => {
                let counter = self.meter.u64_observable_counter(metric.name);
                counter
                    .with_unit(metric.unit)
                    .with_description(metric.help)
                    .with_callback(move |observer| {
                        told(&|value, labels| observer.observe(value as u64, labels));
                    })
                    .build();
            }
            _ => {
                let gauge = self.meter.f64_observable_gauge(metric.name);
                gauge
                    .with_unit(metric.unit)
                    .with_description(metric.help)
                    .with_callback(move |observer| {
                        told(&|value, labels| observer.observe(value, labels));
                    })
                    .build();
            }
        }
    }
}

fn counter(meter: &Meter, metric: &Metric) -> Counter<u64> {
    let counter = meter.u64_counter(metric.name);
    counter
        .with_unit(metric.unit)
        .with_description(metric.help)
        .build()
}

fn up_down(meter: &Meter, metric: &Metric) -> UpDownCounter<i64> {
    let counter = meter.i64_up_down_counter(metric.name);
    counter
        .with_unit(metric.unit)
        .with_description(metric.help)
        .build()
}

fn histogram(meter: &Meter, metric: &Metric, bounds: &[f64]) -> Histogram<f64> {
    let histogram = meter.f64_histogram(metric.name);
    histogram
        .with_unit(metric.unit)
        .with_description(metric.help)
        .with_boundaries(bounds.to_vec())
        .build()
}

/// A label whose value is fixed when the gateway is built.
pub(super) fn word(key: &'static str, value: &'static str) -> KeyValue {
    KeyValue::new(key, StringValue::from(value))
}
