//! Where a change of what is read shows.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf, absolute};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The link that a ConfigMap's files lead through: they stay, and it turns to another directory.
const DATA: &str = "..data";

/// Directories, and the names in each that count. All paths are absolute.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<PathBuf, Names>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    endings: BTreeSet<&'static str>,
    names: BTreeSet<OsString>,
}

impl Places {
    /// All files of an ending count, those that are still to come too.
    pub(super) fn add_all(&mut self, directory: &Path, ending: &'static str) {
        let names = self.0.entry(as_told(directory)).or_default();
        names.endings.insert(ending);
    }

    /// One file or directory counts, be it there or not.
    pub(super) fn add(&mut self, path: &Path) {
        let path = as_told(path);
        if let (Some(directory), Some(name)) = (path.parent(), path.file_name()) {
            let names = self.0.entry(directory.to_owned()).or_default();
            names.names.insert(name.to_owned());
        }
    }

    /// What is to be watched.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        self.0.keys().cloned().collect()
    }

    /// Whether something that is read may be another when this path has changed.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.0.contains_key(path) || self.has_name(path).unwrap_or_default()
    }

    fn has_name(&self, path: &Path) -> Option<bool> {
        let (names, name) = (self.0.get(path.parent()?)?, path.file_name()?);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ends = ending.is_some_and(|ending| names.endings.contains(ending));
        Some(ends || name == DATA || names.names.contains(name))
    }
}

/// Events name what they are about by where it is watched, from the root on.
fn as_told(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What the file system says of all that is read: while it says the same, nothing needs to be
/// read again.
#[derive(Debug)]
pub(super) struct Glance {
    began: SystemTime,
    seen: Vec<(PathBuf, Option<Stamp>)>,
}

/// Device and inode, length, and when it last changed, in seconds and nanoseconds.
type Stamp = (u64, u64, u64, i64, i64);

/// What has changed less than this before it was read may change again and not show: clocks of
/// file systems are coarse.
const COARSE: Duration = Duration::from_secs(2);

impl Glance {
    /// At nothing yet.
    pub(super) fn begin() -> Self {
        Self {
            began: SystemTime::now(),
            seen: Vec::new(),
        }
    }

    /// At a file or directory, before it is read.
    pub(super) fn at(&mut self, path: &Path) {
        self.seen.push((path.to_owned(), stamp(path)));
    }

    /// From now on nothing is sure.
    pub(super) fn forget(&mut self) {
        self.began = UNIX_EPOCH;
    }

    /// Whether all of it is surely as it was.
    pub(super) fn still_holds(&self) -> bool {
        let began = self.began.checked_sub(COARSE);
        let began = began.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let settled = began.map_or(i64::MIN, |time| time.as_secs().cast_signed());
        let is_same = |(path, was): &(PathBuf, Option<Stamp>)| {
            was.is_none_or(|(.., changed, _)| changed < settled) && stamp(path) == *was
        };
        self.seen.iter().all(is_same)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.len(),
        found.ctime(),
        found.ctime_nsec(),
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_counts_and_what_lies_beside_it_does_not() {
        let mut places = Places::default();
        places.add_all(Path::new("/etc/tenants"), "toml");
        places.add(Path::new("/run/secrets/key"));
        for counts in [
            "/etc/tenants",
            "/etc/tenants/new.toml",
            "/etc/tenants/..data",
            "/run/secrets",
            "/run/secrets/key",
            "/run/secrets/..data",
        ] {
            assert!(places.has(Path::new(counts)), "{counts}");
        }
        for does_not in [
            "/etc",
            "/etc/tenants/.a.toml.swp",
            "/etc/tenants/..2026_11_29/a.toml",
            "/etc/tenants/..data_tmp",
            "/etc/tenants/key",
            "/run/secrets/service.log",
            "/run/secrets/a.toml",
        ] {
            assert!(!places.has(Path::new(does_not)), "{does_not}");
        }
    }

    #[test]
    fn a_glance_holds_until_something_changes() {
        let directory = tempfile::tempdir().unwrap();
        let (file, absent) = (directory.path().join("a"), directory.path().join("b"));
        std::fs::write(&file, "1").unwrap();
        let look = |ago: Duration| {
            let mut glance = Glance::begin();
            // As if it were so much later.
            glance.began += ago;
            [&file, &absent]
                .into_iter()
                .for_each(|path| glance.at(path));
            glance
        };
        assert!(!look(Duration::ZERO).still_holds(), "it may change unseen");
        let later = Duration::from_secs(5);
        let glance = look(later);
        assert!(glance.still_holds());
        std::fs::write(&file, "12").unwrap();
        assert!(!glance.still_holds());
        let glance = look(later);
        std::fs::write(&absent, "").unwrap();
        assert!(!glance.still_holds());
    }
}
