//! What of a span leaves the house.
//!
//! Everybody makes spans with `tracing`, in the words of log lines. On their way
//! out they get the names of OpenTelemetry's semantic conventions, by a list:
//! what is not on it is dropped, so that nobody can let a user name, a filter's
//! value, a token or a body out by writing it into a span. Events are dropped whole.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};

use super::instruments::Instruments;
use super::metrics::SERVER_ADDRESS;

/// One sort of span.
#[derive(Debug)]
pub struct Sort {
    /// As `tracing` knows it.
    pub name: &'static str,
    /// As traces show it, from its attributes.
    pub shown: &'static str,
    /// What it stands for.
    pub help: &'static str,
    kind: SpanKind,
    /// Fields of `tracing`, and what they are called outside.
    fields: &'static [(&'static str, Attribute)],
}

/// What is told outside of a field.
#[derive(Debug)]
pub struct Attribute {
    /// Its key.
    pub key: &'static str,
    /// What it says.
    pub help: &'static str,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Fixed words and numbers.
    Plain,
    /// A template below the Tenant URL.
    Route,
    /// By the rule for tenants.
    Tenant,
    /// By the rule for hosts.
    Host,
}

const fn plain(key: &'static str, help: &'static str) -> Attribute {
    Attribute {
        key,
        help,
        form: Form::Plain,
    }
}

/// What `error.type` is made of, beside a field of its own.
const STATUS: &str = "http.response.status_code";

/// All sorts of spans.
pub const SORTS: &[Sort] = &[
    Sort {
        name: "request",
        shown: "{method} {route}",
        help: "A request, until the write it asked for has ended.",
        kind: SpanKind::Server,
        fields: &[
            (
                "request_id",
                plain(
                    "scimgate.request_id",
                    "The request id of the answer and of log lines.",
                ),
            ),
            ("method", plain("http.request.method", "")),
            (
                "route",
                Attribute {
                    key: "http.route",
                    help: "`/scim/v2/Users/{id}`, for both forms of Tenant URL.",
                    form: Form::Route,
                },
            ),
            (
                "tenant",
                Attribute {
                    key: "scimgate.tenant",
                    help: "By the rule of `telemetry.tenant_label`.",
                    form: Form::Tenant,
                },
            ),
            ("status", plain(STATUS, "")),
        ],
    },
    Sort {
        name: "script",
        shown: "script {function}",
        help: "A function of the vendor's script with the mapping around it; `mapping` alone without one.",
        kind: SpanKind::Internal,
        fields: &[
            ("vendor", plain("scimgate.vendor", "The adapter.")),
            (
                "function",
                plain(
                    "scimgate.function",
                    "The function of the script, the last one where several were called.",
                ),
            ),
        ],
    },
    Sort {
        name: "call",
        shown: "{method}",
        help: "One try on the wire towards the vendor; its trace goes along as `traceparent`.",
        kind: SpanKind::Client,
        fields: &[
            ("method", plain("http.request.method", "")),
            (
                "host",
                Attribute {
                    key: SERVER_ADDRESS,
                    help: "By the rule of `telemetry.tenant_label`.",
                    form: Form::Host,
                },
            ),
            ("port", plain("server.port", "")),
            ("status", plain(STATUS, "")),
            ("fault", plain("error.type", "`not_sent` or `reply_lost`.")),
        ],
    },
];

/// An exporter that sees only what may leave.
pub(super) struct Outward<E> {
    exporter: E,
    instruments: Arc<Instruments>,
}

impl<E> Outward<E> {
    pub(super) fn new(exporter: E, instruments: Arc<Instruments>) -> Self {
        Self {
            exporter,
            instruments,
        }
    }

    fn outward(&self, mut span: SpanData) -> Option<SpanData> {
        let sort = SORTS.iter().find(|sort| sort.name == span.name)?;
        let attributes = std::mem::take(&mut span.attributes);
        span.attributes = attributes
            .into_iter()
            .filter_map(|field| self.attribute(sort, field))
            .collect();
        span.events = SpanEvents::default();
        span.links = SpanLinks::default();
        span.span_kind = sort.kind.clone();
        span.status = judge(&mut span, &sort.kind);
        span.name = name(sort, &span.attributes).into();
        Some(span)
    }

