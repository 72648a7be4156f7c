//! The traces of this process. Only requests that bring a sampled `traceparent` are
//! traced, so that a test finds its own and the others cost nothing.

use std::sync::LazyLock;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use scimgate::config::TenantLabel;
use scimgate::telemetry::{Telemetry, traces};
use tracing_subscriber::{Layer, Registry};

static EXPORTER: LazyLock<InMemorySpanExporter> = LazyLock::new(InMemorySpanExporter::default);

static PROVIDER: LazyLock<SdkTracerProvider> = LazyLock::new(|| {
    let telemetry = Telemetry::collecting(SdkMeterProvider::builder(), TenantLabel::Full).unwrap();
    let resource = Resource::builder_empty().build();
    traces::provider(EXPORTER.clone(), resource, telemetry.instruments())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
        .build()
});

/// Makes traces of the gateway's spans.
pub(crate) fn layer() -> impl Layer<Registry> + Send + Sync {
    traces::layer(&PROVIDER)
}

/// A trace of a test's own.
pub(crate) struct Trace {
    id: String,
}

impl Trace {
    pub(crate) fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self { id }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What a request brings that is part of it.
    pub(crate) fn parent(&self) -> String {
        format!("00-{}-00f067aa0ba902b7-01", self.id)
    }

    /// Its spans that have ended, in the order they began.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        PROVIDER.force_flush().unwrap();
        let mut spans = EXPORTER.get_finished_spans().unwrap();
        spans.retain(|span| span.span_context.trace_id().to_string() == self.id);
        spans.sort_by_key(|span| span.start_time);
        spans
    }
}
