//! Every metric there is: its name, unit, labels and meaning. What is measured
//! elsewhere names one of these; `deploy/telemetry.md` is written from them.

/// One metric. Names and units are OpenTelemetry's; Prometheus sees
/// `http_server_request_duration_seconds` and `scimgate_provisioning_events_total`.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// `scimgate.provisioning.events`.
    pub name: &'static str,
    /// How it is counted.
    pub kind: Kind,
    /// UCUM: `s`, `By`, or a noun in braces; empty for a state.
    pub unit: &'static str,
    /// Keys of its labels, sorted: the SDK finds a sorted set at the first look.
    pub labels: &'static [&'static str],
    /// What it says, in one sentence.
    pub help: &'static str,
    /// Sets of labels at most; more are counted together as `otel_metric_overflow`.
    pub sets: usize,
}

/// How a metric is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows.
    Counter,
    /// A value that stands now.
    Gauge,
    /// A spread of durations or sizes.
    Histogram,
    /// A number of things under way.
    UpDown,
}

impl Kind {
    /// As documents name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::UpDown => "up-down counter",
        }
    }
}

/// Bounds of durations, in seconds: those of the semantic conventions.
pub const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Bounds of a script's CPU-like costs, in seconds: most take well below a millisecond, and
/// with the vendor's answers up to a request's whole time.
pub const SCRIPT_SECONDS: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 45.0,
];

/// Bounds of a script's operations.
pub const OPERATIONS: &[f64] = &[
    10.0,
    50.0,
    100.0,
    500.0,
    1_000.0,
    5_000.0,
    10_000.0,
    100_000.0,
    1_000_000.0,
];

/// Label of a tenant, by the rule of `telemetry.tenant_label`.
pub const TENANT: &str = "tenant";
/// Label of a vendor's host, by the same rule: it may name the customer.
pub const SERVER_ADDRESS: &str = "server.address";

/// Label sets of a metric with one set a tenant.
const PER_TENANT: usize = 1_100;

