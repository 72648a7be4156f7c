//! Bearer tokens: what Entra's "Secret Token" field holds.
//!
//! ```text
//! scg_3kTq9ZbX_<43 characters: 256 random bits><6 characters: CRC-32>
//! ```
//!
//! 62 characters. The prefix lets secret scanners find a leaked token
//! (`scg_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}`), the key id finds its record without
//! a search, and the checksum tells a typo from a wrong token before anything
//! is hashed or looked up. Only an HMAC of a token is kept: 256 random bits
//! need no slow hash.
//!
//! Tokens of administrators ([`admin`]) and of vendors' consoles ([`onboarding`]) and the secrets
//! of OAuth clients ([`super::oauth`]) have the same form and other prefixes, so that no kind is
//! ever taken for another.

pub mod admin;
mod authenticate;
pub(super) mod base62;
mod book;
pub mod grants;
mod local;
pub mod onboarding;
mod pepper;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use authenticate::{AuthFault, IssueFault, Tokens};
pub use book::{BookFault, LIVE_TOKENS, TokenBook, TokenRecord};
pub use local::LocalPass;
pub use pepper::{Pepper, PepperFault};

const PREFIX: usize = 4;
const KEY_ID: usize = 8;
const SECRET: usize = 43;
const CHECKSUM: usize = 6;
const SIGNED: usize = PREFIX + KEY_ID + 1 + SECRET;
const LENGTH: usize = SIGNED + CHECKSUM;

/// Which door a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A tenant's, for Entra: `scg_`.
    Tenant,
    /// A tenant's OAuth client's, for the token endpoint: `scs_`.
    ClientSecret,
    /// An administrator's, for the admin port: `sca_`.
    Admin,
    /// A vendor's console's, for the onboarding API: `scn_`.
    Onboarding,
}

impl TokenKind {
    /// The first four characters.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Tenant => "scg_",
            Self::ClientSecret => "scs_",
            Self::Admin => "sca_",
            Self::Onboarding => "scn_",
        }
    }

    /// The kind in words, for files and people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "token",
            Self::ClientSecret => "client_secret",
            Self::Admin => "admin_token",
            Self::Onboarding => "onboarding_token",
        }
    }
}

/// A whole token, in the form that opens the door. It cannot be printed by
/// accident: see [`reveal`](Self::reveal).
pub struct SecretToken {
    text: SecretString,
    kind: TokenKind,
    key_id: KeyId,
}

impl SecretToken {
    /// A new token from the operating system's randomness.
    ///
    /// # Errors
    /// The operating system has none to give.
    pub fn mint(kind: TokenKind) -> Result<Self, NoRandomness> {
        let mut key = [0; 8];
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut key).map_err(|_| NoRandomness)?;
        getrandom::fill(secret.as_mut()).map_err(|_| NoRandomness)?;
        let key_id = KeyId::of_number(&key);
        let secret = Zeroizing::new(base62::digits(secret.as_ref(), SECRET));
        let mut text = format!("{}{key_id}_{}", kind.prefix(), secret.as_str());
        text.push_str(&checksum(&text));
        Ok(Self {
            text: text.into(),
            kind,
            key_id,
        })
    }

    /// Takes `presented` if it has the form of a token of this kind and its checksum is right.
    ///
    /// # Errors
    /// [`TokenFault`], without a look into the store.
    pub fn parse(kind: TokenKind, presented: &str) -> Result<Self, TokenFault> {
        let key_id = key_id_of(kind, presented).ok_or(TokenFault::Shape)?;
        let (signed, check) = presented
            .split_at_checked(SIGNED)
            .ok_or(TokenFault::Shape)?;
        if checksum(signed) != check {
            return Err(TokenFault::Checksum);
        }
        Ok(Self {
            text: presented.to_owned().into(),
            kind,
            key_id,
        })
    }

    /// Which door it is for.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Which record the token claims to belong to. Not secret.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// HMAC-SHA256 over the whole token.
    pub fn digest(&self, pepper: &Pepper) -> TokenDigest {
        let mut mac = Hmac::<Sha256>::new(&pepper.block().into());
        mac.update(self.text.expose_secret().as_bytes());
        TokenDigest(mac.finalize().into_bytes().into())
    }

    /// The token as text, for the one time it is shown to a person.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretToken({}{}_***)", self.kind.prefix(), self.key_id)
    }
}

/// Why a text is no token. Entra's administrator has pasted it wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Another length, prefix or alphabet: cut off, or something else entirely.
    #[error(
        "the token does not have its form, 62 characters with a prefix of ours; it may have been cut off"
    )]
    Shape,
    /// The form is right and the checksum is not.
    #[error("the token is mistyped: its checksum does not fit")]
    Checksum,
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system has no random bytes to give")]
pub struct NoRandomness;

/// The public part of a token: 8 characters of base62.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Takes `text` if it is a key id; `None` otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == KEY_ID && base62::is(text);
        fits.then(|| Self(text.into()))
    }

    /// The end of a number.
    pub(super) fn of_number(number: &[u8]) -> Self {
        Self(base62::digits(number, KEY_ID).into())
    }

    /// The eight characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of a token: 32 bytes that do not lead back to it.
#[derive(Clone)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest as the store holds it.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(***)")
    }
}

/// The key id of a text that has a token's shape.
fn key_id_of(kind: TokenKind, text: &str) -> Option<KeyId> {
    let (key, rest) = text.strip_prefix(kind.prefix())?.split_at_checked(KEY_ID)?;
    let rest = rest.strip_prefix('_')?;
    let fits = text.len() == LENGTH && base62::is(rest);
    fits.then(|| KeyId::parse(key)).flatten()
}

/// CRC-32 (IEEE) finds every single wrong character and every swap of two neighbours.
fn checksum(signed: &str) -> String {
    base62::digits(&crc32fast::hash(signed.as_bytes()).to_be_bytes(), CHECKSUM)
}
