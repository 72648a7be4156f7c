//! A vendor that repeats what it was sent shows the credential to whoever reads its replies. So
//! what a request showed is blotted out of the reply before anybody sees it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use memchr::memmem;

use crate::script::call::VendorReply;

/// What stands in the place of a secret.
const BLOT: &[u8] = b"***";

/// A shorter one is no secret that could be kept, and might stand anywhere by chance.
const LEAST: usize = 6;

/// The secrets of one request, in the spellings in which a reply may repeat them.
pub(super) struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// Those in headers that are marked as sensitive: the whole value, what stands behind the
    /// scheme (RFC 9110 §11.4), and the password that stands there encoded (RFC 7617 §2).
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut secrets = Self(Vec::new());
        for value in headers.values().filter(|value| value.is_sensitive()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let behind = text.split_once(' ').map_or(&*text, |(_, behind)| behind);
            secrets.add(behind);
            if let Some(password) = text.strip_prefix("Basic ").and_then(password) {
                secrets.add(&password);
            }
        }
        secrets
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < LEAST {
            return;
        }
        self.0.push(secret.as_bytes().to_vec());
        if secret.contains(['"', '\\', '/']) {
            let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
            // As PHP writes JSON.
            self.0.push(json.replace('/', "\\/").into_bytes());
            self.0.push(json.into_bytes());
        }
    }

    /// Takes them out of body and headers.
    pub(super) fn blot(&self, reply: &mut VendorReply) {
        for secret in &self.0 {
            let finder = memmem::Finder::new(secret);
            if finder.find(&reply.body).is_some() {
                reply.body = Bytes::from(without(&finder, &reply.body));
            }
            for value in reply.headers.values_mut() {
                if finder.find(value.as_bytes()).is_some() {
                    let clean = HeaderValue::from_bytes(&without(&finder, value.as_bytes()));
                    *value = clean.unwrap_or(HeaderValue::from_static("***"));
                }
            }
        }
    }
}

/// What stands behind the user's name in the credentials of `Basic`.
fn password(encoded: &str) -> Option<String> {
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned())
}

fn without(finder: &memmem::Finder<'_>, text: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut done = 0;
    for start in finder.find_iter(text) {
        clean.extend_from_slice(&text[done..start]);
        clean.extend_from_slice(BLOT);
        done = start + finder.needle().len();
    }
    clean.extend_from_slice(&text[done..]);
    clean
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hyper::header::{AUTHORIZATION, WARNING};

    use super::*;

    #[track_caller]
    fn check(sent: &str, body: &str, expect: &str) {
        let mut headers = HeaderMap::new();
        let mut value = HeaderValue::try_from(sent).unwrap();
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        let mut reply = VendorReply::silent();
        reply.body = Bytes::from(body.to_owned());
        reply.headers.insert(WARNING, body.parse().unwrap());
        Secrets::of(&headers).blot(&mut reply);
        assert_eq!(reply.body, expect);
        assert_eq!(reply.headers[WARNING], expect);
    }

    #[test]
    fn what_was_sent_is_not_shown_however_it_is_repeated() {
        check(
            "Bearer s3cret-tok",
            r#"{"a":"Bearer s3cret-tok"}"#,
            r#"{"a":"Bearer ***"}"#,
        );
        check(
            "s3cret/t+k",
            r#"{"a":"s3cret\/t+k s3cret/t+k"}"#,
            r#"{"a":"*** ***"}"#,
        );
        check("Basic dTpwdTpwdTpw", "dTpwdTpwdTpw", "***");
        // ops:pass:w"rd/1
        check(
            "Basic b3BzOnBhc3M6dyJyZC8x",
            r#"{"a":"ops pass:w\"rd/1","b":"pass:w\"rd\/1"}"#,
            r#"{"a":"ops ***","b":"***"}"#,
        );
        check("Basic b3BzOnB3", "pw is short", "pw is short");
        check("Bearer s3cret-tok", "nothing of it", "nothing of it");
        check("Bearer short", "a short word", "a short word");
    }
}
