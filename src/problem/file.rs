//! Files that somebody wrote, read without trust in what stands at their path.

use std::fs::{File, Metadata, metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// Bytes; longer files are refused unread.
const MOST: u64 = 256 << 10;

/// What a file holds.
///
/// # Errors
/// It cannot be read, is longer than 256 KiB, or is no file: reading a pipe would wait for its
/// writer, and a device might never end.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened, for that waits too.
    if !metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    // A file may grow while it is read.
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if size > MOST || bytes.len() as u64 > MOST {
        let message = format!("it has {size} bytes; {MOST} are the most");
        return Err(io::Error::other(message));
    }
    Ok(bytes)
}

/// A path from a directory on, as one would write it: `secrets/key` for `../secrets/key` from `tenants`. Behind a
/// link, `..` is another directory, and stays.
pub fn from(directory: &Path, path: &Path) -> PathBuf {
    let mut whole = directory.to_owned();
    for part in path.components() {
        let is_left = part == Component::ParentDir
            && matches!(whole.components().next_back(), Some(Component::Normal(_)))
            && !whole.is_symlink();
        match part {
            Component::CurDir => {}
            _ if is_left => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    whole
}

/// What a file of UTF-8 text holds.
///
/// # Errors
/// As [`bytes()`], and it is no such text.
pub fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// Why a path cannot be used: a phrase to stand behind "cannot be read:".
pub fn why(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => denied(metadata(path).ok().as_ref()),
        _ => without_numbers(&error.to_string()),
    }
}

/// What to do about it.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "make it, or correct its path",
        ErrorKind::PermissionDenied => "let this user read it, with chown or chmod",
        _ => "it must be a file of UTF-8 text of at most 256 KiB",
    }
}

/// Without the operating system's error numbers, `(os error 13)`.
pub fn without_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once(')').map_or("", |(_, rest)| rest)
    })
}

fn denied(of: Option<&Metadata>) -> String {
    let own = metadata("/proc/self").map(|own| name_of(own.uid()));
    let user = own.map_or_else(
        |_| "this user".to_owned(),
        |name| format!("the user {name}"),
    );
    match of {
        Some(file) => format!(
            "{user} has no right to; it belongs to {} and its mode is {:04o}",
            name_of(file.uid()),
            file.mode() & 0o7777
        ),
        None => format!("{user} has no right to, or not to a directory above it"),
    }
}

/// A user's name, or the number where there is none.
fn name_of(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_owner_and_mode_and_no_number_of_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("acme.toml");
        std::fs::write(&path, "").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        std::fs::set_permissions(&path, mode).unwrap();
        let user = name_of(metadata(&path).unwrap().uid());
        let denied = io::Error::from_raw_os_error(13);
        assert_eq!(
            why(&path, &denied),
            format!("the user {user} has no right to; it belongs to {user} and its mode is 0640")
        );
        assert_eq!(name_of(0), "root");
        assert_eq!(name_of(4_000_000_000), "4000000000");
        assert_eq!(
            without_numbers("cannot write x: No space left on device (os error 28); try again"),
            "cannot write x: No space left on device; try again"
        );
    }

    #[track_caller]
    fn check(path: &Path, expect: &str) {
        let why = bytes(path).map_err(|error| error.to_string());
        assert!(
            why.clone().is_err_and(|why| why.contains(expect)),
            "{why:?}"
        );
    }

    #[test]
    fn only_files_of_a_bearable_length_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("short"), "ä").unwrap();
        std::fs::write(path("latin"), [0xe4]).unwrap();
        std::fs::write(path("long"), vec![b' '; MOST as usize + 1]).unwrap();
        std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
        assert_eq!(text(&path("short")).unwrap(), "ä");
        assert!(text(&path("latin")).is_err());
        check(&path("long"), "are the most");
        check(&path("loop"), "symbolic links");
        check(&path("missing"), "No such file");
        check(directory.path(), "not a regular file");
        check(Path::new("/dev/zero"), "not a regular file");
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        check(&pipe, "not a regular file");
    }

    #[test]
    fn a_path_is_told_without_going_back() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        for name in ["tenants", "elsewhere/tenants"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::os::unix::fs::symlink(at("elsewhere/tenants"), at("link")).unwrap();
        for (from_here, path, whole) in [
            ("tenants", "../secrets/key", "secrets/key"),
            ("tenants", "./key", "tenants/key"),
            ("link", "../secrets/key", "link/../secrets/key"),
        ] {
            assert_eq!(from(&at(from_here), Path::new(path)), at(whole));
        }
        assert_eq!(
            from(Path::new("tenants"), Path::new("../../a")),
            Path::new("../a")
        );
        assert_eq!(
            from(&at("tenants"), Path::new("/etc/key")),
            Path::new("/etc/key")
        );
    }
}
