//! What makes the reloader look: events of directories, and a look every few
//! seconds as a net, for some file systems and mounts have no events.
//!
//! Directories are watched and never files: a ConfigMap's files are symbolic
//! links that stay as they are, and an editor's are replaced by others of the
//! same name.

mod directories;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::reload::{Demand, Reloader};
use directories::Directories;

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// By events, and by a look every ten seconds; less often, down to once a minute, where there
    /// are thousands of files.
    Auto,
    /// By events only.
    Inotify,
    /// By a look every ten seconds only.
    Poll,
    /// Not at all.
    Off,
}

/// How patient the watch is.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// So long nothing more must change before the disk is looked at: a file is
    /// often written in pieces, and several belong together.
    pub quiet: Duration,
    /// So long at most a change waits for others.
    pub longest: Duration,
    /// How often the disk is looked at without an event.
    pub poll: Duration,
}

impl Default for Timing {
    /// A good change is to be live within a second, transcripts and all.
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(250),
            longest: Duration::from_secs(2),
            poll: Duration::from_secs(10),
        }
    }
}

/// While a directory is missing, it may come back any time.
const MISSING: Duration = Duration::from_secs(1);

/// Where events tell of changes too, the next look comes after so many times the time of this one, if
/// that is longer than the usual interval.
const PART: u32 = 250;
/// The longest time between two looks.
const SELDOM: Duration = Duration::from_secs(60);

/// Watches until it is dropped.
pub struct Watch {
    signals: SyncSender<Signal>,
    asked: Arc<Asked>,
}

enum Signal {
    Changed,
    /// This was removed or renamed, and may be a directory that was watched.
    Gone(PathBuf),
    /// The watcher is of no use any more.
    Failed,
}

/// What the thread is told beside signals, which a full queue refuses.
#[derive(Default)]
struct Asked {
    again: AtomicBool,
    stop: AtomicBool,
}

impl Watch {
    /// Starts the thread that reloads. Its first work is to play the transcripts
    /// of what was loaded already.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub fn start(reloader: Reloader, means: Means, timing: Timing) -> io::Result<Self> {
        // Events beyond these say nothing that those waiting do not, or the look
        // every few seconds would not find.
        let (signals, received) = sync_channel(1024);
        let asked = Arc::new(Asked::default());
        let by_events = matches!(means, Means::Auto | Means::Inotify);
        let watching = Watching {
            reloader,
            means,
            timing,
            directories: by_events.then(|| Directories::new(signals.clone())),
            received,
            asked: Arc::clone(&asked),
            took: [Duration::ZERO; 2],
        };
        let thread = std::thread::Builder::new().name("reload".to_owned());
        thread.spawn(move || watching.run())?;
        Ok(Self { signals, asked })
    }

    /// Has the thread load again, what was refused too. Does not wait for it.
    pub fn ask(&self) {
        self.tell(&self.asked.again);
    }

    fn tell(&self, what: &AtomicBool) {
        what.store(true, Ordering::Release);
        // In a full queue there is one already that wakes it.
        let _ = self.signals.try_send(Signal::Changed);
    }
}

impl Drop for Watch {
    /// Does not wait: a reload under way may take a while, and changes nothing
    /// that outlives the process.
    fn drop(&mut self) {
        self.tell(&self.asked.stop);
    }
}

/// The thread's own.
struct Watching {
    reloader: Reloader,
    means: Means,
    timing: Timing,
    /// `None` where events do not count.
    directories: Option<Directories>,
    received: Receiver<Signal>,
    asked: Arc<Asked>,
    /// How long the last two looks took that found nothing new. The shorter one counts: whatever
    /// else the machine does makes one of them longer.
    took: [Duration; 2],
}

impl Watching {
    fn run(mut self) {
        self.follow();
        self.guarded(Reloader::prove);
        // What changed before the watch began.
        self.look();
        while !self.asked.stop.load(Ordering::Acquire) {
            if self.follow() {
                // What changed in a directory before it was watched.
                self.look();
            }
            match self.received.recv_timeout(self.pause()) {
                Ok(signal) => {
                    self.heed(signal);
                    if !self.asked.again.load(Ordering::Acquire) {
                        self.settle();
                    }
                    self.look();
                }
                Err(_) => {
                    if self.means != Means::Inotify || self.misses() {
                        self.look();
                    }
                }
            }
            // Also where something is written again and again, and it is never quiet.
            self.guarded(Reloader::expire);
        }
    }

    /// Watches what the files lie in now. Gives whether any of it is new.
    fn follow(&mut self) -> bool {
        let directories = self.directories.as_mut();
        directories.is_some_and(|directories| directories.follow(self.reloader.places()))
    }

    fn misses(&self) -> bool {
        self.directories
            .as_ref()
            .is_some_and(Directories::is_missing_some)
    }

    fn pause(&self) -> Duration {
        let took = self.took.into_iter().min().unwrap_or_default();
        pause(self.timing.poll, self.means, self.misses(), took)
    }

    fn heed(&mut self, signal: Signal) {
        match (signal, &mut self.directories) {
            (Signal::Gone(path), Some(directories)) => directories.forget(&path),
            (Signal::Failed, Some(directories)) => directories.begin_again(),
            _ => {}
        }
    }

    fn look(&mut self) {
        let began = Instant::now();
        let asked = self.asked.again.swap(false, Ordering::Acquire);
        let demand = if asked {
            Demand::Again
        } else {
            Demand::Changed
        };
        let mut loaded = false;
        if asked || self.means != Means::Off {
            self.guarded(|reloader| loaded = reloader.reload(demand).looked);
        }
        if !loaded {
            let [_, before] = self.took;
            self.took = [before, began.elapsed()];
        }
    }

    /// A defect in one reload must not end all later ones.
    fn guarded(&self, work: impl FnOnce(&Reloader)) {
        if catch_unwind(AssertUnwindSafe(|| work(&self.reloader))).is_err() {
            tracing::error!(
                action = "report the defect",
                "a reload failed by a defect of the gateway"
            );
        }
    }

    /// Waits until nothing changes any more, but not for ever.
    fn settle(&mut self) {
        let latest = Instant::now() + self.timing.longest;
        while Instant::now() < latest {
            match self.received.recv_timeout(self.timing.quiet) {
                Ok(signal) => self.heed(signal),
                Err(_) => return,
            }
        }
    }
}

/// How long events alone count, where a look `took` so long.
fn pause(poll: Duration, means: Means, misses: bool, took: Duration) -> Duration {
    match (misses, means) {
        (true, _) => poll.min(MISSING),
        (false, Means::Auto) => (took * PART).min(SELDOM).max(poll),
        (false, _) => poll,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_take_long_come_seldom_where_events_tell_too() {
        let poll = Duration::from_secs(10);
        let after = |means, misses, millis| {
            let pause = pause(poll, means, misses, Duration::from_millis(millis));
            pause.as_secs()
        };
        assert_eq!(after(Means::Auto, false, 1), 10);
        assert_eq!(after(Means::Auto, false, 30), 10);
        assert_eq!(after(Means::Auto, false, 100), 25);
        assert_eq!(after(Means::Auto, false, 5000), 60);
        assert_eq!(after(Means::Poll, false, 5000), 10);
        assert_eq!(after(Means::Auto, true, 5000), 1);
    }
}
