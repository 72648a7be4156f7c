//! From spans of `tracing` to OpenTelemetry's.

use std::sync::Arc;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanExporter, TracerProviderBuilder};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::instruments::Instruments;
use super::spans::{Outward, SORTS};
use crate::provisioning::TRACE_ONLY;

/// Spans of more detail are for log lines only.
const MOST_DETAILED: Level = Level::INFO;

/// A pipeline that ends in `exporter`, which sees only what
/// [`spans`](super::spans) lets out. Sampler and limits are those of `OTEL_*`.
pub fn provider(
    exporter: impl SpanExporter + 'static,
    resource: Resource,
    instruments: Arc<Instruments>,
) -> TracerProviderBuilder {
    SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(Outward::new(exporter, instruments))
}

/// The layer that makes them of spans, and of nothing else: an event may hold
/// what a script says.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let ours = filter_fn(|span| {
        let target = span.target();
        span.is_span()
            && *span.level() <= MOST_DETAILED
            && (target == TRACE_ONLY || target.starts_with("scimgate::"))
            && SORTS.iter().any(|sort| sort.name == span.name())
    });
    OpenTelemetryLayer::<S, SdkTracer>::new(provider.tracer("scimgate"))
        // A fiber may be left and entered within a span: nothing of a span is the thread's.
        .with_context_activation(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(ours.with_max_level_hint(LevelFilter::from_level(MOST_DETAILED)))
}
