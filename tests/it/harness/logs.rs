//! Everything the gateway logs in this process, down to TRACE, so that a test
//! can look for what must not be there.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts to capture, once a process, and gives the place where the log is now.
pub(crate) fn capture() -> usize {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("off,scimgate=trace"))
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_writer(|| Tap)
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
