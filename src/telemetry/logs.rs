//! Log lines: JSON or text on standard error, panics with them.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use super::lines::Lines;
use crate::config::{Log, LogFormat};
use crate::provisioning::TRACE_ONLY;

/// Libraries whose news is not an operator's. The configured filter may say otherwise.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,rustls=warn,tower=warn,mio=warn";

/// Sends log lines to standard error from now on, and spans to `traces`.
///
/// # Errors
/// The filter is not one of `tracing-subscriber`'s. A second call changes nothing.
pub(super) fn begin<L>(log: &Log, traces: Option<L>) -> Result<(), ParseError>
where
    L: Layer<Registry> + Send + Sync,
{
    let filter = format!("{QUIET},{TRACE_ONLY}=off,{}", log.filter);
    let filter = EnvFilter::builder().parse(filter)?;
    let lines = match log.format {
        // The current span carries `request_id`, `tenant` and, where there are traces, `trace_id`.
        LogFormat::Json => Lines(io::stderr).boxed(),
        LogFormat::Text => {
            // Colours are for people who look; in a file they are rubbish.
            let ansi = io::stderr().is_terminal();
            fmt::layer().with_writer(io::stderr).with_ansi(ansi).boxed()
        }
    };
    let all = tracing_subscriber::registry()
        .with(traces)
        .with(lines.with_filter(filter));
    let _ = all.try_init();
    std::panic::set_hook(Box::new(note_panic));
    Ok(())
}

/// Where, and not what: a panic's message may hold a person's data.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let (file, line) = panic
        .location()
        .map_or(("unknown", 0), |place| (place.file(), place.line()));
    tracing::error!(file, line, "panicked");
}
