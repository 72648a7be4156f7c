//! Cursors (RFC 9865): where a list goes on, sealed so that nobody can make one up.
//!
//! A cursor holds a position, the page size and the time of issue. Whose it is and for which query
//! is not in it but under its seal, so a cursor gives no rights: presented by another tenant, at
//! another endpoint or with another filter it is as good as forged. Nothing is stored, hence every
//! replica that has the key knows every cursor. Clock and key are given by the caller.

#[cfg(test)]
mod tests;

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{ScimError, ScimType};

/// How long a cursor is good for, in seconds; told as `pagination.cursorTimeout`.
pub const TIMEOUT: u64 = 3600;

/// Position, page size, time of issue.
const PAYLOAD: usize = 4 + 4 + 8;
/// Of HMAC-SHA256's 32 bytes these are enough against guessing.
const SEAL: usize = 16;

/// Where a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// 0-based place of the next page's first resource.
    pub position: u32,
    /// Resources on a page.
    pub count: u32,
}

/// What a cursor is valid for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The tenant's name.
    pub tenant: &'a str,
    /// Endpoint, filter and sorting, in their canonical spelling.
    pub query: &'a str,
}

/// The key cursors are sealed with.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// Takes 32 secret bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The cursor as text: hexadecimal, so unreserved characters only. `now` is in seconds since
    /// 1970.
    pub fn seal(&self, cursor: Cursor, scope: Scope<'_>, now: u64) -> String {
        let mut bytes = payload(cursor, now);
        let seal = self.mac(&bytes, scope).finalize().into_bytes();
        bytes.extend(seal.iter().take(SEAL));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a cursor at the time `now`.
    ///
    /// # Errors
    /// `invalidCursor` if it was not sealed for this scope, `expiredCursor` after [`TIMEOUT`].
    pub fn open(&self, text: &str, scope: Scope<'_>, now: u64) -> Result<Cursor, ScimError> {
        let wrong = || {
            error(
                ScimType::InvalidCursor,
                "The cursor is none of this query's.",
            )
        };
        let bytes = unhex(text).ok_or_else(wrong)?;
        let (payload, seal) = bytes.split_at_checked(PAYLOAD).ok_or_else(wrong)?;
        let sealed = self.mac(payload, scope).verify_truncated_left(seal);
        if seal.len() != SEAL || sealed.is_err() {
            return Err(wrong());
        }
        let (cursor, issued) = unpack(payload).ok_or_else(wrong)?;
        match now.saturating_sub(issued) > TIMEOUT {
            true => Err(error(
                ScimType::ExpiredCursor,
                "The cursor is too old. Begin again with an empty one.",
            )),
            false => Ok(cursor),
        }
    }

    fn mac(&self, payload: &[u8], scope: Scope<'_>) -> Hmac<Sha256> {
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(self.0.len());
        key.copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in [payload, scope.tenant.as_bytes(), scope.query.as_bytes()] {
            // The length in front keeps neighbours apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(***)")
    }
}

impl Cursor {
    /// Looks whether a `count` that came along is that of the first page.
    ///
    /// # Errors
    /// `invalidCount` if it is another one.
    pub fn require_count(self, count: u32) -> Result<Self, ScimError> {
        match self.count == count {
            true => Ok(self),
            false => Err(error(
                ScimType::InvalidCount,
                "count must be as in the first request, or absent.",
            )),
        }
    }
}

fn error(scim_type: ScimType, detail: &str) -> ScimError {
    ScimError::new(400, Some(scim_type), detail)
}

fn payload(cursor: Cursor, now: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PAYLOAD + SEAL);
    bytes.extend(cursor.position.to_be_bytes());
    bytes.extend(cursor.count.to_be_bytes());
    bytes.extend(now.to_be_bytes());
    bytes
}

fn unpack(payload: &[u8]) -> Option<(Cursor, u64)> {
    let (position, rest) = payload.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let cursor = Cursor {
        position: u32::from_be_bytes(*position),
        count: u32::from_be_bytes(*count),
    };
    Some((cursor, u64::from_be_bytes(rest.try_into().ok()?)))
}

/// Small letters only: one cursor has one spelling.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}
