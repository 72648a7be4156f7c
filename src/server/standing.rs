//! How a connection stands: whose it is, whether anything is being answered on it, and since when
//! nothing is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::permits::Source;

/// How long a connection is left alone before another may take its place: long enough for the
/// first request of one that was just opened.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// How long it is left alone where its network holds most places: until a request that came with it
/// is read. A client of that network that is far away, and needs longer for its TLS handshake, may
/// lose its place while somebody there opens connections as fast as that.
const JUST_OPENED: Duration = Duration::from_millis(20);

/// How willingly a connection is given up for another: strangers first, then by idle time.
pub(super) type Expendable = (bool, Duration);

/// One connection, as all threads see it.
#[derive(Debug)]
pub(super) struct Standing {
    source: Source,
    busy: AtomicUsize,
    admitted: AtomicBool,
    ending: AtomicBool,
    idle_since: Mutex<Instant>,
    ended: Notify,
}

impl Standing {
    /// A connection from `source` on which there was no request yet.
    pub(super) fn of(source: Source) -> Self {
        Self {
            source,
            busy: AtomicUsize::new(0),
            admitted: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            idle_since: Mutex::new(Instant::now()),
            ended: Notify::new(),
        }
    }

    /// The network it comes from.
    pub(super) fn source(&self) -> Source {
        self.source
    }

    /// A request begins.
    pub(super) fn begin(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// A request was answered.
    pub(super) fn answered(&self) {
        *self
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// A request on it had a good token.
    pub(super) fn admit(&self) {
        self.admitted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_admitted(&self) -> bool {
        self.admitted.load(Ordering::Relaxed)
    }

    /// How willingly it is given up; `None` if it is being used, is ending, or was used or opened
    /// within the last second.
    pub(super) fn expendable(&self) -> Option<Expendable> {
        let idle = self.idle()?;
        (idle >= LEFT_ALONE).then_some((!self.is_admitted(), idle))
    }

    /// The same where its network holds most places; `None` also if a valid token was used on it.
    pub(super) fn expendable_if_stranger(&self) -> Option<Expendable> {
        let idle = self.idle()?;
        (idle >= JUST_OPENED && !self.is_admitted()).then_some((true, idle))
    }

    /// For how long nothing has been answered on it; `None` if something is, or if it is ending.
    pub(super) fn idle(&self) -> Option<Duration> {
        let since = *self
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_ending = self.ending.load(Ordering::Relaxed);
        (!is_ending && !self.is_busy()).then(|| since.elapsed())
    }

    /// Asks the connection to end for another's sake.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.ended.notify_one();
    }

    /// When it is asked to.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }
}
