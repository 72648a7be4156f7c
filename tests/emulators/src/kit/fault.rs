//! Faults: which calls they meet and what they do to them.

use super::vendor::Call;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One fault, as in `POST /__ctl/faults`:
/// `{"match": {"method": "POST", "path": "/users", "nth": 1}, "do": "drop_after"}`.
///
/// Delays add up; of the other faults that meet a call the first in the list acts. Every fault
/// counts the calls it matches, acting or not, so `nth: 1` and `nth: 2` are the first two calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The calls it meets; all when absent.
    #[serde(rename = "match", default)]
    pub matching: Match,
    /// What happens to them.
    #[serde(rename = "do")]
    pub action: Action,
}

/// The calls a fault meets: those for which everything given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The HTTP method.
    pub method: Option<String>,
    /// The path below the base path. `*` is any text without a slash, `**` any text. The query
    /// is looked at only when the pattern has a `?`.
    pub path: Option<String>,
    /// What the call asks for, as the counters name it: `mutation createUser`. For a vendor
    /// whose calls all go to one path.
    pub route: Option<String>,
    /// The customer, as the journal names it.
    pub client: Option<String>,
    /// Only the n-th such call, from 1.
    pub nth: Option<u64>,
    /// Only each n-th such call.
    pub every: Option<u64>,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The call is read and never answered; no work is done.
    BlackHole,
    /// The work is done these milliseconds late.
    DelayMs(u64),
    /// The work is done at once, its answer comes these milliseconds late.
    DelayAfterMs(u64),
    /// The answer trickles.
    Drip(Drip),
    /// The work is done, then the connection breaks without an answer.
    DropAfter,
    /// The connection breaks; no work is done.
    DropBefore,
    /// 502 with a web page, as from a load balancer; no work is done.
    #[serde(rename = "html_502")]
    Html502,
    /// The right answer behind so many bytes of white space.
    Huge(usize),
    /// 307 to this address; no work is done.
    Redirect(String),
    /// This status in place of the vendor's.
    Status(Status),
    /// The work is done; the connection breaks after so many bytes of the answer's body.
    Truncate(usize),
    /// The work is done; the answer shows somebody else's row.
    WrongUser,
}

/// A status of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// Headers, `content-type` too.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// Whether the work is done all the same: a 504 of a gateway that waited too short.
    #[serde(default)]
    pub after: bool,
}

/// How an answer trickles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// Bytes at a time.
    pub bytes: usize,
    /// Milliseconds between them.
    pub every_ms: u64,
}

impl Fault {
    /// A fault for each call of this method and path pattern; `*` for any method.
    pub fn new(method: &str, path: &str, action: Action) -> Self {
        let method = (method != "*").then(|| method.to_owned());
        Self {
            matching: Match {
                method,
                path: Some(path.to_owned()),
                ..Match::default()
            },
            action,
        }
    }

    /// A fault for each call of this route, as the counters name it.
    pub fn on_route(route: &str, action: Action) -> Self {
        Self {
            matching: Match {
                route: Some(route.to_owned()),
                ..Match::default()
            },
            action,
        }
    }

    /// Only for the n-th such call, from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.matching.nth = Some(nth);
        self
    }

    /// Only for each n-th such call.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.matching.every = Some(every);
        self
    }

    /// Only for this customer's calls.
    #[must_use]
    pub fn client(mut self, client: impl ToString) -> Self {
        self.matching.client = Some(client.to_string());
        self
    }
}

impl From<u16> for Status {
    fn from(code: u16) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }
}

impl Action {
    /// The name it has in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BlackHole => "black_hole",
            Self::DelayMs(_) => "delay_ms",
            Self::DelayAfterMs(_) => "delay_after_ms",
            Self::Drip(_) => "drip",
            Self::DropAfter => "drop_after",
            Self::DropBefore => "drop_before",
            Self::Html502 => "html_502",
            Self::Huge(_) => "huge",
            Self::Redirect(_) => "redirect",
            Self::Status(_) => "status",
            Self::Truncate(_) => "truncate",
            Self::WrongUser => "wrong_user",
        }
    }
}

/// The faults in force, and how many calls each has matched.
#[derive(Debug, Default)]
pub(super) struct FaultTable(Vec<(Fault, u64)>);

/// What the faults in force mean for one call.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) delay_ms: u64,
    pub(super) delay_after_ms: u64,
    pub(super) action: Option<Action>,
    /// The name of the fault, a delay's when there is nothing worse.
    pub(super) name: Option<&'static str>,
}

impl FaultTable {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    pub(super) fn meet(&mut self, call: &Call, route: &str, client: Option<&str>) -> Plan {
        let mut plan = Plan::default();
        for (fault, seen) in &mut self.0 {
            if fault.matching.matches(call, route, client) {
                *seen += 1;
                if fault.matching.is_due(*seen) {
                    plan.add(&fault.action);
                }
            }
        }
        plan
    }
}

impl Plan {
    fn add(&mut self, action: &Action) {
        match action {
            Action::DelayMs(ms) => self.delay_ms = self.delay_ms.saturating_add(*ms),
            Action::DelayAfterMs(ms) => {
                self.delay_after_ms = self.delay_after_ms.saturating_add(*ms)
            }
            _ if self.action.is_some() => return,
            _ => self.action = Some(action.clone()),
        }
        self.name = Some(self.action.as_ref().unwrap_or(action).name());
    }
}

impl Match {
    fn matches(&self, call: &Call, route: &str, client: Option<&str>) -> bool {
        self.method
            .as_ref()
            .is_none_or(|m| m.eq_ignore_ascii_case(call.method.as_str()))
            && self.route.as_deref().is_none_or(|r| r == route)
            && self.client.as_deref().is_none_or(|c| Some(c) == client)
            && self.path.as_ref().is_none_or(|pattern| {
                let target = if pattern.contains('?') {
                    call.target()
                } else {
                    call.path.clone()
                };
                glob(pattern.as_bytes(), target.as_bytes())
            })
    }

    fn is_due(&self, seen: u64) -> bool {
        self.nth.is_none_or(|nth| seen == nth)
            && self
                .every
                .is_none_or(|every| every != 0 && seen.is_multiple_of(every))
    }
}

/// `*` stands for any text without a slash, `**` for any text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => {
            (0..=text.len()).any(|n| text.get(n..).is_some_and(|t| glob(rest, t)))
        }
        [b'*', rest @ ..] => {
            let reach = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
            (0..=reach).any(|n| text.get(n..).is_some_and(|t| glob(rest, t)))
        }
        [first, rest @ ..] => text
            .split_first()
            .is_some_and(|(t, text)| t == first && glob(rest, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: bool) {
        assert_eq!(
            glob(pattern.as_bytes(), text.as_bytes()),
            expect,
            "{pattern} on {text}"
        );
    }

    #[test]
    fn a_star_stays_within_its_segment() {
        check("/users", "/users", true);
        check("/users", "/users/1", false);
        check("/users/*", "/users/18001", true);
        check("/users/*", "/users/", true);
        check("/users/*", "/users/18001/activate", false);
        check("/users/*/activate", "/users/18001/activate", true);
        check("/users/**", "/users/18001/activate", true);
        check("**", "/anything/at/all", true);
        check("/users?email=*", "/users?email=a%40b", true);
        check("/users?email=*", "/users?login=a", false);
    }
}
