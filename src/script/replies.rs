//! The error table of a manifest: which of the vendor's answers mean what.
//!
//! Status codes alone decide nothing: a vendor may say "taken" with 400 and
//! "slow down" with 200. The rows of the table are tried in order; what no row
//! names is judged by its status class.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use memchr::memmem;
use rhai::Dynamic;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Errand, VendorReply, Verb};
use super::host::json;
use super::marks::Marks;
use super::xml;
use crate::scim::ResourceKind;

mod pattern;
#[cfg(test)]
mod tests;

use pattern::Pattern;

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
    /// The cursor of a list is not known any more.
    Expired,
    /// Failed, and the call may have been carried out in part.
    Fault,
    /// The call itself is malformed: the script must be corrected.
    Bug,
}

impl Meaning {
    /// Whether the vendor has taken our credential, and then judged the call.
    pub fn shows_a_good_credential(self) -> bool {
        match self {
            Self::Ok | Self::Absent | Self::Conflict | Self::Invalid => true,
            Self::Quota | Self::Forbidden | Self::Expired => true,
            Self::Busy | Self::Credential | Self::Fault | Self::Bug => false,
        }
    }
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
    /// JSON pointer to the errors of a body that tells several: an array, or an object of arrays
    /// by name, whose entries are then `{"name": …, "value": …}`. [`Self::code`], [`Self::field`]
    /// and [`Self::text`] begin at each of them.
    pub each: Option<String>,
    /// JSON pointer (RFC 6901) to the error code in a body, e.g. `/error/code`; in the tree of
    /// [`super::xml`] e.g. `/response/@code`.
    pub code: Option<String>,
    /// JSON pointer to the name of the field an error is about.
    pub field: Option<String>,
    /// JSON pointer to what an error says in words. Without it, the words are the whole body.
    pub text: Option<String>,
    /// What the vendor's errors call fields, where that is not the native field's name: native
    /// fields by those names, compared without case.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
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
    /// What the function is about that made the call; anything if absent.
    pub resource: Option<ResourceKind>,
    /// The call's method; any if absent.
    pub method: Option<Verb>,
    /// The HTTP status it comes with; any if absent.
    pub status: Option<u16>,
    /// The code in the body; any if absent.
    pub code: Option<String>,
    /// The native field the body names; any if absent.
    pub field: Option<String>,
    /// The media type of the answer, without parameters; any if absent.
    pub content_type: Option<String>,
    /// Whether the body is empty; whether or not if absent.
    pub empty: Option<bool>,
    /// What the error says in words; anything if absent.
    pub text: Option<Pattern>,
    /// What it means.
    pub means: Meaning,
    /// The SCIM attribute it is about, as in the mapping table. Without it,
    /// the table tells by the native field the body names.
    pub attribute: Option<String>,
    /// What Entra's administrator reads. The vendor's own text is never shown.
    pub detail: Option<String>,
    /// What somebody must do about it: a request that such an answer ends is a warning in the log,
    /// with this as its action. Of an answer that the script catches and gets over, nobody hears.
    pub alarm: Option<String>,
    /// Where it stands: `adapters/desk.toml:97`.
    #[serde(skip)]
    pub place: Option<Arc<str>>,
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
    /// Where the row stands.
    pub row: Option<&'t Arc<str>>,
    /// How long the body asks to wait, at most a day.
    pub retry_after: Option<Duration>,
}

