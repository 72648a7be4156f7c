//! What a dry run tells.

use serde::Serialize;
use serde_json::Value;

/// A dry run, told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DryRun {
    /// The tenant, if the dry run was of one.
    pub tenant: Option<String>,
    /// The adapter's name.
    pub adapter: String,
    /// Headers of every call; a secret is `***`.
    pub headers: Vec<String>,
    /// The requests in order, up to where it stopped.
    pub exchanges: Vec<Exchange>,
    /// Calls that would be made, reads included.
    pub calls: usize,
    /// Calls of these that would change something at the vendor.
    pub writes: usize,
    /// Reads that were really sent.
    pub reads_sent: usize,
    /// Requests of the file that were not reached.
    pub not_reached: usize,
    /// Why it stopped before the end of the file.
    pub stopped: Option<String>,
}

impl DryRun {
    /// Whether Entra got a success for every request of the file.
    pub fn is_success(&self) -> bool {
        let good = |exchange: &Exchange| {
            let status = exchange.gets.as_ref().map(|gets| gets.status);
            status.is_some_and(|status| (200..300).contains(&status))
        };
        self.stopped.is_none() && self.exchanges.iter().all(good)
    }
}

/// One request of Entra, what it leads to, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchange {
    /// What Entra asks.
    pub asks: Asked,
    /// How it is understood: the parsed filter, the operations of a PATCH, one a line.
    pub understood: Vec<String>,
    /// What the gateway does with it, one step a line: what it looks up and changes, the native
    /// fields that the table makes of it, the functions of the script. Values are masked.
    pub steps: Vec<String>,
    /// What the vendor is called, in order.
    pub calls: Vec<Call>,
    /// Where a failure arose and what it is, for whoever runs the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What the script printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub printed: Vec<String>,
    /// What Entra gets; `None` where the dry run stopped.
    pub gets: Option<Answered>,
}

/// A request of Entra.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// The HTTP method.
    pub method: String,
    /// Below the Tenant URL, query included.
    pub target: String,
    /// The body, if there is one; a text where it is no JSON.
    pub body: Option<Value>,
}

/// A call of the vendor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// How many of the exchange's steps come before it.
    pub after_steps: usize,
    /// The HTTP method.
    pub method: String,
    /// Below the tenant's base URL, query included.
    pub path: String,
    /// The body: JSON, or a form's texts by name.
    pub body: Option<Value>,
    /// Whether it changes nothing at the vendor.
    pub reads: bool,
    /// Whether it was really sent.
    pub sent: bool,
    /// The answer; `None` if there is none.
    pub reply: Option<Answered>,
    /// Where the answer comes from, for people.
    pub source: String,
}

/// A status and a body.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, or a text where it is none.
    pub body: Option<Value>,
}
