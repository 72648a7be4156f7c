//! What was asked and answered so far.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::gateway::Got;
use crate::history::{Fields, Sort};

/// What a request is about, for the oracle.
#[derive(Clone, Debug)]
pub(crate) enum About {
    /// A POST of an object with these native values, for the client's own object of this number.
    Post {
        sort: Sort,
        fields: Fields,
        owner: usize,
    },
    /// A PATCH or PUT that gives these native values.
    Change {
        sort: Sort,
        id: String,
        fields: Fields,
    },
    /// A PATCH of members: who joins and who leaves.
    Members {
        id: String,
        join: Vec<String>,
        leave: Vec<String>,
    },
    Delete {
        sort: Sort,
        id: String,
    },
    Get {
        sort: Sort,
        id: String,
    },
    /// A look by the name.
    Find {
        sort: Sort,
        name: String,
    },
    /// Many of the above.
    Bulk,
}

/// How far an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// There is none yet.
    Running,
    /// It is made and on its way.
    Made,
    /// The connection took it.
    Taken,
    /// Nobody will hear it.
    Lost,
}

/// One request.
pub(crate) struct Request {
    pub(crate) deed: usize,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
    pub(crate) about: About,
    pub(crate) began: u64,
    pub(crate) made: Option<(u64, Got)>,
    pub(crate) fate: Fate,
    /// When the connection took the answer.
    pub(crate) ended: Option<u64>,
    pub(crate) steps: Vec<String>,
}

/// An answer 201: which object it named, and which request it answers.
pub(crate) struct Created {
    pub(crate) object: usize,
    pub(crate) request: u32,
}

/// All requests of a world, by number; and what must not be.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) requests: Vec<Request>,
    pub(crate) created: Vec<Created>,
    /// The objects that answers named, by sort and SCIM id.
    pub(crate) ids: BTreeMap<(Sort, String), usize>,
    /// The objects that an answer other than a 201 named, and when.
    pub(crate) shown: Vec<(usize, u64)>,
    pub(crate) violations: Vec<String>,
}

impl Book {
    pub(crate) fn take(&mut self, number: u32, now: u64) {
        let request = &mut self.requests[number as usize];
        request.fate = Fate::Taken;
        request.ended = Some(now);
    }

    pub(crate) fn lose(&mut self, number: u32) {
        let request = &mut self.requests[number as usize];
        if request.fate != Fate::Taken {
            request.fate = Fate::Lost;
        }
    }

    /// The process is gone.
    pub(crate) fn lose_all(&mut self) {
        for number in 0..self.requests.len() {
            self.lose(number as u32);
        }
    }

    /// Whether an object is known to a client, or about to be.
    pub(crate) fn is_heard_of(&self, object: usize) -> bool {
        self.shown.iter().any(|(shown, _)| *shown == object)
            || self
                .created_for(object)
                .any(|(_, by)| by.fate == Fate::Taken)
    }

    /// The POSTs that were answered 201 with an object.
    pub(crate) fn created_for(&self, object: usize) -> impl Iterator<Item = (u32, &Request)> {
        let created = self
            .created
            .iter()
            .filter(move |created| created.object == object);
        created.map(|created| (created.request, &self.requests[created.request as usize]))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self
            .body
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        writeln!(
            f,
            "at {} ms, deed {}: {} {} {body}",
            self.began, self.deed, self.method, self.target
        )?;
        for step in &self.steps {
            writeln!(f, "    {step}")?;
        }
        match &self.made {
            None => writeln!(f, "  no answer ({:?})", self.fate),
            Some((at, got)) => {
                let wait = got.retry_after.map(|wait| format!(", Retry-After {wait}"));
                let (status, body) = (got.status, &got.body);
                writeln!(
                    f,
                    "  at {at} ms, {:?}: {status}{} {body}",
                    self.fate,
                    wait.unwrap_or_default()
                )
            }
        }
    }
}
