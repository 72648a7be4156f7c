//! A key that the vendor gives for secrets: how it is asked for, and how it is read out of the reply.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::script::call::{CallBody, VendorCall, VendorReply, Verb};
use crate::script::host::FORM;
use crate::script::replies::ReplyTable;

/// `kind = "key_exchange"`, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    header: String,
    scheme: Option<String>,
    path: String,
    form: Option<BTreeMap<String, String>>,
    body: Option<Value>,
    key: Option<String>,
    key_header: Option<String>,
    lifetime_s: Option<u64>,
    lifetime: Option<String>,
}

/// How a key is asked for, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Written")]
pub struct Login {
    /// The header that carries the key.
    pub header: String,
    /// What stands before the key in it, as in `Bearer …`.
    scheme: Option<String>,
    /// Where it is asked for, below the base URL.
    path: String,
    body: LoginBody,
    key: KeyPlace,
    /// How long a key lives; until it is refused if absent.
    lifetime: Option<Lifetime>,
}

/// What is posted; `{name}` stands for a secret or a setting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum LoginBody {
    Form(BTreeMap<String, String>),
    /// A JSON tree.
    Json(Value),
}

/// Where the key stands in the reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum KeyPlace {
    /// JSON pointer into the body.
    Body(String),
    /// The name of a header.
    Header(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lifetime {
    Seconds(u64),
    /// JSON pointer to the seconds that the key lives, or to the time when it ends.
    InReply(String),
}

/// A key as the vendor gave it.
pub(crate) struct Key {
    /// The value of the header, marked sensitive.
    pub(crate) header: HeaderValue,
    /// How long it lives, if anybody says.
    pub(crate) lives: Option<Duration>,
}

impl TryFrom<Written> for Login {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let pointer = |pointer: String| match pointer.starts_with('/') {
            true => Ok(pointer),
            false => Err(format!(
                "`{pointer}` is not a JSON pointer: it begins with /"
            )),
        };
        let header = |name: String| match HeaderName::try_from(&name) {
            Ok(_) => Ok(name),
            Err(_) => Err(format!("`{name}` is not the name of an HTTP header")),
        };
        Ok(Self {
            header: header(written.header)?,
            scheme: written.scheme,
            path: match written.path.starts_with('/') {
                true => written.path,
                false => return Err("a key exchange's path begins with /".to_owned()),
            },
            body: match (written.form, written.body) {
                (Some(form), None) => LoginBody::Form(form),
                (None, Some(body)) => LoginBody::Json(body),
                _ => return Err("a key exchange has either form or body".to_owned()),
            },
            key: match (written.key, written.key_header) {
                (Some(key), None) => KeyPlace::Body(pointer(key)?),
                (None, Some(name)) => KeyPlace::Header(header(name)?),
                _ => return Err("a key exchange has either key or key_header".to_owned()),
            },
            lifetime: match (written.lifetime_s, written.lifetime) {
                (Some(seconds), None) => Some(Lifetime::Seconds(seconds)),
                (None, Some(path)) => Some(Lifetime::InReply(pointer(path)?)),
                (None, None) => None,
                _ => return Err("a key exchange has either lifetime_s or lifetime".to_owned()),
            },
        })
    }
}

