//! What makes the reloader look: events of directories, and a look every few
//! seconds as a net, for some file systems and mounts have no events.
//!
//! Directories are watched and never files: a ConfigMap's files are symbolic
//! links that stay as they are, and an editor's are replaced by others of the
//! same name.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use serde::{Deserialize, Serialize};

use super::reload::{Demand, Reloader};

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// By events, and by a look every ten seconds.
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

/// Watches until it is dropped.
pub struct Watch {
    signals: SyncSender<Signal>,
    asked: Arc<Asked>,
}

enum Signal {
    Changed,
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
        // Events beyond these say nothing that those waiting do not.
        let (signals, received) = sync_channel(16);
        let asked = Arc::new(Asked::default());
        let watching = Watching {
            reloader,
            means,
            timing,
            signals: signals.clone(),
            received,
            asked: Arc::clone(&asked),
            watcher: None,
            watched: BTreeMap::new(),
            missing: false,
            warned: false,
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
    signals: SyncSender<Signal>,
    received: Receiver<Signal>,
    asked: Arc<Asked>,
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of what is watched under each name: a directory that was
    /// deleted and made again is another one.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    missing: bool,
    warned: bool,
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
                    if let Signal::Failed = signal {
                        self.watcher = None;
                    }
                    self.settle();
                    self.look();
                }
                Err(_) => {
                    self.guarded(Reloader::expire);
                    if self.means != Means::Inotify || self.missing {
                        self.look();
                    }
                }
            }
        }
    }

    fn pause(&self) -> Duration {
        match self.missing {
            true => self.timing.poll.min(MISSING),
            false => self.timing.poll,
        }
    }

    fn look(&self) {
        let asked = self.asked.again.swap(false, Ordering::Acquire);
        let demand = if asked {
            Demand::Again
        } else {
            Demand::Changed
        };
        if asked || self.means != Means::Off {
            self.guarded(|reloader| drop(reloader.reload(demand)));
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
                Ok(Signal::Changed) => {}
                Ok(Signal::Failed) => self.watcher = None,
                Err(_) => return,
            }
        }
    }

    /// Watches what the files lie in now. Gives whether any of it is new.
    fn follow(&mut self) -> bool {
        if matches!(self.means, Means::Poll | Means::Off) {
            return false;
        }
        let watcher = self.watcher.take().or_else(|| self.watcher());
        self.missing = watcher.is_none();
        let Some(mut watcher) = watcher else {
            return false;
        };
        let wanted = self.reloader.directories();
        let watched = std::mem::take(&mut self.watched);
        for (directory, known) in &watched {
            if !wanted.contains(directory) || identity(directory) != Some(*known) {
                // It may be gone already.
                let _ = watcher.unwatch(directory);
            } else {
                self.watched.insert(directory.clone(), *known);
            }
        }
        let old = self.watched.len();
        for directory in wanted {
            if self.watched.contains_key(&directory) {
                continue;
            }
            let found = identity(&directory);
            let begin = |_: &_| {
                watcher
                    .watch(&directory, RecursiveMode::NonRecursive)
                    .is_ok()
            };
            match found.filter(begin) {
                Some(found) => drop(self.watched.insert(directory, found)),
                None => self.missing = true,
            }
        }
        self.watcher = Some(watcher);
        self.watched.len() > old
    }

    fn watcher(&mut self) -> Option<RecommendedWatcher> {
        let signals = self.signals.clone();
        let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // A full queue holds a signal that makes us look, later than now.
            let _ = match event {
                Ok(event) if counts(&event) => signals.try_send(Signal::Changed),
                Ok(_) => Ok(()),
                Err(_) => signals.try_send(Signal::Failed),
            };
        });
        self.watched.clear();
        let failed = made.as_ref().err().filter(|_| !self.warned);
        if let Some(error) = failed {
            let action = "raise fs.inotify.max_user_instances and max_user_watches, or set catalog.watch = \"poll\"";
            tracing::warn!(%error, action, "directories cannot be watched; they are looked at instead");
        }
        self.warned = made.is_err();
        made.ok()
    }
}

/// Reading a file must not: a reload would make itself look again.
fn counts(event: &notify::Event) -> bool {
    event.need_rescan() || !matches!(event.kind, EventKind::Access(_))
}

fn identity(directory: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(directory).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
