//! Log lines: set up once, by the command line only. Everybody else writes
//! `tracing::info!(fields…, "fixed words")`.

use std::io;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt;

use crate::config::{Log, LogFormat};

/// Libraries whose news is not an operator's. The configured filter may say otherwise.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,rustls=warn,tower=warn,mio=warn";

/// Sends log lines to standard error from now on, and panics with them.
///
/// # Errors
/// The filter is not one of `tracing-subscriber`'s
/// (`info,scimgate::vendor=debug`). A second call changes nothing.
pub fn init(log: &Log) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(format!("{QUIET},{}", log.filter))?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(true);
    let _ = match log.format {
        // The current span carries `request_id` and `tenant`.
        LogFormat::Json => lines.json().with_span_list(false).try_init(),
        LogFormat::Text => lines.try_init(),
    };
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
