//! How the gateway shows itself to a vendor.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::key_exchange::KeyExchange;
use super::oauth2::OAuth2;

/// A tenant's credential at its vendor. `Debug` prints the kind, never a value.
#[derive(Clone)]
pub enum Credential {
    /// RFC 7617, UTF-8.
    Basic {
        /// Without `:`.
        username: SecretString,
        /// Any text.
        password: SecretString,
    },
    /// RFC 6750 §2.1.
    Bearer(SecretString),
    /// A header of the vendor's own.
    Header {
        /// Its name.
        name: HeaderName,
        /// Its value, whole.
        value: SecretString,
    },
    /// RFC 6749: a bearer token that is asked for when it is needed.
    OAuth2(OAuth2),
    /// A key that is asked for when it is needed.
    KeyExchange(Box<KeyExchange>),
    /// None, for a vendor that trusts the network it is reached by.
    None,
}

impl Credential {
    /// Sets the header, marked sensitive so that no layer prints it. `Err` if
    /// the secret holds bytes no header can (RFC 9110 §5.5). A token or key that must be asked
    /// for first is set when the call goes out.
    pub(super) fn apply(&self, headers: &mut HeaderMap) -> Result<(), UnfitSecret> {
        let (name, text) = match self {
            Self::Basic { username, password } => (
                AUTHORIZATION,
                basic(username.expose_secret(), password.expose_secret()),
            ),
            Self::Bearer(token) => (AUTHORIZATION, format!("Bearer {}", token.expose_secret())),
            Self::Header { name, value } => (name.clone(), value.expose_secret().to_owned()),
            Self::KeyExchange(_) | Self::OAuth2(_) | Self::None => return Ok(()),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| UnfitSecret)?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    /// Tells two credentials apart without keeping either.
    pub(super) fn fingerprint(&self, mut hasher: impl Hasher) -> u64 {
        std::mem::discriminant(self).hash(&mut hasher);
        match self {
            Self::Basic { username, password } => {
                username.expose_secret().hash(&mut hasher);
                password.expose_secret().hash(&mut hasher);
            }
            Self::Bearer(token) => token.expose_secret().hash(&mut hasher),
            Self::Header { name, value } => {
                name.hash(&mut hasher);
                value.expose_secret().hash(&mut hasher);
            }
            Self::KeyExchange(exchange) => exchange.hash(&mut hasher),
            Self::OAuth2(oauth2) => oauth2.hash_into(&mut hasher),
            Self::None => {}
        }
        hasher.finish()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(***)",
            Self::Bearer(_) => "Bearer(***)",
            Self::Header { .. } => "Header(***)",
            Self::KeyExchange(_) => "KeyExchange(***)",
            Self::OAuth2(_) => "OAuth2(***)",
            Self::None => "None",
        })
    }
}

/// The secret cannot stand in a header.
#[derive(Debug)]
pub(super) struct UnfitSecret;

/// The value of `Authorization: Basic`.
pub(super) fn basic(username: &str, password: &str) -> String {
    let pair = format!("{username}:{password}");
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    fn basic_of(username: &str, password: &str) -> Credential {
        Credential::Basic {
            username: username.into(),
            password: password.into(),
        }
    }

    fn header_of(credential: &Credential) -> HeaderValue {
        let mut headers = HeaderMap::new();
        credential.apply(&mut headers).unwrap();
        headers.remove(AUTHORIZATION).unwrap()
    }

    #[test]
    fn basic_is_rfc_7617() {
        let value = header_of(&basic_of("Aladdin", "open sesame"));
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(
            header_of(&basic_of("test", "123£")),
            "Basic dGVzdDoxMjPCow=="
        );
        assert_eq!(header_of(&basic_of("a", "b")), "Basic YTpi");
    }

    #[test]
    fn no_secret_is_ever_printed() {
        let credential = Credential::Bearer("s3cret".into());
        let header = header_of(&credential);
        assert_eq!(header, "Bearer s3cret");
        assert_eq!(
            format!("{credential:?} {header:?}"),
            "Bearer(***) Sensitive"
        );
    }

    #[test]
    fn a_secret_with_a_line_break_cannot_smuggle_a_header() {
        let credential = Credential::Bearer("a\r\nX-Admin: 1".into());
        assert!(credential.apply(&mut HeaderMap::new()).is_err());
    }

    #[test]
    fn a_changed_secret_has_another_fingerprint() {
        let print = |c: &Credential| c.fingerprint(DefaultHasher::new());
        assert_eq!(print(&basic_of("u", "p")), print(&basic_of("u", "p")));
        assert_ne!(print(&basic_of("u", "p")), print(&basic_of("u", "q")));
        assert_ne!(
            print(&Credential::Bearer("p".into())),
            print(&Credential::None)
        );
    }
}
