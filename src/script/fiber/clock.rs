//! How much CPU time a slice took, and not how long ago it began: a process that was stopped, or
//! a core that was taken away, is not the script's fault.
//!
//! The thread's CPU clock is a system call, the wall clock is not, and no slice takes more CPU
//! time than wall time. So the CPU clock is read only where the wall clock leaves doubt.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A slice shorter than this is charged by the wall clock.
const SHORT: Duration = Duration::from_micros(500);

/// A mark serves slices that begin so soon after it; what the thread did between is charged too.
const FRESH: Duration = Duration::from_micros(50);

/// Both clocks, read together.
#[derive(Clone, Copy)]
struct Mark {
    wall: Instant,
    cpu: Duration,
}

impl Mark {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: of_thread(),
        }
    }
}

thread_local! {
    static MARK: Cell<Option<Mark>> = const { Cell::new(None) };
}

/// The clock of one slice. It is read on the thread it was started on.
#[derive(Clone, Copy)]
pub(super) struct SliceClock {
    began: Instant,
    /// The thread's CPU time when the slice began, or up to [`FRESH`] of wall time before.
    cpu: Duration,
}

impl SliceClock {
    pub(super) fn start() -> Self {
        let began = Instant::now();
        let fresh = MARK
            .get()
            .filter(|mark| began.saturating_duration_since(mark.wall) < FRESH);
        let mark = fresh.unwrap_or_else(|| {
            let mark = Mark::now();
            MARK.set(Some(mark));
            mark
        });
        Self {
            began,
            cpu: mark.cpu,
        }
    }

    /// CPU time since the start, at most [`FRESH`] more than there was if the slice was not short.
    pub(super) fn used(&self) -> Duration {
        let wall = self.wall();
        if wall < SHORT {
            return wall;
        }
        wall.min(of_thread().saturating_sub(self.cpu))
    }

    /// Time since the start, whoever had the core.
    pub(super) fn wall(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(unix)]
fn of_thread() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one `timespec` to a place that is one.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0;
    if failed {
        return by_wall();
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

#[cfg(not(unix))]
fn of_thread() -> Duration {
    by_wall()
}

/// Where there is no such clock, all time counts.
fn by_wall() -> Duration {
    static ORIGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    ORIGIN.elapsed()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn time_without_the_core_is_not_charged() {
        let clock = SliceClock::start();
        std::thread::sleep(Duration::from_millis(60));
        assert!(clock.wall() >= Duration::from_millis(60));
        assert!(
            clock.used() < Duration::from_millis(30),
            "{:?}",
            clock.used()
        );
    }

    #[test]
    fn work_is_charged() {
        let clock = SliceClock::start();
        while clock.used() < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        assert!(clock.wall() >= Duration::from_millis(4));
    }
}
