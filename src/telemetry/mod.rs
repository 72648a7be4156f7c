//! What the gateway tells of itself: log lines, metrics, traces.
//!
//! | File | Subject |
//! |---|---|
//! | [`metrics`] | every metric: name, labels, meaning |
//! | `instruments`, `observe` | counting them |
//! | `labels` | how tenants and hosts are called |
//! | [`spans`] | every sort of span, and what of it may leave |
//! | [`traces`], `context` | spans of `tracing` as OpenTelemetry's; W3C trace context |
//! | `logs`, `lines` | log lines |
//! | `environment`, `post` | what `OTEL_*` asks for; OTLP over HTTP |
//!
//! Only `cli` and `gateway` know of this. Everybody else writes
//! `tracing::info!(fields…, "fixed words")`, makes spans, and owns the traits
//! that [`Instruments`] implements.

mod context;
mod environment;
mod events;
mod instruments;
mod labels;
mod lines;
mod logs;
pub mod metrics;
mod observe;
mod post;
pub mod spans;
pub mod traces;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, Protocol, SpanExporter};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{
    Instrument, MeterProviderBuilder, PeriodicReader, SdkMeterProvider, Stream,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Registry, TextEncoder};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing_subscriber::layer::Identity;

use crate::config::{Config, Log, TenantLabel};
use crate::server::ops;
use crate::vendor::{TlsError, TlsOptions};
use environment::Push;
pub use instruments::{Instruments, Readings};
use post::{Carrier, Office, Post};

/// Log lines alone.
///
/// # Errors
/// [`TelemetryFault::Filter`].
pub fn log_lines(log: &Log) -> Result<(), TelemetryFault> {
    logs::begin(log, None::<Identity>).map_err(|_| unfit_filter(log))
}

/// Whether log lines can be written as is configured.
///
/// # Errors
/// [`TelemetryFault::Filter`].
pub fn check_filter(log: &Log) -> Result<(), TelemetryFault> {
    logs::levels(&log.filter)
        .map(drop)
        .map_err(|_| unfit_filter(log))
}

fn unfit_filter(log: &Log) -> TelemetryFault {
    let filter = log.filter.clone();
    TelemetryFault::Filter { filter }
}

/// Metrics always, traces and pushes where `OTEL_*` asks for them.
pub struct Telemetry {
    instruments: Arc<Instruments>,
    registry: Registry,
    meters: SdkMeterProvider,
    traces: Option<SdkTracerProvider>,
}

