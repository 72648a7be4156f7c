//! The error table of a manifest: which of the vendor's answers mean what.
//!
//! Status codes alone decide nothing: a vendor may say "taken" with 400 and
//! "slow down" with 200. The rows of the table are tried in order; what no row
//! names is judged by its status class.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use super::host::json;
use super::marks::Marks;
use super::xml;

/// No vendor is waited for longer, whatever it asks.
pub(super) const LONGEST_SPAN: Duration = Duration::from_secs(86_400);

/// What an answer of the vendor means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Done.
    Ok,
    /// No such object.
    Absent,
    /// A unique value is taken.
    Conflict,
    /// A value is not acceptable.
    Invalid,
    /// Not carried out; the same call may be sent again later.
    Busy,
    /// A licence or quota is used up: sending it again is no use.
    Quota,
    /// Our credential is refused.
    Credential,
    /// Our credential is good and lacks a right.
    Forbidden,
    /// Failed, and the call may have been carried out in part.
    Fault,
    /// The call itself is malformed: the script must be mended.
    Bug,
}

/// What the vendor's bodies are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// XML, as the tree of [`super::xml`].
    Xml,
}

/// How to read the vendor's answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyTable {
    /// What bodies are written in.
    #[serde(default)]
    pub format: Format,
    /// The XML elements that are lists, however many of them there are.
    #[serde(default)]
    pub lists: Vec<String>,
    /// JSON pointer (RFC 6901) to the error code in a body, e.g. `/error/code`; in the tree of
    /// [`super::xml`] e.g. `/response/@code`.
    pub code: Option<String>,
    /// JSON pointer to the name of the field an error is about.
    pub field: Option<String>,
    /// JSON pointer to the milliseconds to wait, for a vendor that tells them in
    /// the body. A `Retry-After` header goes first.
    pub retry_after_ms: Option<String>,
    /// Headers that scripts see as members of the body: name in the body, header.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// In order of precedence.
    #[serde(default)]
    pub errors: Vec<ReplyRow>,
    /// The rows that decided, for coverage.
    #[serde(skip)]
    pub(crate) seen: Option<Arc<Marks>>,
}

/// One row: an answer and its meaning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyRow {
    /// The HTTP status it comes with; any if absent.
    pub status: Option<u16>,
    /// The code in the body; any if absent.
    pub code: Option<String>,
    /// The native field the body names; any if absent.
    pub field: Option<String>,
    /// What it means.
    pub means: Meaning,
    /// The SCIM attribute it is about, as in the mapping table. Without it,
    /// the table tells by the native field the body names.
    pub attribute: Option<String>,
    /// What Entra's administrator reads. The vendor's own text is never shown.
    pub detail: Option<String>,
    /// What somebody must do about it: each such answer is a warning in the log,
    /// with this as its action.
    pub alarm: Option<String>,
}

/// An answer, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'t> {
    /// What it means.
    pub means: Meaning,
    /// The code found in the body.
    pub code: Option<String>,
    /// The native field the body names.
    pub field: Option<String>,
    /// The SCIM attribute the row names.
    pub attribute: Option<&'t str>,
    /// The row's text for Entra's administrator.
    pub detail: Option<&'t str>,
    /// The row's words for whoever runs the gateway.
    pub alarm: Option<&'t str>,
    /// How long the body asks to wait, at most a day.
    pub retry_after: Option<Duration>,
}

impl ReplyTable {
    /// Reads a body; `None` if it is not what the vendor writes, or nested too deeply.
    pub fn parse(&self, body: &[u8]) -> Option<Value> {
        match self.format {
            Format::Json => json::parse(body),
            Format::Xml => xml::read(body, &self.lists),
        }
    }

    /// A body with the headers that stand in it for scripts.
    pub(crate) fn with_headers(&self, mut body: Value, headers: &HeaderMap) -> Value {
        let Value::Object(members) = &mut body else {
            return body;
        };
        for (name, header) in &self.headers {
            if let Some(Ok(text)) = headers.get(header).map(HeaderValue::to_str) {
                members.insert(name.clone(), text.into());
            }
        }
        body
    }

    /// Judges an answer by its status and its body, `None` if that is not readable.
    pub fn judge(&self, status: u16, body: Option<&Value>) -> Verdict<'_> {
        let code = text_at(body, self.code.as_deref());
        let field = text_at(body, self.field.as_deref());
        let index = self.errors.iter().position(|row| {
            row.status.is_none_or(|s| s == status)
                && (row.code.is_none() || row.code == code)
                && (row.field.is_none() || row.field == field)
        });
        if let (Some(seen), Some(index)) = (&self.seen, index) {
            seen.set(index);
        }
        let row = index.and_then(|index| self.errors.get(index));
        Verdict {
            means: row.map_or_else(|| self.by_class(status, code.is_some()), |row| row.means),
            code,
            field,
            attribute: row.and_then(|row| row.attribute.as_deref()),
            detail: row.and_then(|row| row.detail.as_deref()),
            alarm: row.and_then(|row| row.alarm.as_deref()),
            retry_after: span_at(body, self.retry_after_ms.as_deref()),
        }
    }

    /// A success that bears an error code is none, even if no row knows the code.
    ///
    /// A vendor that signs its errors with a code has not spoken when there is
    /// none: some box on the way has, and its 404 must not become "no such user".
    fn by_class(&self, status: u16, signed: bool) -> Meaning {
        let unsigned = self.code.is_some() && !signed;
        match status {
            200..=299 if signed => Meaning::Fault,
            200..=299 => Meaning::Ok,
            401 => Meaning::Credential,
            429 => Meaning::Busy,
            // A firewall's page, say.
            _ if unsigned => Meaning::Fault,
            // Of this object or this call. That of a credential as a whole needs a row: it stops
            // the whole tenant.
            403 => Meaning::Forbidden,
            404 | 410 => Meaning::Absent,
            409 => Meaning::Conflict,
            400 | 422 => Meaning::Invalid,
            _ => Meaning::Fault,
        }
    }
}

