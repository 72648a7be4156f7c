//! Files that somebody wrote, read without trust in what stands at their path.

use std::fs::{File, metadata};
use std::io::{self, Read as _};
use std::path::Path;

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
        return Err(io::Error::other("it is no regular file"));
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

/// What a file of UTF-8 text holds.
///
/// # Errors
/// As [`bytes()`], and it is no such text.
pub fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| io::Error::other("it is no UTF-8 text"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

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
        check(directory.path(), "no regular file");
        check(Path::new("/dev/zero"), "no regular file");
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        check(&pipe, "no regular file");
    }
}
