//! The key under which tokens are hashed: a stolen database alone cannot be
//! used to test guesses.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use sha2::Sha256;

use super::NoRandomness;

const LENGTH: usize = 32;

/// 32 random bytes.
pub struct Pepper(SecretBox<[u8; LENGTH]>);

impl Pepper {
    /// Reads the pepper from `path`, which is made (mode 0600, random) when it
    /// is not there; its directory must be. Two processes that start at once get the same one.
    ///
    /// A pepper that is lost cannot be had again: every token made under it is
    /// then unknown. It belongs in the same backup as the database.
    ///
    /// # Errors
    /// The file cannot be read or made, is not 32 bytes long, or may be read by every user.
    pub fn open(path: &Path) -> Result<Self, PepperFault> {
        let bytes = read_or_create(path).map_err(|error| PepperFault::Io {
            path: path.display().to_string(),
            error,
        })?;
        let key = <[u8; LENGTH]>::try_from(bytes).map_err(|bytes| PepperFault::Length {
            path: path.display().to_string(),
            found: bytes.len(),
        })?;
        let pepper = Self(SecretBox::new(Box::new(key)));
        match is_public(path) {
            true => Err(PepperFault::Public {
                path: path.display().to_string(),
            }),
            false => Ok(pepper),
        }
    }

    /// Reads a pepper that several gateways share: 32 bytes, or 64 hexadecimal digits.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, PepperFault> {
        let path_text = || path.display().to_string();
        let bytes = fs::read(path).map_err(|error| PepperFault::Unreadable {
            path: path_text(),
            error,
        })?;
        let key = shared(&bytes).ok_or_else(|| PepperFault::Form { path: path_text() })?;
        // A mounted secret may have no other mode.
        if is_public(path) {
            tracing::warn!(
                pepper = path_text(),
                action = "remove the right of other users to read it (chmod o-rwx)",
                "every user of this machine may read this key"
            );
        }
        Ok(Self(SecretBox::new(Box::new(key))))
    }

    /// The place of the pepper that belongs to a database: `scimgate.db` has
    /// `scimgate.pepper` beside it.
    pub fn beside(database: &Path) -> PathBuf {
        database.with_extension("pepper")
    }

    /// A pepper that is written nowhere: for a store in memory.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut key = SecretBox::new(Box::new([0; LENGTH]));
        getrandom::fill(key.expose_secret_mut()).map_err(|_| NoRandomness)?;
        Ok(Self(key))
    }

    /// A key for something else than tokens, which tells nothing of the pepper
    /// and is the same in every process that has it.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new(&self.block().into());
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// What tells it from other peppers, and tells nothing of it.
    pub fn mark(&self) -> String {
        let key = self.derived("mark");
        key.iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The same as a key that is used like a pepper.
    pub(in crate::tenant) fn subkey(&self, purpose: &str) -> Self {
        Self(SecretBox::new(Box::new(self.derived(purpose))))
    }

    /// The key as HMAC-SHA256 uses it: filled up with zeros to a block (RFC 2104 §2).
    pub(super) fn block(&self) -> [u8; 64] {
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(LENGTH);
        key.copy_from_slice(self.0.expose_secret());
        block
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(***)")
    }
}

/// The pepper could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PepperFault {
    /// The file cannot be read or made.
    #[error(
        "cannot read or create the pepper {path}: {error}; \
         make its directory writable for this user, or mount the file"
    )]
    Io {
        /// Which file.
        path: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// The file holds something else.
    #[error(
        "the pepper {path} has {found} bytes instead of 32; \
         restore it from the backup of the database"
    )]
    Length {
        /// Which file.
        path: String,
        /// How long it is.
        found: usize,
    },
    /// It is no secret.
    #[error(
        "every user of this machine may read the pepper {path}; take that from them with \
         `chmod o-rwx {path}`, and if others may have read it, revoke the tokens and mint new ones"
    )]
    Public {
        /// Which file.
        path: String,
    },
    /// A file that was to be there.
    #[error(
        "cannot read the pepper {path}: {error}; make it once with `openssl rand -hex 32` and \
         give the same file to every replica"
    )]
    Unreadable {
        /// Which file.
        path: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// A shared file holds something else.
    #[error(
        "the pepper {path} is neither 32 bytes nor 64 hexadecimal digits; if tokens were made with \
         it, restore it from the backup, else make one with `openssl rand -hex 32`"
    )]
    Form {
        /// Which file.
        path: String,
    },
    /// Replicas would each make their own.
    #[error(
        "is not set: with PostgreSQL every replica needs the same pepper. Make a file with \
         `openssl rand -hex 32`, keep it as secret as the tokens, and name it here; it does not \
         belong in the database, which alone must not be enough to test guesses"
    )]
    Unset,
    /// There are tokens, but the file they were digested with is gone. A new one
    /// would turn every tenant's Entra away with 401.
    #[error(
        "the pepper {path} is missing and the database holds tokens made with it; \
         restore it from the backup of the database"
    )]
    Lost {
        /// Which file.
        path: String,
    },
}

/// Whether users may use the file who are neither its owner nor of its group.
fn is_public(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn shared(bytes: &[u8]) -> Option<[u8; LENGTH]> {
    if let Ok(key) = bytes.try_into() {
        return Some(key);
    }
    let digits = std::str::from_utf8(bytes).ok()?.trim();
    let is_whole = digits.len() == 2 * LENGTH && digits.bytes().all(|it| it.is_ascii_hexdigit());
    let mut key = [0; LENGTH];
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    is_whole.then_some(key)
}

fn read_or_create(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            fs::read(path)
        }
        found => found,
    }
}

/// Writes a whole file aside and links it into place: unlike a rename, a link
/// never replaces a pepper that another process has made in the meantime.
fn create(path: &Path) -> io::Result<()> {
    let pepper = Pepper::random().map_err(io::Error::other)?;
    let aside = path.with_extension(format!("pepper.{}", uuid::Uuid::new_v4()));
    let linked = write(&aside, pepper.0.expose_secret()).and_then(|()| fs::hard_link(&aside, path));
    fs::remove_file(&aside).ok();
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_directory(path),
    }
}

fn write(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

/// A name in a directory is only safe from a power cut once the directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) && !directory.as_os_str().is_empty() => {
            File::open(directory)?.sync_all()
        }
        _ => Ok(()),
    }
}
