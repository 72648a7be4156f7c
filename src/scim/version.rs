//! Entity tags (RFC 7644 §3.14): weak, and computed from the content, so that no counter needs
//! to be stored and every replica answers the same.

use serde_json::Value;
use siphasher::sip::SipHasher13;

use super::{Object, ScimError};

/// Under which versions of the resource a request is to be carried out (RFC 7644 §3.14, RFC 9110
/// §13.1): the values of `If-Match` and `If-None-Match`.
///
/// Tags are compared weakly for both headers: RFC 7644 has only weak ones in its examples, of
/// which RFC 9110's strong comparison would never find two equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions(Option<Box<Given>>);

/// Both headers; boxed, since hardly any request has one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    matching: Option<Tags>,
    not_matching: Option<Tags>,
}

/// One header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// The tags without `W/` and quotes.
    These(Vec<String>),
}

/// What preconditions say of a resource as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Carry it out.
    Go,
    /// `If-Match` names other versions, or a write's `If-None-Match` names this one.
    Failed,
    /// A read's `If-None-Match` names this version.
    NotModified,
}

impl Preconditions {
    /// Reads the two headers; several lines of one are given joined by commas.
    ///
    /// # Errors
    /// `invalidSyntax` for what is no list of entity tags: to carry a request out whose condition
    /// was not understood could undo somebody's change.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self, ScimError> {
        let read = |name: &str, text: Option<&str>| {
            let wrong = || ScimError::invalid_syntax(format!("{name} is no list of entity tags"));
            text.map(|text| Tags::parse(text).ok_or_else(wrong))
                .transpose()
        };
        let given = Given {
            matching: read("If-Match", if_match)?,
            not_matching: read("If-None-Match", if_none_match)?,
        };
        let is_any = given.matching.is_some() || given.not_matching.is_some();
        Ok(Self(is_any.then(|| Box::new(given))))
    }

    /// Whether there is nothing to be judged, so that no version need be known.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Judges a GET of a resource of this version.
    pub fn of_read(&self, version: &str) -> Verdict {
        match self.of_write(version) {
            Verdict::Failed if self.is_matched(version) => Verdict::NotModified,
            verdict => verdict,
        }
    }

    /// Judges a PUT, PATCH or DELETE of a resource of this version.
    pub fn of_write(&self, version: &str) -> Verdict {
        let given = self.0.as_ref();
        let unwanted = given.and_then(|given| given.not_matching.as_ref());
        match self.is_matched(version) && !unwanted.is_some_and(|tags| tags.have(version)) {
            true => Verdict::Go,
            false => Verdict::Failed,
        }
    }

    fn is_matched(&self, version: &str) -> bool {
        let wanted = self.0.as_ref().and_then(|given| given.matching.as_ref());
        wanted.is_none_or(|tags| tags.have(version))
    }
}

impl Tags {
    fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = text.trim_matches(LIST);
        while !rest.is_empty() {
            let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
            let (tag, behind) = quoted.split_once('"')?;
            tags.push(tag.to_owned());
            rest = behind.trim_start_matches(LIST);
            if rest.len() == behind.len() && !rest.is_empty() {
                return None;
            }
        }
        (!tags.is_empty()).then_some(Self::These(tags))
    }

    fn have(&self, version: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag == opaque(version)),
        }
    }
}

/// What may stand between the tags of a list.
const LIST: [char; 3] = [' ', '\t', ','];

/// A tag without `W/` and quotes.
fn opaque(version: &str) -> &str {
    version
        .strip_prefix("W/")
        .unwrap_or(version)
        .trim_matches('"')
}

/// The weak ETag of a resource, `W/"<16 hex>"`. `meta`, the order of keys and `$ref` do not count:
/// one resource has one version under every spelling of the Tenant URL.
pub fn version(resource: &Object) -> String {
    tag(sum(resource, &mut |way, text| way.text(text)))
}

/// The ETag of a sum.
pub(crate) fn tag(sum: u64) -> String {
    format!("W/\"{sum:016x}\"")
}

/// The sum of the hashes of all values of a resource but `meta`, each under the way to it: so the
/// order of keys is of no matter, and they need not be sorted. Of texts `of_text` says the hash.
pub(crate) fn sum(resource: &Object, of_text: &mut dyn FnMut(Way, &str) -> u64) -> u64 {
    let counted = resource.iter().filter(|(name, _)| *name != "meta");
    counted.fold(0, |sum: u64, (name, value)| {
        sum.wrapping_add(Way(0).of_member(name, value, of_text))
    })
}

/// The way to a value: the names and places on it, hashed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way(u64);

/// What stands at the end of a way, or what its next step is.
#[derive(Clone, Copy)]
enum Part {
    Member,
    Element,
    Object,
    List,
    Text,
    Other,
}

impl Way {
    /// The hash of a text at its end.
    pub(crate) fn text(self, text: &str) -> u64 {
        self.hash(Part::Text, text.as_bytes())
    }

    /// The hash of a value at its end.
    pub(crate) fn value(self, value: &Value) -> u64 {
        self.of(value, &mut |way, text| way.text(text))
    }

