//! An Entra-like self-test against any SCIM endpoint, ours or another's.
//!
//! It sends what Entra's provisioning service sends, in both of its PATCH dialects, and holds
//! the answers against what Entra needs back. Everything it makes has a name of its own and is
//! deleted at the end. It knows SCIM and nothing of the gateway's code.
//!
//! - [`Target`]: where, as whom, and how much may be written.
//! - [`run`]: the course, from the connection to the clean-up.
//! - [`Report`]: what was found, for people and for programs.

mod bodies;
mod connection;
mod groups;
mod report;
mod users;
mod views;
mod wire;

use std::time::{Duration, Instant};

use rustls::ClientConfig;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

pub use report::{Check, Report, Verdict};
use wire::{Answer, Wire};

/// How it names itself: our own gateway does not count what it refuses to it as failures.
pub const AGENT: &str = "scimgate-probe";

/// Whose requests are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Client {
    /// Entra's, in both of its PATCH dialects.
    #[default]
    Entra,
    /// Those of a client that keeps to the RFCs: Entra's own deviations are left out.
    Rfc,
}

/// What is probed.
pub struct Target {
    /// The Tenant URL, as an administrator pastes it into Entra.
    pub tenant_url: Url,
    /// The Secret Token.
    pub token: SecretString,
    /// What is believed of an https endpoint.
    pub tls: ClientConfig,
    /// How long an answer may take; Entra waits about a minute.
    pub patience: Duration,
    /// Only what changes nothing.
    pub read_only: bool,
    /// Whose requests are sent.
    pub client: Client,
    /// The part after the `@` of user names and addresses.
    pub domain: String,
}

/// Why an endpoint does not do what Entra needs.
struct Misfit {
    /// What came instead.
    found: String,
    /// What to do.
    advice: &'static str,
    /// Entra can live with it.
    bearable: bool,
}

impl Misfit {
    fn new(found: impl Into<String>, advice: &'static str) -> Self {
        Self {
            found: found.into(),
            advice,
            bearable: false,
        }
    }

    fn bearable(found: impl Into<String>, advice: &'static str) -> Self {
        Self {
            bearable: true,
            ..Self::new(found, advice)
        }
    }
}

/// What a check finds.
type Finding<T = ()> = Result<T, Misfit>;

/// One probing, on its way.
struct Course {
    wire: Wire,
    /// Part of every name, so that nothing real can be meant.
    mark: String,
    domain: String,
    client: Client,
    /// Whether attributes of the enterprise extension are sent.
    has_enterprise: bool,
    report: Report,
    /// When the last check was noted.
    noted: Instant,
    /// Paths of what was made and has to go again, the newest last.
    made: Vec<String>,
}

/// Probes an endpoint.
pub async fn run(target: Target) -> Report {
    let mut course = Course {
        wire: Wire::new(&target),
        mark: format!("scimgate-probe-{:08x}", mark()),
        domain: target.domain,
        client: target.client,
        has_enterprise: true,
        report: Report::default(),
        noted: Instant::now(),
        made: Vec::new(),
    };
    let Some(has_groups) = connection::check(&mut course).await else {
        return course.report;
    };
    if !target.read_only {
        let users = users::check(&mut course).await;
        if let (true, Some([first, second])) = (has_groups, &users) {
            groups::check(&mut course, first, second).await;
        }
        if let Some([first, _]) = &users {
            users::delete(&mut course, first).await;
        }
        course.clean_up().await;
    }
    course.report
}

fn mark() -> u32 {
    let mut bytes = [0; 4];
    // Without randomness the time will do: it only has to differ from one run to the next.
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_be_bytes(bytes),
        Err(_) => std::process::id(),
    }
}

impl Course {
    /// Notes what a check found, which began when the one before it was noted.
    fn note<T>(&mut self, title: impl Into<String>, finding: Finding<T>) -> Option<T> {
        let (verdict, value) = match finding {
            Ok(value) => (Verdict::Passed, Some(value)),
            Err(misfit) => (Verdict::of(misfit), None),
        };
        self.report.checks.push(Check {
            title: title.into(),
            verdict,
            took: self.noted.elapsed(),
        });
        self.noted = Instant::now();
        value
    }

    /// A user of this name, as this client creates it.
    fn user(&self, name: &str) -> Value {
        let mut user = bodies::user(name, &self.domain);
        if self.client == Client::Rfc {
            // RFC 7643 section 3: an extension is listed when there is something of it.
            user["schemas"] = json!([bodies::CORE_USER]);
        }
        user
    }

    /// Notes a check that could not be carried out.
    fn skip(&mut self, title: &str, why: &str) {
        self.report.checks.push(Check {
            title: title.to_owned(),
            verdict: Verdict::Skipped {
                why: why.to_owned(),
            },
            took: Duration::ZERO,
        });
    }

    /// Deletes what is left, the newest first.
    async fn clean_up(&mut self) {
        let left: Vec<_> = self.made.drain(..).rev().collect();
        if left.is_empty() {
            return;
        }
        let mut stays = Vec::new();
        for path in left {
            match self.wire.delete(&path).await {
                Ok(answer) if matches!(answer.status, 200 | 204 | 404) => {}
                _ => stays.push(path),
            }
        }
        let found = match stays.is_empty() {
            true => Ok(()),
            false => Err(Misfit::new(
                format!("{} could not be deleted", stays.join(", ")),
                "Delete them by hand; their names begin with scimgate-probe.",
            )),
        };
        self.note("everything that was created is deleted", found);
    }
}