macro_rules! metrics {
    ($($(#[$doc:meta])* $constant:ident = $kind:ident $name:literal $unit:literal [$($label:expr),*] $sets:expr, $help:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $constant: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
                sets: $sets,
            };
        )*

        /// All of them, in the order of the documentation.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    /// Semantic conventions: HTTP server.
    REQUEST_DURATION = Histogram "http.server.request.duration" "s"
        ["error.type", "http.request.method", "http.response.status_code", "http.route", "url.scheme"] 2_000,
        "How long requests took until their answer, or until the client hung up (`error.type` is then `hung_up`).";
    /// Semantic conventions: HTTP server.
    ACTIVE_REQUESTS = UpDown "http.server.active_requests" "{request}"
        ["http.request.method", "url.scheme"] 50,
        "Requests being worked on.";
    /// Semantic conventions: HTTP client.
    CALL_DURATION = Histogram "http.client.request.duration" "s"
        ["error.type", "http.request.method", "http.response.status_code", SERVER_ADDRESS, "server.port"] 5_000,
        "How long tries on the wire towards vendors took, token requests included; `error.type` is the status from 400, `not_sent` or `reply_lost`.";
    /// What Entra's administrator sees too.
    EVENTS = Counter "scimgate.provisioning.events" "{event}"
        ["action", "code", "resource", "status", TENANT] 20_000,
        "Finished operations, in the words of Entra's provisioning log.";
    /// Quarantine comes at once with these.
    TOKENS_REFUSED = Counter "scimgate.token.refused" "{request}"
        [TENANT] PER_TENANT,
        "Requests with a token of the tenant that is revoked, expired or not whole: Entra puts the job into quarantine for them.";
    /// One fiber's run.
    SCRIPT_DURATION = Histogram "scimgate.script.duration" "s"
        ["function", "vendor"] 500,
        "How long a vendor's functions took, waiting for the vendor included.";
    /// What rhai counts.
    SCRIPT_OPERATIONS = Histogram "scimgate.script.operations" "{operation}"
        ["function", "vendor"] 500,
        "Operations of the script engine in a vendor's functions.";
    /// The id cache.
    CACHE_REQUESTS = Counter "scimgate.cache.requests" "{request}"
        ["result"] 10,
        "Look-ups of vendors' ids in the cache, by `hit` or `miss`.";
    /// Those who wait for a vendor's place.
    QUEUE_DEPTH = Gauge "scimgate.queue.depth" "{call}"
        [TENANT] PER_TENANT,
        "Vendor calls that wait for a free place of their tenant.";
    /// The circuit to the vendor.
    BREAKER_STATE = Gauge "scimgate.breaker.state" ""
        [TENANT] PER_TENANT,
        "1 while the circuit to the tenant's vendor is open, else 0.";
    /// The vendor's opinion of our credential.
    CREDENTIAL_REFUSED = Gauge "scimgate.vendor.credential_refused" ""
        [TENANT] PER_TENANT,
        "1 while the vendor refuses the tenant's credential, else 0.";
    /// What is the matter with a tenant now.
    TENANT_CONDITION = Gauge "scimgate.tenant.condition" ""
        ["condition", TENANT] 5_000,
        "1 while something is the matter with the tenant, by what it is, judged from its latest requests; absent while nothing is.";
    /// Health of Entra's job.
    QUARANTINE_RISK = Gauge "scimgate.tenant.quarantine_risk" ""
        [TENANT] PER_TENANT,
        "How near Entra is to putting the tenant's job into quarantine: 0 ok, 1 watch, 2 high.";
    /// When a tenant's tokens end.
    TOKEN_EXPIRY = Gauge "scimgate.token.expiry" "s"
        [TENANT] PER_TENANT,
        "When the last of the tenant's tokens expires, in Unix time; absent if one never does.";
    /// When the certificate ends.
    CERTIFICATE_EXPIRY = Gauge "scimgate.certificate.expiry" "s"
        [] 10,
        "When the gateway's own certificate expires, in Unix time.";
    /// Reloads tried.
    RELOADS = Counter "scimgate.reload.attempts" "{reload}"
        [] 10,
        "How often files on disk had changed, or were loaded again on demand.";
    /// The last reload's result.
    RELOAD_SUCCESS = Gauge "scimgate.reload.success" ""
        [] 10,
        "1 if everything on disk is what is running, 0 if something was rejected and its last good version is running.";
    /// The last reload that took everything.
    RELOAD_SUCCESS_TIME = Gauge "scimgate.reload.last_success" "s"
        [] 10,
        "When everything on disk was last taken, in Unix time.";
    /// What runs, to compare pods by.
    RELOAD_INFO = Gauge "scimgate.reload.info" ""
        ["catalog"] 100,
        "Always 1; its label is the hash of the catalog that runs, the same on all pods that run the same.";
    /// Store faults.
    STORE_ERRORS = Counter "scimgate.store.errors" "{error}"
        [] 10,
        "Commands that the store could not carry out.";
    /// Gaps in the log.
    EVENTS_LOST = Counter "scimgate.log.events_lost" "{event}"
        [] 10,
        "Events that are missing in the provisioning log, because the store took them too slowly.";
    /// Telemetry's own faults.
    EXPORT_FAILURES = Counter "scimgate.telemetry.export.failures" "{export}"
        ["signal"] 10,
        "Exports of traces or metrics that the receiver did not take; 0 from the start, where an export is configured.";
    /// What runs.
    BUILD_INFO = Gauge "scimgate.build.info" ""
        ["version"] 10,
        "Always 1; its label is the gateway's version.";
    /// Semantic conventions: process.
    PROCESS_MEMORY = Gauge "process.memory.usage" "By"
        [] 10,
        "Resident memory of the process.";
}

/// The metric of a name.
pub(super) fn named(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_labels_sorted() {
        for (place, metric) in ALL.iter().enumerate() {
            assert!(metric.labels.is_sorted(), "{}", metric.name);
            let found = ALL.iter().position(|other| other.name == metric.name);
            assert_eq!(found, Some(place), "{}", metric.name);
        }
    }
}