    fn hash(self, part: Part, bytes: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.0, part as u64).hash(bytes)
    }

    fn of_member(
        self,
        name: &str,
        value: &Value,
        of_text: &mut dyn FnMut(Self, &str) -> u64,
    ) -> u64 {
        match name {
            "$ref" => 0,
            name => Self(self.hash(Part::Member, name.as_bytes())).of(value, of_text),
        }
    }

    fn of(self, value: &Value, of_text: &mut dyn FnMut(Self, &str) -> u64) -> u64 {
        match value {
            Value::Object(members) => {
                let all = members.iter();
                all.fold(self.hash(Part::Object, b""), |sum, (name, value)| {
                    sum.wrapping_add(self.of_member(name, value, of_text))
                })
            }
            Value::Array(items) => {
                let all = items.iter().zip(0_u64..);
                all.fold(self.hash(Part::List, b""), |sum, (item, place)| {
                    let way = Self(self.hash(Part::Element, &place.to_le_bytes()));
                    sum.wrapping_add(way.of(item, of_text))
                })
            }
            Value::String(text) => of_text(self, text),
            Value::Bool(true) => self.hash(Part::Other, b"true"),
            other => self.hash(Part::Other, other.to_string().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(text: &str) -> String {
        version(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn content_decides_order_and_meta_do_not() {
        let base = of(r#"{"a":"x","b":[1,2],"meta":{"version":"1"}}"#);
        assert_eq!(base, of(r#"{"b":[1,2],"a":"x","meta":{"version":"2"}}"#));
        for other in [
            r#"{"a":"x","b":[2,1]}"#,
            r#"{"a":"y","b":[1,2]}"#,
            r#"{"a":"x"}"#,
        ] {
            assert_ne!(base, of(other));
        }
        assert_ne!(of(r#"{"a":["bc","d"]}"#), of(r#"{"a":["b","cd"]}"#));
        assert_ne!(of(r#"{"a":{"b":1,"c":2}}"#), of(r#"{"a":{"b":2,"c":1}}"#));
        for [one, other] in [
            [r#"{"a":"1"}"#, r#"{"a":1}"#],
            [r#"{"a":[]}"#, r#"{"a":{}}"#],
            [r#"{"a":[]}"#, "{}"],
            [r#"{"a":["x"]}"#, r#"{"a":"x"}"#],
            [r#"{"a":null}"#, "{}"],
            [r#"{"a":{"b":1}}"#, r#"{"a":{},"b":1}"#],
        ] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
    }

    #[test]
    fn every_replica_and_every_build_say_the_same() {
        let resource =
            r#"{"userName":"ada","active":true,"emails":[{"value":"a@b","type":"work"}],"n":7}"#;
        assert_eq!(of(resource), "W/\"f5a6d8fb265862bc\"");
    }

    #[track_caller]
    fn check(if_match: &str, if_none_match: &str, read: Verdict, write: Verdict) {
        let conditions = Preconditions::parse(given(if_match), given(if_none_match)).unwrap();
        let got = [conditions.of_read(NOW), conditions.of_write(NOW)];
        assert_eq!(got, [read, write], "{if_match} / {if_none_match}");
    }

    fn given(text: &str) -> Option<&str> {
        Some(text).filter(|text| !text.is_empty())
    }

    const NOW: &str = "W/\"1f\"";

    #[test]
    fn conditions_are_judged_by_weak_comparison() {
        use Verdict::{Failed, Go, NotModified};
        check("", "", Go, Go);
        check("W/\"1f\"", "", Go, Go); // R100
        check("\"1f\"", "", Go, Go);
        check("*", "", Go, Go);
        check("\"a\", W/\"1f\"", "", Go, Go);
        check("\"a\",\t,\"b,1f\"", "", Failed, Failed); // R97-R99
        check("W/\"1F\"", "", Failed, Failed);
        check("", "W/\"1f\"", NotModified, Failed); // R96
        check("", "*", NotModified, Failed);
        check("", "\"a\" , \"1f\"", NotModified, Failed);
        check("", "\"a\"", Go, Go);
        check("\"a\"", "\"1f\"", Failed, Failed); // If-Match first
        check("\"1f\"", "\"1f\"", NotModified, Failed);
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for text in [
            "",
            " ",
            "1f",
            "W/1f",
            "\"1f",
            "\"a\"\"b\"",
            "w/\"a\"",
            "*, \"a\"",
            ",",
        ] {
            let error = Preconditions::parse(Some(text), None).unwrap_err();
            assert_eq!(error.status, 400, "{text}");
            assert!(Preconditions::parse(None, Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_spelling_of_the_tenant_url_does_not_count() {
        let at = |host: &str| {
            of(&format!(
                r#"{{"members":[{{"value":"1","$ref":"{host}/Users/1"}}]}}"#
            ))
        };
        assert_eq!(at("https://a"), at("https://b"));
    }

    #[test]
    fn looks_weak() {
        let version = of("{}");
        assert_eq!((version.len(), version.get(..3)), (20, Some("W/\"")));
    }
}
