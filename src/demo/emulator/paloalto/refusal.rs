//! The API's codes, and how they are told.

use super::element::escape;
use crate::demo::emulator::kit::Answer;

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: u16,
    lines: Vec<String>,
}

impl Refusal {
    fn new(code: u16, line: &str) -> Self {
        Self {
            status: 200,
            code,
            lines: vec![line.to_owned()],
        }
    }

    pub(super) fn busy() -> Self {
        Self::new(5, "System busy, try again later")
    }

    pub(super) fn bad_xpath() -> Self {
        Self::new(6, "Bad Xpath")
    }

    /// Not told as an error.
    pub(super) fn not_present() -> Self {
        Self::new(7, "Object not present")
    }

    pub(super) fn not_unique(name: &str) -> Self {
        Self::new(8, &format!("{name} already exists: object not unique"))
    }

    /// `groups` in their own order.
    pub(super) fn referenced(name: &str, groups: &[String]) -> Self {
        let first = format!("{name} cannot be deleted because of references from:");
        let others = groups
            .iter()
            .map(|group| format!(" user-group -> {group} -> member"));
        Self {
            lines: std::iter::once(first).chain(others).collect(),
            ..Self::new(10, "")
        }
    }

    pub(super) fn invalid(what: &str) -> Self {
        Self::new(12, &format!("{what} is invalid"))
    }

    pub(super) fn object_not_found(name: &str) -> Self {
        Self::new(13, &format!("{name} not found"))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(16, "Unauthorized request")
    }

    pub(super) fn invalid_command() -> Self {
        Self::new(17, "Invalid command")
    }

    pub(super) fn malformed() -> Self {
        Self::new(18, "Malformed command")
    }

    pub(super) fn session_timed_out() -> Self {
        Self::new(22, "Session timed out")
    }

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
            lines,
        } = refusal;
        if code == 7 {
            return xml(r#"<response status="success" code="7"><result/></response>"#.to_owned());
        }
        let lines: String = lines
            .iter()
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