fn text_at(body: Option<&Value>, pointer: Option<&str>) -> Option<String> {
    match body?.pointer(pointer?)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn span_at(body: Option<&Value>, pointer: Option<&str>) -> Option<Duration> {
    let milliseconds = body?.pointer(pointer?)?.as_u64()?;
    Some(Duration::from_millis(milliseconds).min(LONGEST_SPAN))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table() -> ReplyTable {
        toml::from_str(
            r#"
            code = "/error/code"
            field = "/error/field"
            [[errors]]
            code = "E1007"
            field = "status"
            means = "absent"
            [[errors]]
            status = 400
            code = "E1001"
            means = "conflict"
            attribute = "userName"
            [[errors]]
            status = 409
            code = "E1901"
            means = "busy"
            [[errors]]
            status = 200
            code = "RATE_LIMITED"
            means = "busy"
            "#,
        )
        .unwrap()
    }

    #[track_caller]
    fn check(status: u16, body: Value, means: Meaning) {
        assert_eq!(table().judge(status, Some(&body)).means, means);
    }

    #[test]
    fn the_first_row_that_fits_decides_and_else_the_status_class() {
        check(400, json!({"error": {"code": "E1001"}}), Meaning::Conflict);
        check(400, json!({"error": {"code": "E9999"}}), Meaning::Invalid);
        check(409, json!({"error": {"code": "E1901"}}), Meaning::Busy);
        check(409, json!({"error": {"code": "E9999"}}), Meaning::Conflict);
        check(404, json!({"error": {"code": "E1404"}}), Meaning::Absent);
        check(
            200,
            json!({"error": {"code": "RATE_LIMITED"}}),
            Meaning::Busy,
        );
        let unfit = |field: &str| json!({"error": {"code": "E1007", "field": field}});
        check(400, unfit("status"), Meaning::Absent);
        check(400, unfit("tz"), Meaning::Invalid);
        check(200, json!({"id": 1}), Meaning::Ok);
        check(302, json!({}), Meaning::Fault);
        check(401, json!({}), Meaning::Credential);
        check(403, json!({"error": {"code": "E0403"}}), Meaning::Forbidden);
        check(403, json!({}), Meaning::Fault);
        check(503, json!("<html>"), Meaning::Fault);
    }

    #[test]
    fn a_success_with_an_error_code_is_none() {
        check(200, json!({"error": {"code": "E9999"}}), Meaning::Fault);
        check(200, json!({"error": {"code": null}}), Meaning::Ok);
    }

    #[test]
    fn xml_is_judged_by_its_tree() {
        let table: ReplyTable = toml::from_str(
            r#"
            format = "xml"
            lists = ["line"]
            code = "/response/@code"
            errors = [{ code = "20", means = "ok" }, { code = "7", means = "absent" }]
            "#,
        )
        .unwrap();
        let judge = |body: &str| {
            table
                .judge(200, table.parse(body.as_bytes()).as_ref())
                .means
        };
        assert_eq!(judge("<response code='20'/>"), Meaning::Ok);
        assert_eq!(
            judge("<response code='7'><result/></response>"),
            Meaning::Absent
        );
        assert_eq!(judge("<response code='99'/>"), Meaning::Fault);
        assert!(table.parse(b"<!DOCTYPE a><response code='20'/>").is_none());
        assert!(table.parse(b"{}").is_none());
    }

    #[test]
    fn headers_that_the_manifest_names_stand_in_the_body() {
        let table: ReplyTable = toml::from_str(r#"headers = { next = "X-Next" }"#).unwrap();
        let headers = [("x-next", "t2"), ("x-other", "o")];
        let headers: HeaderMap = (headers.into_iter())
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let read = |body: Value| table.with_headers(body, &headers);
        assert_eq!(read(json!({"rows": []})), json!({"rows": [], "next": "t2"}));
        assert_eq!(read(json!([1])), json!([1]));
        let none = table.with_headers(json!({}), &HeaderMap::new());
        assert_eq!(none, json!({}));
    }

    #[test]
    fn the_wait_may_stand_in_the_body() {
        let table = ReplyTable {
            retry_after_ms: Some("/errors/0/wait".into()),
            ..table()
        };
        let wait = |wait: Value| {
            let body = json!({"errors": [{"wait": wait}]});
            table.judge(200, Some(&body)).retry_after
        };
        assert_eq!(wait(json!(1500)), Some(Duration::from_millis(1500)));
        assert_eq!(wait(json!(u64::MAX)), Some(LONGEST_SPAN));
        assert_eq!(wait(json!(-1)), None);
        assert_eq!(wait(json!("soon")), None);
    }

    #[test]
    fn an_answer_without_the_vendors_code_is_not_the_vendors() {
        assert_eq!(table().judge(502, None).means, Meaning::Fault);
        assert_eq!(table().judge(429, None).means, Meaning::Busy);
        assert_eq!(table().judge(404, None).means, Meaning::Fault);
        assert_eq!(
            ReplyTable::default().judge(404, None).means,
            Meaning::Absent
        );
    }
}
