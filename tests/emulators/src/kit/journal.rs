//! The journal: every call in the order of arrival, credentials blacked out.

use super::vendor::Call;
use bytes::Bytes;
use hyper::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};

/// Calls kept; older ones are forgotten first.
const CALLS: usize = 200_000;
/// Bodies kept: those of the latest calls only, they are what costs memory.
const BODIES: usize = 10_000;

/// One call and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct JournalEntry {
    /// Arrival on the emulator's clock, RFC 3339 with milliseconds.
    pub time: String,
    /// The HTTP method.
    pub method: String,
    /// The path below the base path, with the query, as sent.
    pub path: String,
    /// `METHOD /path/{template}`.
    pub route: &'static str,
    /// The customer whose credential the call carried; `None` for one nobody has.
    pub client: Option<String>,
    /// The headers; secret ones are `***`.
    pub headers: BTreeMap<String, String>,
    /// SHA-256 of the body in hex; `None` when it was empty.
    pub body_hash: Option<String>,
    /// The body, for the latest 10,000 calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the vendor decided; `None` while it works, or when the call never got that far.
    pub decided: Option<u16>,
    /// The status sent; `None` while it works, or when no status line was sent.
    pub answered: Option<u16>,
    /// The fault that met the call, by the name it has in JSON.
    pub fault: Option<&'static str>,
}

/// Where a call stands in the journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line(u64);

#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The number of the first record in `records`.
    first: u64,
    records: VecDeque<Record>,
}

/// A call as kept. Text is made of it only when somebody reads the journal.
#[derive(Debug)]
struct Record {
    time: Timestamp,
    method: hyper::Method,
    path: String,
    route: &'static str,
    client: Option<String>,
    headers: HeaderMap,
    body_hash: Option<[u8; 32]>,
    body: Bytes,
    decided: Option<u16>,
    answered: Option<u16>,
    fault: Option<&'static str>,
}

impl Journal {
    pub(super) fn arrived(
        &mut self,
        call: &Call,
        time: Timestamp,
        route: &'static str,
        client: Option<String>,
    ) -> Line {
        if self.records.len() >= CALLS {
            self.records.pop_front();
            self.first += 1;
        }
        self.records.push_back(Record {
            time,
            method: call.method.clone(),
            path: call.target(),
            route,
            client,
            headers: call.headers.clone(),
            body_hash: (!call.body.is_empty()).then(|| Sha256::digest(&call.body).into()),
            body: call.body.clone(),
            decided: None,
            answered: None,
            fault: None,
        });
        self.forget_a_body();
        Line(self.first + self.records.len() as u64 - 1)
    }

    pub(super) fn met_fault(&mut self, line: Line, fault: &'static str) {
        self.change(line, |record| record.fault = Some(fault));
    }

    pub(super) fn decided(&mut self, line: Line, status: u16) {
        self.change(line, |record| record.decided = Some(status));
    }

    pub(super) fn answered(&mut self, line: Line, status: u16) {
        self.change(line, |record| record.answered = Some(status));
    }

    pub(super) fn entries(&self, secret: &[&str], bodies: bool) -> Vec<JournalEntry> {
        self.records
            .iter()
            .map(|record| record.entry(secret, bodies))
            .collect()
    }

    fn forget_a_body(&mut self) {
        let old = self.records.len().checked_sub(BODIES + 1);
        if let Some(record) = old.and_then(|index| self.records.get_mut(index)) {
            record.body = Bytes::new();
        }
    }

    /// A line from before a reset, or one already forgotten, changes nothing.
    fn change(&mut self, Line(number): Line, change: impl FnOnce(&mut Record)) {
        let index = number
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(record) = index.and_then(|index| self.records.get_mut(index)) {
            change(record);
        }
    }

    pub(super) fn clear(&mut self) {
        self.first += self.records.len() as u64;
        self.records.clear();
    }
}

impl Record {
    fn entry(&self, secret: &[&str], bodies: bool) -> JournalEntry {
        let show = |name: &str, value: &hyper::header::HeaderValue| {
            let hidden = matches!(name, "authorization" | "cookie") || secret.contains(&name);
            if hidden {
                "***".to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            }
        };
        JournalEntry {
            time: format!("{:.3}", self.time),
            method: self.method.to_string(),
            path: self.path.clone(),
            route: self.route,
            client: self.client.clone(),
            headers: self
                .headers
                .iter()
                .map(|(n, v)| (n.to_string(), show(n.as_str(), v)))
                .collect(),
            body_hash: self.body_hash.map(hex),
            body: (bodies && !self.body.is_empty())
                .then(|| String::from_utf8_lossy(&self.body).into_owned()),
            decided: self.decided,
            answered: self.answered,
            fault: self.fault,
        }
    }
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
