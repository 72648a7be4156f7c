//! The directories whose events are heard.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use arc_swap::ArcSwap;
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Signal;
use crate::catalog::places::Places;

/// What is watched.
pub(super) struct Directories {
    signals: SyncSender<Signal>,
    /// What of it counts.
    places: Arc<ArcSwap<Places>>,
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of what is watched under each name: a directory that was
    /// deleted and made again is another one.
    watched: BTreeMap<PathBuf, Identity>,
    missing: bool,
    warned: bool,
}

type Identity = (u64, u64);

impl Directories {
    /// None yet. What happens in them will be told to `signals`.
    pub(super) fn new(signals: SyncSender<Signal>) -> Self {
        Self {
            signals,
            places: Arc::default(),
            watcher: None,
            watched: BTreeMap::new(),
            missing: false,
            warned: false,
        }
    }

    /// Whether one is not there, or cannot be watched.
    pub(super) fn is_missing_some(&self) -> bool {
        self.missing
    }

    /// Drops a watcher that told of its end.
    pub(super) fn begin_again(&mut self) {
        self.watcher = None;
        self.watched.clear();
    }

    /// Watches this one anew the next time: the one of its name may be another,
    /// and have the number of the one before.
    pub(super) fn forget(&mut self, directory: &Path) {
        if let (Some(_), Some(watcher)) = (self.watched.remove(directory), &mut self.watcher) {
            // Its watch went with it, unless it was renamed.
            let _ = watcher.unwatch(directory);
        }
    }

    /// Watches exactly these. Gives whether something counts now that did not.
    pub(super) fn follow(&mut self, places: Arc<Places>) -> bool {
        let wanted = places.directories();
        let before = self.places.swap(Arc::clone(&places));
        let is_other = !Arc::ptr_eq(&before, &places);
        self.missing = false;
        if self.watcher.is_none() {
            self.watcher = self.watcher();
        }
        self.leave(&wanted);
        let known = self.watched.len();
        for directory in wanted {
            if !self.watched.contains_key(&directory) {
                self.enter(directory);
            }
        }
        is_other || self.watched.len() > known
    }

    /// Leaves what is not wanted, or is another directory by now.
    fn leave(&mut self, wanted: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        self.watched.retain(|directory, known| {
            let stays = wanted.contains(directory) && identity(directory) == Some(*known);
            if !stays {
                // It may be gone, and its watch with it.
                let _ = watcher.unwatch(directory);
            }
            stays
        });
    }

    fn enter(&mut self, directory: PathBuf) {
        let (Some(watcher), Some(found)) = (&mut self.watcher, identity(&directory)) else {
            self.missing = true;
            return;
        };
        match watcher.watch(&directory, RecursiveMode::NonRecursive) {
            Ok(()) => drop(self.watched.insert(directory, found)),
            Err(error) => {
                self.missing = true;
                self.warn(&error);
            }
        }
    }

    fn watcher(&mut self) -> Option<RecommendedWatcher> {
        let (signals, places) = (self.signals.clone(), Arc::clone(&self.places));
        let made = notify::recommended_watcher(move |event| {
            for signal in signals_of(event, &places.load()) {
                // A full queue holds one that makes us look.
                let _ = signals.try_send(signal);
            }
        });
        made.map_err(|error| self.warn(&error)).ok()
    }

    /// Once: it is tried again at every look.
    fn warn(&mut self, error: &notify::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            let action = "raise fs.inotify.max_user_watches and max_user_instances";
            tracing::warn!(%error, action, "a directory cannot be watched for changes; the gateway looks every second");
        }
    }
}

/// What an event says. Reading a file says nothing: a reload would make itself look again. Nor
/// does what happens to files beside those that are read, such as a log that grows.
fn signals_of(event: notify::Result<notify::Event>, places: &Places) -> Vec<Signal> {
    match event {
        Err(_) => vec![Signal::Failed],
        Ok(event) if event.need_rescan() => vec![Signal::Changed],
        Ok(event) => {
            let mut heard = event.paths.into_iter().filter(|path| places.has(path));
            match event.kind {
                EventKind::Access(_) => Vec::new(),
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                    heard.map(Signal::Gone).collect()
                }
                _ => heard.next().map(|_| Signal::Changed).into_iter().collect(),
            }
        }
    }
}

fn identity(directory: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(directory).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, RemoveKind};

    #[test]
    fn only_what_is_read_is_heard_of() {
        let mut places = Places::default();
        places.add(Path::new("/run/secrets/key"));
        let told = |kind: EventKind, name: &str| {
            let event = notify::Event::new(kind).add_path(Path::new("/run/secrets").join(name));
            signals_of(Ok(event), &places).len()
        };
        let [made, gone] = [
            EventKind::Create(CreateKind::File),
            EventKind::Remove(RemoveKind::File),
        ];
        for kind in [made, gone, EventKind::Modify(ModifyKind::Any)] {
            assert_eq!(told(kind, "service.log"), 0, "{kind:?}");
            assert_eq!(told(kind, "key"), 1, "{kind:?}");
            assert_eq!(told(kind, "..data"), 1, "{kind:?}");
        }
    }
}
