//! Everything the gateway logs in this process, down to TRACE, so that a test
//! can look for what must not be there; and its [`traces`](super::traces).

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts to capture, once a process, and gives the place where the log is now.
pub(crate) fn capture() -> usize {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_writer(|| Tap)
            .with_filter(Targets::new().with_target("scimgate", LevelFilter::TRACE));
        tracing_subscriber::registry()
            .with(super::traces::layer())
            .with(lines)
            .init();
    });
    lines().len()
}

/// What was logged from a place on, whoever wrote it: tests run side by side,
/// so words to look for are to be [unique](super::unique).
pub(crate) fn since(from: usize) -> String {
    let bytes = lines()[from..].to_vec();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Tap;

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lines().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Else the whole search would find nothing and mean nothing.
#[test]
fn what_is_logged_is_found() {
    let from = capture();
    let word = super::unique("logged-");
    assert!(!since(from).contains(&word));
    tracing::trace!(target: "scimgate::vendor", value = word, "a call");
    assert!(since(from).contains(&word));
    let word = super::unique("span-");
    let _span = tracing::trace_span!(target: "scimgate::server", "request", value = word).entered();
    assert!(since(from).contains(&word));
}