    fn attribute(&self, sort: &Sort, field: KeyValue) -> Option<KeyValue> {
        let listed = sort.fields.iter();
        let (_, attribute) = listed
            .into_iter()
            .find(|(name, _)| *name == field.key.as_str())?;
        let text = || field.value.as_str().into_owned();
        let value = match attribute.form {
            Form::Plain => field.value.clone(),
            Form::Tenant => Value::String(self.instruments.tenants.of(&text())),
            Form::Host => Value::String(self.instruments.hosts.of(&text())),
            Form::Route => match text().as_str() {
                "other" => return None,
                "/" => "/scim/v2".into(),
                below => format!("/scim/v2{below}").into(),
            },
        };
        Some(KeyValue::new(attribute.key, value))
    }
}

/// A fault of the server is one for it from 500, for its client from 400.
fn judge(span: &mut SpanData, kind: &SpanKind) -> Status {
    let status = span.attributes.iter().find(|it| it.key.as_str() == STATUS);
    let status = match status.map(|it| &it.value) {
        Some(Value::I64(status)) => *status,
        _ => 0,
    };
    let from = if *kind == SpanKind::Server { 500 } else { 400 };
    let fault = Key::from_static_str("error.type");
    if status >= from {
        span.attributes
            .push(KeyValue::new(fault, status.to_string()));
        return Status::error("");
    }
    match span.attributes.iter().any(|it| it.key == fault) {
        true => Status::error(""),
        false => Status::Unset,
    }
}

/// What a span is called, in words that are few.
fn name(sort: &Sort, attributes: &[KeyValue]) -> String {
    let text = |key: &str| {
        let found = attributes.iter().find(|it| it.key.as_str() == key);
        found.map(|it| it.value.as_str().into_owned())
    };
    let method = text("http.request.method").unwrap_or_default();
    match (sort.name, text("http.route"), text("scimgate.function")) {
        ("request", Some(route), _) => format!("{method} {route}"),
        ("script", _, Some(function)) => format!("script {function}"),
        ("script", ..) => "mapping".to_owned(),
        _ if method.is_empty() => sort.name.to_owned(),
        _ => method,
    }
}

impl Sort {
    /// What it tells, in the order of the documentation.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.fields.iter().map(|(_, attribute)| attribute)
    }
}

impl<E> std::fmt::Debug for Outward<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outward")
    }
}

impl<E: SpanExporter> SpanExporter for Outward<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let batch = batch.into_iter().filter_map(|span| self.outward(span));
        self.exporter.export(batch.collect()).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use opentelemetry::trace::{Event, SpanContext, SpanId};
    use opentelemetry::{InstrumentationScope, StringValue};
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use opentelemetry_sdk::trace::InMemorySpanExporter;
    use std::time::SystemTime;

    use super::*;
    use crate::config::TenantLabel;
    use crate::telemetry::Telemetry;

    fn span(name: &'static str, fields: &[(&'static str, &'static str)]) -> SpanData {
        let attributes = fields
            .iter()
            .map(|(key, value)| KeyValue::new(*key, StringValue::from(*value)));
        let mut events = SpanEvents::default();
        events.events = vec![Event::with_name("anna@example.com")];
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: attributes.collect(),
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: Status::error("anna@example.com"),
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[tokio::test]
    async fn only_what_is_listed_leaves() {
        let told = Telemetry::collecting(SdkMeterProvider::builder(), TenantLabel::Hash).unwrap();
        let exporter = InMemorySpanExporter::default();
        let outward = Outward::new(exporter.clone(), told.instruments());
        let batch = vec![
            span(
                "request",
                &[
                    ("method", "GET"),
                    ("route", "/Users"),
                    ("user", "anna@example.com"),
                ],
            ),
            span(
                "call",
                &[
                    ("method", "GET"),
                    ("host", "acme"),
                    ("path", "/anna@example.com"),
                ],
            ),
            span("request", &[("tenant", "acme"), ("route", "other")]),
            span("diary", &[("method", "anna@example.com")]),
        ];
        outward.export(batch).await.unwrap();
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["GET /scim/v2/Users", "GET", "request"]);
        let told = format!("{spans:?}");
        assert!(!told.contains("anna") && !told.contains("acme"), "{told}");
        assert!(told.contains("822b33ad87c1"), "{told}");
    }
}
