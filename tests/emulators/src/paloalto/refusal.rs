//! The API's codes, and how they are told.

use super::element::escape;
use crate::kit::Answer;
use std::borrow::Cow;

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: u16,
    line: Cow<'static, str>,
    /// What follows it.
    more: Vec<String>,
}

impl Refusal {
    const fn new(code: u16, line: &'static str) -> Self {
        Self::of(code, Cow::Borrowed(line))
    }

    const fn of(code: u16, line: Cow<'static, str>) -> Self {
        Self {
            status: 200,
            code,
            line,
            more: Vec::new(),
        }
    }

    pub(super) const BUSY: Self = Self::new(5, "System busy, try again later");
    pub(super) const BAD_XPATH: Self = Self::new(6, "Bad Xpath");
    /// Not told as an error.
    pub(super) const NOT_PRESENT: Self = Self::new(7, "Object not present");
    pub(super) fn not_unique(name: &str) -> Self {
        Self::of(
            8,
            Cow::Owned(format!("{name} already exists: object not unique")),
        )
    }

    /// `groups` in their own order.
    pub(super) fn referenced(name: &str, groups: &[String]) -> Self {
        let first = format!("{name} cannot be deleted because of references from:");
        let others = groups
            .iter()
            .map(|group| format!(" user-group -> {group} -> member"));
        Self {
            more: others.collect(),
            ..Self::of(10, first.into())
        }
    }

    pub(super) fn invalid(what: &str) -> Self {
        Self::of(12, Cow::Owned(format!("{what} is invalid")))
    }

    pub(super) fn object_not_found(name: &str) -> Self {
        Self::of(13, Cow::Owned(format!("{name} not found")))
    }

    pub(super) const UNAUTHORIZED: Self = Self::new(16, "Unauthorized request");
    pub(super) const INVALID_COMMAND: Self = Self::new(17, "Invalid command");
    pub(super) const MALFORMED: Self = Self::new(18, "Malformed command");
    pub(super) const SESSION_TIMED_OUT: Self = Self::new(22, "Session timed out");
    pub(super) fn bad_credentials() -> Self {
        Self {
            status: 403,
            ..Self::new(403, "Invalid credentials.")
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal {
            status,
            code,
            line,
            more,
        } = refusal;
        if code == 7 {
            return xml(r#"<response status="success" code="7"><result/></response>"#.to_owned());
        }
        let lines = std::iter::once(&*line).chain(more.iter().map(String::as_str));
        let lines: String = lines
            .map(|line| format!("<line>{}</line>", escape(line)))
            .collect();
        let body =
            format!(r#"<response status="error" code="{code}"><msg>{lines}</msg></response>"#);
        Self {
            status,
            duplicate: code == 8,
            ..xml(body)
        }
    }
}

/// An answer in XML.
pub(super) fn xml(body: String) -> Answer {
    Answer::text(200, "application/xml; charset=UTF-8", body)
}

/// What changed something.
pub(super) fn done() -> Answer {
    xml(
        r#"<response status="success" code="20"><msg>command succeeded</msg></response>"#
            .to_owned(),
    )
}