/// Why the gateway cannot tell of itself.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryFault {
    /// `log.filter` is not made of levels and of modules with levels (`info,scimgate::vendor=debug`).
    #[error(
        "log.filter: {filter:?} cannot be read; write levels, or targets with levels, and commas between them: \
         info,scimgate::vendor=debug"
    )]
    Filter {
        /// As it is configured.
        filter: String,
    },
    /// A variable that the OTLP exporter cannot use.
    #[error("OTEL_EXPORTER_OTLP_*: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The receiver's certificate authority.
    #[error("OTEL_EXPORTER_OTLP_CERTIFICATE: {0}")]
    Certificate(#[from] TlsError),
    /// The metrics' registry refuses its reader.
    #[error("metrics: {0}")]
    Metrics(String),
    /// No thread to be had.
    #[error("no thread for telemetry: {0}")]
    Thread(#[from] io::Error),
}

impl Telemetry {
    /// Log lines, metrics and traces from now on, once a process.
    ///
    /// # Errors
    /// [`TelemetryFault`], naming the key or the variable.
    pub fn begin(config: &Config) -> Result<Self, TelemetryFault> {
        let push = Push::asked(|name| std::env::var(name).ok());
        let [metrics, spans] = posts(&push)?;
        let mut readers = SdkMeterProvider::builder();
        if let Some(post) = &metrics {
            readers = readers.with_reader(PeriodicReader::builder(pushing(post)?).build());
        }
        let mut this = Self::collecting(readers, config.telemetry.tenant_label)?;
        this.traces = spans.as_ref().map(|post| this.tracing(post)).transpose()?;
        logs::begin(&config.log, this.traces.as_ref().map(traces::layer))
            .map_err(|_| unfit_filter(&config.log))?;
        if let Some(ignored) = push.ignored {
            tracing::warn!(ignored, "an environment variable has no effect");
        }
        if metrics.is_some() {
            this.try_out()?;
        }
        this.count_failures(metrics.into_iter().chain(spans).collect());
        Ok(this)
    }

    /// Metrics alone, to `readers` and as text.
    ///
    /// # Errors
    /// [`TelemetryFault::Metrics`].
    pub fn collecting(
        readers: MeterProviderBuilder,
        rule: TenantLabel,
    ) -> Result<Self, TelemetryFault> {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|error| TelemetryFault::Metrics(error.to_string()))?;
        let meters = readers
            .with_reader(reader)
            .with_resource(resource())
            .with_view(bounded)
            .build();
        let meter = meters.meter_with_scope(InstrumentationScope::builder("scimgate").build());
        let this = Self {
            instruments: Arc::new(Instruments::new(meter, rule)),
            registry,
            meters,
            traces: None,
        };
        this.describe_process();
        Ok(this)
    }

    /// What counts.
    pub fn instruments(&self) -> Arc<Instruments> {
        Arc::clone(&self.instruments)
    }

    /// All metrics as text, for the ops port.
    pub fn scrape(&self) -> Scrape {
        Scrape(self.registry.clone())
    }

    /// Sends what is left, for `patience` at most. To be called when nothing
    /// is counted any more, after the drain.
    pub async fn end(self, patience: Duration) {
        let (done, ended) = oneshot::channel();
        let spawned = std::thread::Builder::new().spawn(move || {
            if let Some(traces) = &self.traces {
                let _ = traces.shutdown_with_timeout(patience);
            }
            let _ = self.meters.shutdown_with_timeout(patience);
            let _ = done.send(());
        });
        if spawned.is_ok() && timeout(patience, ended).await.is_err() {
            tracing::warn!("the last telemetry was not accepted in time");
        }
    }

    fn tracing(&self, post: &Arc<Post>) -> Result<SdkTracerProvider, ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Carrier(Arc::clone(post)))
            .with_protocol(Protocol::HttpBinary)
            .build()?;
        let instruments = Arc::clone(&self.instruments);
        Ok(traces::provider(exporter, resource(), instruments).build())
    }

    /// Sends metrics once at the start, so that a receiver that does not take them is
    /// told of now and not in a minute.
    fn try_out(&self) -> io::Result<()> {
        let meters = self.meters.clone();
        // The last handle, when dropped, waits for the receiver. Only `end` may wait: whoever
        // ends otherwise was told to end at once.
        std::mem::forget(self.meters.clone());
        let thread = std::thread::Builder::new();
        thread.spawn(move || drop(meters.force_flush())).map(drop)
    }

    fn count_failures(&self, posts: Vec<Arc<Post>>) {
        self.instruments
            .observe(&metrics::EXPORT_FAILURES, move |readings| {
                for post in &posts {
                    readings.with("signal", post.signal(), post.failures() as f64);
                }
            });
    }

    fn describe_process(&self) {
        self.instruments.observe(&metrics::BUILD_INFO, |readings| {
            readings.with("version", env!("CARGO_PKG_VERSION"), 1.0);
        });
        self.instruments
            .observe(&metrics::PROCESS_MEMORY, |readings| {
                readings.is(resident_bytes());
            });
    }
}

/// The metrics in Prometheus' text format.
pub struct Scrape(Registry);

impl ops::Metrics for Scrape {
    fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.0.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}

fn pushing(post: &Arc<Post>) -> Result<MetricExporter, ExporterBuildError> {
    MetricExporter::builder()
        .with_http()
        .with_http_client(Carrier(Arc::clone(post)))
        .with_protocol(Protocol::HttpBinary)
        .build()
}

/// The ways of metrics and of traces, each where it is asked for.
fn posts(push: &Push) -> Result<[Option<Arc<Post>>; 2], TelemetryFault> {
    if !push.traces && !push.metrics {
        return Ok([None, None]);
    }
    let office = Arc::new(Office::open(&trust()?)?);
    let post = |asked: bool, signal| asked.then(|| Post::new(Arc::clone(&office), signal));
    Ok([post(push.metrics, "metrics"), post(push.traces, "traces")])
}

/// Whom to believe to be the receiver: the public authorities, and those of the file that the
/// standard variable names.
fn trust() -> Result<TlsOptions, TlsError> {
    let file = std::env::var_os("OTEL_EXPORTER_OTLP_CERTIFICATE");
    TlsOptions::load(
        file.filter(|file| !file.is_empty())
            .as_deref()
            .map(Path::new),
    )
}

/// `service.name` is `scimgate` unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say
/// otherwise.
fn resource() -> Resource {
    let asked = Resource::builder().build();
    let name = asked.get(&"service.name".into());
    let is_named = name.is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let ours = Resource::builder().with_attribute(version);
    match is_named {
        true => ours.build(),
        false => ours.with_service_name("scimgate").build(),
    }
}

/// Each instrument may have as many sets of labels as it needs: the SDK reserves
/// memory for all of them.
fn bounded(instrument: &Instrument) -> Option<Stream> {
    let metric = metrics::named(instrument.name())?;
    let stream = Stream::builder().with_cardinality_limit(metric.sets);
    stream.build().ok()
}

/// Resident memory, where the operating system is Linux.
fn resident_bytes() -> Option<f64> {
    const PAGE: f64 = 4096.0;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE)
}

/// Methods in fixed words.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "_OTHER",
    }
}