impl ReplyTable {
    /// Reads a body; `None` if it is not what the vendor writes, or nested too deeply. A web page
    /// may be XML too, and is no vendor's.
    pub fn parse(&self, body: &[u8]) -> Option<Value> {
        match self.format {
            Format::Json => json::parse(body),
            Format::Xml => {
                let is_page = |tree: &Value| {
                    let mut roots = tree.as_object().into_iter().flat_map(|tree| tree.keys());
                    roots.any(|root| root.eq_ignore_ascii_case("html"))
                };
                xml::read(body, &self.lists).filter(|tree| !is_page(tree))
            }
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

    /// Whether the meaning of an answer of this status may depend on what its body says.
    pub(crate) fn turns_on_body(&self, status: u16, body: &[u8]) -> bool {
        // Whether an error bears the vendor's code decides whose it is.
        if self.code.is_some() && !(200..=299).contains(&status) {
            return true;
        }
        let mut rows = self.errors.iter().filter(|row| row.turns_on_body(status));
        rows.any(|row| row.code.is_none() || self.may_tell(body))
    }

    /// Whether a body may have an error's code: the name under which it would be stands in it.
    fn may_tell(&self, body: &[u8]) -> bool {
        let pointer = self.each.as_deref().or(self.code.as_deref());
        let path = pointer.and_then(|pointer| pointer.strip_prefix('/'));
        let first = path.and_then(|path| path.split('/').next());
        let stands = |name: &str| memmem::find(body, format!("\"{name}\"").as_bytes()).is_some();
        match first.filter(|name| self.format == Format::Json && !name.contains('~')) {
            // JSON may write any character by its number.
            Some(name) => stands(name) || memmem::find(body, br"\u").is_some(),
            None => true,
        }
    }

    /// The body of a success as a script sees it, read in one pass; `None` where more has to be
    /// looked at.
    pub(crate) fn plain(&self, answer: &Answered<'_>, body: &[u8]) -> Option<Dynamic> {
        let mut rows = self.errors.iter();
        let is_plain = self.format == Format::Json
            && self.headers.is_empty()
            // A success with an error's code is none.
            && !(self.code.is_some() && self.may_tell(body))
            && !rows.any(|row| row.code.is_none() && row.turns_on_body(answer.status))
            && self.judge(answer).means == Meaning::Ok;
        is_plain.then(|| json::read(body)).flatten()
    }

    /// Judges an answer.
    pub fn judge(&self, answer: &Answered<'_>) -> Verdict<'_> {
        let entries = self.entries(answer);
        let found = self.errors.iter().enumerate().find_map(|(index, row)| {
            let mut fitting = entries.iter().filter_map(|entry| row.fits(answer, entry));
            let (entry, field) = fitting.find(|_| self.is_believed(row, answer))?;
            Some((index, row, entry, field))
        });
        if let (Some(seen), Some((index, ..))) = (&self.seen, &found) {
            seen.set(*index);
        }
        let signed = entries.iter().any(|entry| entry.code.is_some());
        let means = match &found {
            Some((_, row, ..)) => row.means,
            None => self.by_class(answer, signed),
        };
        let row = found.as_ref().map(|(_, row, ..)| *row);
        let entry = found.as_ref().map(|(_, _, entry, _)| *entry);
        let entry = entry.or(entries.first());
        let said = found.as_ref().and_then(|(.., field)| field.as_deref());
        let field = said.or_else(|| entry?.field.as_deref());
        Verdict {
            means,
            code: entry.and_then(|entry| entry.code.clone()),
            field: field.map(|name| self.native(name)),
            attribute: row.and_then(|row| row.attribute.as_deref()),
            detail: row.and_then(|row| row.detail.as_deref()),
            alarm: row.and_then(|row| row.alarm.as_deref()),
            row: row.and_then(|row| row.place.as_ref()),
            retry_after: span_at(answer.body, self.retry_after_ms.as_deref()),
        }
    }

    /// What the answer tells of errors; one entry without anything where it tells none.
    fn entries(&self, answer: &Answered<'_>) -> Vec<Entry> {
        let Some(each) = &self.each else {
            return vec![self.entry(answer, answer.body)];
        };
        let told = answer.body.and_then(|body| body.pointer(each));
        let entries: Vec<_> = match told {
            Some(Value::Array(told)) => {
                let each = told.iter().map(|one| self.entry(answer, Some(one)));
                each.collect()
            }
            Some(Value::Object(told)) => {
                let each = told.iter().flat_map(|(name, values)| match values {
                    Value::Array(values) => values.iter().map(|value| (name, value)).collect(),
                    value => vec![(name, value)],
                });
                let each = each.map(|(name, value)| json!({ "name": name, "value": value }));
                each.map(|one| self.entry(answer, Some(&one))).collect()
            }
            _ => Vec::new(),
        };
        match entries.is_empty() {
            true => vec![self.entry(answer, None)],
            false => entries,
        }
    }

    fn entry(&self, answer: &Answered<'_>, told: Option<&Value>) -> Entry {
        let whole = || {
            let mut rows = self.errors.iter().filter(|row| row.text.is_some());
            let wanted = rows.any(|row| row.turns_on_body(answer.status));
            wanted.then(|| String::from_utf8_lossy(answer.raw).into_owned())
        };
        Entry {
            code: text_at(told, self.code.as_deref()),
            field: text_at(told, self.field.as_deref()),
            text: match &self.text {
                Some(pointer) => text_at(told, Some(pointer)),
                None => whole(),
            },
        }
    }

    /// The native field that the vendor's errors call `name`.
    fn native(&self, name: &str) -> String {
        let mut known = self.fields.iter();
        let known = known.find(|(called, _)| called.eq_ignore_ascii_case(name));
        known.map_or(name, |(_, native)| native).to_owned()
    }

    /// Whether an answer of which a row is true is the vendor's own. A web page, or nothing at all
    /// of a vendor whose errors have codes, says of no object that it is not there, unless the
    /// row says that the vendor answers so.
    fn is_believed(&self, row: &ReplyRow, answer: &Answered<'_>) -> bool {
        let says_so = row.content_type.is_some() || row.empty.is_some() || row.text.is_some();
        let is_foreign = answer.is_html() || (self.code.is_some() && answer.is_empty());
        row.means != Meaning::Absent || says_so || !is_foreign
    }

    /// A success that bears an error code is none, even if no row knows the code.
    ///
    /// A vendor that signs its errors with a code has not spoken when there is
    /// none: some box on the way has, and its 404 must not become "no such user". No vendor
    /// speaks in web pages.
    fn by_class(&self, answer: &Answered<'_>, signed: bool) -> Meaning {
        let unsigned = (self.code.is_some() && !signed) || answer.is_html();
        match answer.status {
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

/// An answer as it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The HTTP status.
    pub status: u16,
    /// What the call was for.
    pub errand: Errand,
    /// The media type, without parameters.
    pub media_type: Option<&'a str>,
    /// The body as it came.
    pub raw: &'a [u8],
    /// The body as [`ReplyTable::parse`] reads it.
    pub body: Option<&'a Value>,
}

impl<'a> Answered<'a> {
    /// A whole reply to a call for `errand`.
    pub fn of(reply: &'a VendorReply, errand: Errand, body: Option<&'a Value>) -> Self {
        Self {
            status: reply.status,
            errand,
            media_type: media_type(&reply.headers),
            raw: &reply.body,
            body,
        }
    }

    /// A part of a reply that has an outcome of its own.
    pub fn part(body: &'a Value, resource: Option<ResourceKind>) -> Self {
        Self {
            status: 200,
            errand: Errand {
                verb: None,
                resource,
            },
            media_type: None,
            raw: &[],
            body: Some(body),
        }
    }

    fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.body.is_none()
    }

    /// Whether a web page came, as some box on the way sends it.
    fn is_html(&self) -> bool {
        is_html(self.raw)
    }
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let written = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(written.split(';').next()?.trim())
}

/// Whether a body is a web page.
pub(crate) fn is_html(body: &[u8]) -> bool {
    let head = body.get(..64).unwrap_or(body).trim_ascii_start();
    let begins = |with: &str| {
        let head = head.get(..with.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(with.as_bytes())
    };
    begins("<!doctype html") || begins("<html")
}

/// One error that an answer tells.
struct Entry {
    code: Option<String>,
    field: Option<String>,
    text: Option<String>,
}

impl ReplyRow {
    /// The entry, if the row is true of it, and the field that its words name.
    fn fits<'e>(
        &self,
        answer: &Answered<'_>,
        entry: &'e Entry,
    ) -> Option<(&'e Entry, Option<String>)> {
        let media_type = answer.media_type.unwrap_or_default();
        let fits = self.status.is_none_or(|status| status == answer.status)
            && (self.code.is_none() || self.code == entry.code)
            && (self.field.is_none() || self.field == entry.field)
            && (self.resource.is_none() || self.resource == answer.errand.resource)
            && (self.method.is_none() || self.method == answer.errand.verb)
            && self.empty.is_none_or(|empty| empty == answer.is_empty())
            && (self.content_type.as_ref()).is_none_or(|of| of.eq_ignore_ascii_case(media_type));
        let Some(pattern) = self.text.as_ref().filter(|_| fits) else {
            return fits.then_some((entry, None));
        };
        let field = pattern.matches(entry.text.as_deref()?)?;
        Some((entry, field.map(str::to_owned)))
    }

    /// Whether it can be true of an answer of this status only by its body.
    fn turns_on_body(&self, status: u16) -> bool {
        let asks = self.code.is_some() || self.field.is_some() || self.text.is_some();
        asks && self.status.is_none_or(|of| of == status)
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
