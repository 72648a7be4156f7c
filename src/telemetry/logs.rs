//! Log lines: JSON or text on standard error, panics with them.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use super::lines::Lines;
use crate::config::{Log, LogFormat};
use crate::provisioning::TRACE_ONLY;

/// Libraries whose news is not an operator's. The configured filter may say otherwise.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,rustls=warn,mio=warn";

/// Sends log lines to standard error from now on, and spans to `traces`.
///
/// # Errors
/// The filter cannot be read. A second call changes nothing.
pub(super) fn begin<L>(log: &Log, traces: Option<L>) -> Result<(), Unreadable>
where
    L: Layer<Registry> + Send + Sync,
{
    let filter = levels(&log.filter)?;
    let registry = tracing_subscriber::registry();
    // Where there is nothing but lines, the filter is before all: one of their own would be asked
    // again at each step of a span.
    let _ = match traces {
        None => registry.with(filter).with(lines(log.format)).try_init(),
        Some(traces) => {
            let lines = lines(log.format).with_filter(filter);
            registry.with(traces).with(lines).try_init()
        }
    };
    std::panic::set_hook(Box::new(note_panic));
    Ok(())
}

/// The current span carries `request_id`, `tenant` and, where there are traces, `trace_id`.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match format {
        LogFormat::Json => Lines(io::stderr).boxed(),
        LogFormat::Text => {
            // Colours are for people who look; in a file they are rubbish.
            let ansi = io::stderr().is_terminal();
            fmt::layer().with_writer(io::stderr).with_ansi(ansi).boxed()
        }
    }
}

/// `log.filter` cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Levels by module, as `configured` and as is usual.
pub(super) fn levels(configured: &str) -> Result<Targets, Unreadable> {
    let mut levels = format!("{QUIET},{TRACE_ONLY}=off");
    let pieces = configured.split(',').map(str::trim);
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        // Conditions on spans would be taken for a module's name, and no level for errors only.
        if piece.contains(|letter: char| letter.is_whitespace() || "[]{}".contains(letter))
            || piece.ends_with('=')
        {
            return Err(Unreadable);
        }
        levels = levels + "," + piece;
    }
    levels.parse().map_err(|_| Unreadable)
}

/// Where, and not what: a panic's message may hold a person's data.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let (file, line) = panic
        .location()
        .map_or(("unknown", 0), |place| (place.file(), place.line()));
    tracing::error!(file, line, "panicked");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn levels_are_by_module_and_the_configured_one_counts() {
        let usual = levels("info").unwrap();
        assert!(usual.would_enable("scimgate::vendor", &Level::INFO));
        assert!(!usual.would_enable("scimgate::vendor", &Level::DEBUG));
        assert!(!usual.would_enable("hyper::proto", &Level::INFO));
        assert!(!usual.would_enable(TRACE_ONLY, &Level::ERROR));
        let more = levels("info,scimgate::vendor=debug,hyper=debug").unwrap();
        assert!(more.would_enable("scimgate::vendor::pool", &Level::DEBUG));
        assert!(more.would_enable("hyper::proto", &Level::DEBUG));
        assert!(!more.would_enable("scimgate::store", &Level::DEBUG));
        for wrong in [
            "scimgate=loud",
            "info,scimgate[request]=debug",
            "info,scimgate::vendor=",
            "info scimgate=debug",
        ] {
            assert!(levels(wrong).is_err(), "{wrong}");
        }
        let spaced = levels("info, scimgate::vendor=debug,").unwrap();
        assert!(spaced.would_enable("scimgate::vendor", &Level::DEBUG));
        assert!(spaced.would_enable("scimgate::store", &Level::INFO));
    }
}
