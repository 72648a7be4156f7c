//! Base64 (RFC 4648 §4), and what HTTP says in it.

use ::base64::Engine as _;
use ::base64::prelude::BASE64_STANDARD;

/// With padding.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// `Authorization: Basic` (RFC 7617).
pub fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{username}:{password}")))
}
