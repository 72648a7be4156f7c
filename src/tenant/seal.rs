//! Vendors' secrets as the store keeps them: AES-256-GCM under a key that is in no database.
//!
//! ```text
//! v1.3kTq9ZbX.<base64url: 12 bytes nonce, the secret, 16 bytes tag>
//! ```
//!
//! The second part says which key. What is sealed is bound to its tenant and to its part of the
//! credential: moved to another row, it does not open.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::token::{KeyId, Pepper, PepperFault};
use crate::adapter::keys::TenantId;
use crate::problem::file;

const FORM: &str = "v1";
const NONCE: usize = 12;

/// The keys there are: one that seals, and one from before that only opens, while what it sealed
/// is sealed anew.
#[derive(Debug, Default)]
pub struct SealKeys {
    now: Option<SealKey>,
    before: Option<SealKey>,
}

struct SealKey {
    id: KeyId,
    key: RandomizedNonceKey,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({}, ***)", self.id)
    }
}

/// Something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// There is no key to seal with.
    #[error(
        "cannot be kept: store.credential_key_file is not set. Make a key with `openssl rand -hex 32`, name its file there, and start the gateway again"
    )]
    NoKey,
    /// It was sealed with a key that is neither of ours.
    #[error(
        "was sealed with the key {0}, which is neither in store.credential_key_file nor in store.credential_key_file_before; name that key, or set the secret again"
    )]
    OtherKey(String),
    /// It was changed, or is of another tenant.
    #[error("is not what was sealed for this tenant; set it again")]
    Damaged,
}

impl SealKeys {
    /// Reads the keys: files of 32 bytes or 64 hexadecimal digits.
    ///
    /// # Errors
    /// A file cannot be read or holds something else.
    pub fn read(now: Option<&Path>, before: Option<&Path>) -> Result<Self, KeyFault> {
        let read = |path: Option<&Path>| path.map(SealKey::read).transpose();
        Ok(Self {
            now: read(now)?,
            before: read(before)?,
        })
    }

    /// A tenant's secret as the store may keep it.
    ///
    /// # Errors
    /// [`SealFault::NoKey`].
    pub fn seal(
        &self,
        tenant: &TenantId,
        part: &str,
        secret: &SecretString,
    ) -> Result<String, SealFault> {
        let SealKey { id, key } = self.now.as_ref().ok_or(SealFault::NoKey)?;
        let mut bytes = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        let place = Aad::from(place(tenant, part));
        let nonce = key.seal_in_place_append_tag(place, &mut *bytes);
        let nonce = nonce.map_err(|_| SealFault::NoKey)?;
        let sealed = [&nonce.as_ref()[..], &bytes[..]].concat();
        Ok(format!(
            "{FORM}.{id}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(sealed)
        ))
    }

    /// What was sealed for this tenant and part.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn open(
        &self,
        tenant: &TenantId,
        part: &str,
        sealed: &str,
    ) -> Result<SecretString, SealFault> {
        let (id, bytes) = parts(sealed).ok_or(SealFault::Damaged)?;
        let mut keys = self.now.iter().chain(&self.before);
        let key = keys.find(|key| key.id.as_str() == id);
        let key = key.ok_or_else(|| SealFault::OtherKey(id.to_owned()))?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(bytes);
        let mut bytes = Zeroizing::new(bytes.map_err(|_| SealFault::Damaged)?);
        let (nonce, bytes) = bytes
            .split_at_mut_checked(NONCE)
            .ok_or(SealFault::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealFault::Damaged)?;
        let place = Aad::from(place(tenant, part));
        let secret = key.key.open_in_place(nonce, place, bytes);
        let secret = secret.map_err(|_| SealFault::Damaged)?;
        let secret = std::str::from_utf8(secret).map_err(|_| SealFault::Damaged)?;
        Ok(secret.into())
    }

    /// Whether what is sealed is so with the key that seals now.
    pub fn is_current(&self, sealed: &str) -> bool {
        let id = parts(sealed).map(|(id, _)| id);
        self.now.as_ref().map(|key| key.id.as_str()) == id
    }
}

