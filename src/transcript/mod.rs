//! Transcripts: what Entra asks, what the vendor is called, what it answers and
//! what Entra gets, in one file that reads from top to bottom. The same script
//! runs here as in `serve`; only the vendor is the file.
//!
//! ```text
//! # V21  A number typed the Swiss way
//! # Anything more to say about it.
//! @calls 1
//! @setting archived = refuse
//! @priority Finance = 1
//!
//! ### Entra asks
//! PATCH /Users/18231
//!
//! {"schemas": […], "Operations": […]}
//!
//! ### Vendor is called
//! PATCH /users/18231
//!
//! {"phone": "+41442681234"}
//!
//! ### Vendor answers
//! 200
//!
//! {"id": 18231, …}
//!
//! ### Entra gets
//! 200
//!
//! {"phoneNumbers": [{"type": "work", "value": "044 268 12 34"}]}
//! ```
//!
//! - `@calls` is the number of vendor calls of the whole file: a budget.
//! - Several exchanges may follow each other; what the gateway remembers lasts
//!   to the end of the file.
//! - A vendor call must be as written: method, path with query, body. A form is written as
//!   `name = value`, one a line.
//! - Of what Entra gets, the members written must be there and equal; others may
//!   be there too. Lists have the length written.
//! - `"<any>"` stands for any value, `"<absent>"` for none.
//! - `{{name}}` in what Entra gets takes the value there; later it stands for it.
//! - A vendor may also answer `nothing: lost` (it may have done the work),
//!   `nothing: unreachable`, `nothing: busy 7` or `nothing: credential`.

mod bless;
mod compare;
mod folder;
mod form;
mod login;
mod misfit;
mod parse;
mod replay;
mod requests;
mod run;
mod tree;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

pub use bless::{Blessing, bless};
pub(crate) use compare::{Mode, Variables, differences, fill, fill_value};
pub use folder::{Played, files, play_all, play_file, play_text, problems};
pub(crate) use form::{FORM, sent as form_sent, written as form_written};
pub use misfit::Misfit;
pub use parse::parse;
pub(crate) use replay::below_base;
pub use requests::{Requests, Tried};
pub use run::{Outcome, run};
pub(crate) use run::{Player, settings};

use crate::scim::Profile;
use crate::script::call::{CallFault, VendorReply, Verb};

/// A transcript, parsed.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The file it came from.
    pub file: String,
    /// Its first comment line.
    pub title: String,
    /// How many vendor calls it makes in all.
    pub calls: usize,
    pub(crate) profile: Profile,
    /// The key of a `key_exchange` is asked for too: the login is one of the calls. It is that of
    /// the credential of this name; empty for the usual one.
    pub(crate) login: Option<String>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) priority: BTreeMap<String, i64>,
    pub(crate) exchanges: Vec<Exchange>,
}

/// One request of Entra and all it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) asks: Ask,
    pub(crate) calls: Vec<(ExpectedCall, Answer)>,
    pub(crate) gets: ExpectedResponse,
}

/// What Entra sends.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) line: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

impl Ask {
    /// A header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What the vendor must be called.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedCall {
    pub(crate) line: usize,
    pub(crate) verb: Verb,
    pub(crate) path: String,
    pub(crate) body: Body,
}

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Reply(VendorReply),
    Nothing(CallFault),
}

/// What Entra must get.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedResponse {
    pub(crate) line: usize,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// A body as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    None,
    Json(Value),
    /// No JSON, on purpose.
    Text(String),
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}
