//! Whether the worker threads' event loops turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;

const EVERY: Duration = Duration::from_secs(1);
/// Scripts give way long before; a thread that is silent for so long will not come back.
const SILENT: Duration = Duration::from_secs(30);

/// When each worker thread last came round. Shared by all of them.
#[derive(Clone)]
pub struct Pulse {
    began: Instant,
    /// Milliseconds since `began`.
    last: Arc<[AtomicU64]>,
}

impl Pulse {
    pub(super) fn of(workers: usize) -> Self {
        Self {
            began: Instant::now(),
            last: (0..workers).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Beats for one thread for as long as it is polled.
    pub(super) async fn beat(&self, worker: usize) {
        loop {
            if let Some(last) = self.last.get(worker) {
                last.store(self.now(), Ordering::Relaxed);
            }
            sleep(EVERY).await;
        }
    }

    /// The thread has ended as it should: while the others drain, its silence says nothing.
    pub(super) fn ended(&self, worker: usize) {
        if let Some(last) = self.last.get(worker) {
            last.store(u64::MAX, Ordering::Relaxed);
        }
    }

    /// Whether every thread came round in the last 30 seconds, or has ended.
    pub fn is_steady(&self) -> bool {
        let now = self.now();
        let silence = |last: &AtomicU64| now.saturating_sub(last.load(Ordering::Relaxed));
        self.last
            .iter()
            .all(|last| u128::from(silence(last)) < SILENT.as_millis())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_silent_thread_of_two_is_seen() {
        let mut pulse = Pulse::of(2);
        assert!(pulse.is_steady());
        if let Some(earlier) = Instant::now().checked_sub(SILENT) {
            pulse.began = earlier;
            assert!(!pulse.is_steady());
            let beaten = |worker| {
                pulse.last.get(worker).map(|last: &AtomicU64| {
                    last.store(pulse.now(), Ordering::Relaxed);
                })
            };
            assert!(beaten(0).is_some() && !pulse.is_steady());
            assert!(beaten(1).is_some() && pulse.is_steady());
            pulse.ended(0);
            pulse.began -= SILENT;
            assert!(!pulse.is_steady(), "the other one is silent");
            pulse.ended(1);
            assert!(pulse.is_steady());
        }
    }
}