impl SealKey {
    fn read(path: &Path) -> Result<Self, KeyFault> {
        let fault = |why: String| KeyFault {
            path: path.display().to_string(),
            why,
        };
        let no_key = || "it has neither 32 bytes nor 64 hexadecimal digits".to_owned();
        let root = Pepper::read(path).map_err(|unread| match unread {
            PepperFault::Unreadable { error, .. } => fault(file::why(path, &error)),
            _ => fault(no_key()),
        })?;
        let key = Zeroizing::new(root.derived("key for vendors' credentials"));
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref());
        Ok(Self {
            id: KeyId::of_number(&root.derived("name of a key for vendors' credentials")),
            key: key.map_err(|_| fault(no_key()))?,
        })
    }
}

/// A key cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "the key {path} cannot be used: {why}. Restore it from the backup; if nothing is encrypted with it yet, \
     make one with `openssl rand -hex 32`"
)]
pub struct KeyFault {
    path: String,
    why: String,
}

/// What stands for a key, and what was sealed with it.
fn parts(sealed: &str) -> Option<(&str, &str)> {
    sealed
        .strip_prefix(FORM)?
        .strip_prefix('.')?
        .split_once('.')
}

/// What a sealed secret is bound to. A tenant's name has no slash.
fn place(tenant: &TenantId, part: &str) -> String {
    format!("{tenant}/{part}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keys(now: Option<&str>, before: Option<&str>) -> SealKeys {
        let directory = tempfile::tempdir().unwrap();
        let file = |digit: Option<&str>| {
            let digit = digit?;
            let path = directory.path().join(digit);
            std::fs::write(&path, digit.repeat(64)).unwrap();
            Some(path)
        };
        SealKeys::read(file(now).as_deref(), file(before).as_deref()).unwrap()
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    #[test]
    fn a_file_that_is_no_key_is_not_called_a_pepper() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        for (text, why) in [
            (None, "it does not exist"),
            (
                Some("c2VjcmV0"),
                "it has neither 32 bytes nor 64 hexadecimal digits",
            ),
        ] {
            text.iter()
                .for_each(|text| std::fs::write(&path, text).unwrap());
            let fault = SealKeys::read(Some(&path), None).unwrap_err();
            let told = format!("{:#}", anyhow::Error::new(fault));
            assert!(told.contains(why) && !told.contains("pepper"), "{told}");
        }
    }

    #[test]
    fn a_secret_opens_for_its_tenant_and_part_only() {
        let keys = keys(Some("1"), None);
        let acme = tenant("acme");
        let sealed = keys.seal(&acme, "key", &"s3cret ä".into()).unwrap();
        assert!(!sealed.contains("s3cret"));
        let again = keys.seal(&acme, "key", &"s3cret ä".into()).unwrap();
        assert_ne!(sealed, again, "nobody sees that two secrets are the same");
        let opened = keys.open(&acme, "key", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "s3cret ä");
        let hostile = [
            (tenant("other"), "key", sealed.clone()),
            (acme.clone(), "user", sealed.clone()),
            (acme.clone(), "key", sealed.replace("v1.", "v2.")),
            (acme.clone(), "key", sealed[..sealed.len() - 4].to_owned()),
            (acme.clone(), "key", sealed[..14].to_owned()),
            (acme.clone(), "key", String::new()),
        ];
        for (tenant, part, text) in hostile {
            let opened = keys.open(&tenant, part, &text);
            assert!(matches!(opened, Err(SealFault::Damaged)), "{part} {text}");
        }
        let mut flipped = sealed.into_bytes();
        *flipped.last_mut().unwrap() ^= 1;
        let flipped = String::from_utf8(flipped).unwrap();
        assert!(keys.open(&acme, "key", &flipped).is_err());
    }

    #[test]
    fn the_key_from_before_opens_and_does_not_seal() {
        let (old, new) = (keys(Some("1"), None), keys(Some("2"), Some("1")));
        let acme = tenant("acme");
        let sealed = old.seal(&acme, "key", &"a".into()).unwrap();
        assert!(old.is_current(&sealed) && !new.is_current(&sealed));
        assert!(new.open(&acme, "key", &sealed).is_ok());
        let anew = new.seal(&acme, "key", &"a".into()).unwrap();
        assert!(new.is_current(&anew));
        let opened = old.open(&acme, "key", &anew);
        assert!(matches!(opened, Err(SealFault::OtherKey(_))));
        let sealed = SealKeys::default().seal(&acme, "key", &"a".into());
        assert!(matches!(sealed, Err(SealFault::NoKey)));
    }
}
