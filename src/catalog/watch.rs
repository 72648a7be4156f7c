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
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
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
    thread: Option<JoinHandle<()>>,
}

enum Signal {
    Changed,
    /// The watcher is of no use any more.
    Failed,
    Stop,
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
        let watching = Watching {
            reloader,
            means,
            timing,
            signals: signals.clone(),
            received,
            watcher: None,
            watched: BTreeMap::new(),
            missing: false,
            warned: false,
        };
        let thread = std::thread::Builder::new().name("reload".to_owned());
        let thread = thread.spawn(move || watching.run())?;
        Ok(Self {
            signals,
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let told = self.signals.send(Signal::Stop);
        if let (Ok(()), Some(thread)) = (told, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Watching {
    reloader: Reloader,
    means: Means,
    timing: Timing,
    signals: SyncSender<Signal>,
    received: Receiver<Signal>,
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
        loop {
            if self.follow() {
                // And what changed in a directory before it was watched again.
                self.look();
            }
            let pause = if self.missing {
                self.timing.poll.min(MISSING)
            } else {
                self.timing.poll
            };
            match self.received.recv_timeout(pause) {
                Ok(Signal::Changed) => {
                    if !self.settled() {
                        return;
                    }
                    self.look();
                }
                Ok(Signal::Failed) => self.start_again(),
                Err(RecvTimeoutError::Timeout) => {
                    self.guarded(Reloader::expire);
                    if self.means != Means::Inotify || self.missing {
                        self.look();
                    }
                }
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&self) {
        if self.means != Means::Off {
            self.guarded(|reloader| drop(reloader.reload(Demand::Changed)));
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

    /// Waits until nothing changes any more; `false` when it is to stop.
    fn settled(&self) -> bool {
        let latest = Instant::now() + self.timing.longest;
        loop {
            let left = latest.saturating_duration_since(Instant::now());
            match self.received.recv_timeout(self.timing.quiet.min(left)) {
                Ok(Signal::Changed | Signal::Failed) if !left.is_zero() => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                _ => return true,
            }
        }
    }

    /// Watches what the files lie in now. Gives whether any of it is new.
    fn follow(&mut self) -> bool {
        if matches!(self.means, Means::Poll | Means::Off) {
            return false;
        }
        let Some(mut watcher) = self.watcher.take().or_else(|| self.watcher()) else {
            self.missing = true;
            return false;
        };
        let wanted = self.reloader.directories();
        self.watched.retain(|directory, _| {
            let stays = wanted.contains(directory);
            if !stays {
                // It may be gone already.
                let _ = watcher.unwatch(directory);
            }
            stays
        });
        self.missing = false;
        let mut any_new = false;
        for directory in wanted {
            let identity = identity(&directory);
            if identity.is_some() && self.watched.get(&directory).copied() == identity {
                continue;
            }
            let _ = watcher.unwatch(&directory);
            self.watched.remove(&directory);
            match identity.filter(|_| {
                watcher
                    .watch(&directory, RecursiveMode::NonRecursive)
                    .is_ok()
            }) {
                Some(identity) => {
                    self.watched.insert(directory, identity);
                    any_new = true;
                }
                None => self.missing = true,
            }
        }
        self.watcher = Some(watcher);
        any_new
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
        match made {
            Ok(watcher) => {
                self.warned = false;
                Some(watcher)
            }
            Err(error) => {
                if !self.warned {
                    self.warned = true;
                    tracing::warn!(%error, action = "raise fs.inotify.max_user_instances and max_user_watches, or set catalog.watch = \"poll\"", "directories cannot be watched; they are looked at every second instead");
                }
                None
            }
        }
    }

    fn start_again(&mut self) {
        self.watcher = None;
        self.watched.clear();
        self.look();
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