impl Login {
    /// The names in braces: secrets and settings.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        fn of<'v>(value: &'v Value, names: &mut BTreeSet<&'v str>) {
            match value {
                Value::String(text) => names.extend(placeholders(text)),
                Value::Array(items) => items.iter().for_each(|item| of(item, names)),
                Value::Object(members) => members.values().for_each(|item| of(item, names)),
                _ => {}
            }
        }
        let mut names = BTreeSet::new();
        match &self.body {
            LoginBody::Form(form) => names.extend(form.values().flat_map(|it| placeholders(it))),
            LoginBody::Json(tree) => of(tree, &mut names),
        }
        names
    }

    /// Where it is asked for, without the query.
    pub(crate) fn path(&self) -> &str {
        self.path.split('?').next().unwrap_or(&self.path)
    }

    /// The call that asks for a key, with what `value` gives for each name.
    pub(crate) fn call(&self, value: &dyn Fn(&str) -> String) -> VendorCall {
        let body = match &self.body {
            LoginBody::Form(form) => {
                let mut text = Serializer::new(String::new());
                for (name, template) in form {
                    text.append_pair(name, &filled(template, value));
                }
                CallBody {
                    media_type: FORM,
                    bytes: Bytes::from(text.finish()),
                }
            }
            LoginBody::Json(tree) => CallBody {
                media_type: "application/json",
                bytes: Bytes::from(filled_tree(tree, value).to_string()),
            },
        };
        VendorCall {
            method: Verb::Post,
            path: self.path.clone(),
            body: Some(body),
            idempotent: true,
            token: None,
            resource: None,
        }
    }

    /// The key in a reply that means success.
    ///
    /// # Errors
    /// What is missing, for whoever wrote the manifest.
    pub(crate) fn key_in(&self, reply: &VendorReply, replies: &ReplyTable) -> Result<Key, String> {
        let body = replies.parse(&reply.body);
        let at = |pointer: &str| body.as_ref().and_then(|body| body.pointer(pointer));
        let (key, place) = match &self.key {
            KeyPlace::Body(pointer) => (at(pointer).and_then(Value::as_str), pointer),
            KeyPlace::Header(name) => {
                let value = reply.headers.get(name);
                (value.and_then(|value| value.to_str().ok()), name)
            }
        };
        let key = key.filter(|key| !key.is_empty()).ok_or_else(|| {
            let status = reply.status;
            format!("the login at {} answered {status} without a key at {place}: correct the place in the manifest's [credential]", self.path)
        })?;
        let scheme = self.scheme.iter().map(|scheme| format!("{scheme} "));
        let text = scheme.collect::<String>() + key;
        let mut header = HeaderValue::try_from(text).map_err(|_| {
            format!(
                "the login at {} gave a key that no header can carry",
                self.path
            )
        })?;
        header.set_sensitive(true);
        let lives = match &self.lifetime {
            Some(Lifetime::Seconds(seconds)) => Some(Duration::from_secs(*seconds)),
            Some(Lifetime::InReply(pointer)) => at(pointer).and_then(span),
            None => None,
        };
        Ok(Key { header, lives })
    }

    /// What is wrong with a login that was answered with something else than a key or a refusal.
    pub(crate) fn failed(&self, status: u16) -> String {
        format!(
            "the login at {} answered {status}: compare path and body in the manifest's [credential] with the vendor's API",
            self.path
        )
    }
}

/// The names in braces.
pub(super) fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    let open = template.split('{').skip(1);
    open.filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// Seconds, or the time from now to a date (RFC 3339).
fn span(lifetime: &Value) -> Option<Duration> {
    if let Some(seconds) = lifetime.as_u64() {
        return Some(Duration::from_secs(seconds));
    }
    let text = lifetime.as_str()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = text.parse::<Timestamp>().ok()?;
    Some(Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default())
}

/// A template with values in the places that have a name; what stands in a value is no place.
fn filled(template: &str, value: &dyn Fn(&str) -> String) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, name, behind)) = rest.split_once('{').and_then(|(before, open)| {
        let (name, behind) = open.split_once('}')?;
        Some((before, name, behind))
    }) {
        text += before;
        text += &value(name);
        rest = behind;
    }
    text + rest
}

fn filled_tree(tree: &Value, value: &dyn Fn(&str) -> String) -> Value {
    match tree {
        Value::String(template) => filled(template, value).into(),
        Value::Array(items) => items.iter().map(|item| filled_tree(item, value)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, item)| (name.clone(), filled_tree(item, value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn login(text: &str) -> Result<Login, toml::de::Error> {
        toml::from_str(&format!("header = \"X-Key\"\npath = \"/login\"\n{text}"))
    }

    #[test]
    fn a_secret_that_looks_like_a_place_is_none() {
        let login = login("body = { a = [\"{one} and {two}\", 1], b = \"{\" }\nkey = \"/k\"");
        let login = login.unwrap();
        assert_eq!(login.names(), BTreeSet::from(["one", "two"]));
        let call = login.call(&|name| format!("{{two}}\"{name}"));
        let body: Value = serde_json::from_slice(&call.body.unwrap().bytes).unwrap();
        let text = "{two}\"one and {two}\"two";
        assert_eq!(body, json!({"a": [text, 1], "b": "{"}));
    }

    #[test]
    fn the_lifetime_is_told_in_seconds_or_as_a_date() {
        assert_eq!(span(&json!(300)), Some(Duration::from_secs(300)));
        assert_eq!(span(&json!("300")), Some(Duration::from_secs(300)));
        assert_eq!(span(&json!("soon")), None);
        assert_eq!(span(&json!("2001-01-01T00:00:00Z")), Some(Duration::ZERO));
        let far = span(&json!("2200-01-01T00:00:00.000000Z")).unwrap();
        assert!(far > Duration::from_secs(1_000_000_000));
    }

    #[test]
    fn a_login_says_once_what_it_says() {
        for (text, wrong) in [
            ("key = \"/k\"", "either form or body"),
            ("body = {}\nform = {}\nkey = \"/k\"", "either form or body"),
            ("body = {}", "either key or key_header"),
            ("body = {}\nkey = \"k\"", "JSON pointer"),
            ("body = {}\nkey_header = \"a b\"", "HTTP header"),
            (
                "body = {}\nkey = \"/k\"\nlifetime_s = 1\nlifetime = \"/l\"",
                "either lifetime_s",
            ),
        ] {
            let told = login(text).unwrap_err().to_string();
            assert!(told.contains(wrong), "{text}: {told}");
        }
    }
}
