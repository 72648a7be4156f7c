//! What runs against what lies on disk: plain data, for people and for the
//! admin API.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Report;
use crate::problem::{Problem, Severity};

/// Everything loadable, as it stands. Times are UTC (RFC 3339); hashes are the
/// first twelve hexadecimal digits of a SHA-256 over names and contents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Of all that runs: instances with the same value serve the same.
    pub running: String,
    /// Of all that lay on disk at the last look.
    pub disk: String,
    /// How often something else went live since the start. The first load is 1.
    pub generation: u64,
    /// How often the files were looked at and had changed, or were loaded again on demand.
    pub reloads: u64,
    /// When that was last.
    pub last_attempt: String,
    /// When it last was without any problem.
    pub last_success: Option<String>,
    /// By name.
    pub vendors: BTreeMap<String, Part>,
    /// By id.
    pub tenants: BTreeMap<String, TenantPart>,
    /// The server's certificate, where it serves one.
    pub certificate: Option<Part>,
    /// What is wrong beyond single vendors and tenants: directories that cannot
    /// be read, files with no tenant's name, tenants that went missing at once.
    pub problems: Vec<Finding>,
}

impl Standing {
    /// Whether what runs is what lies on disk, without any error. A tenant that is
    /// leaving or off is in order.
    pub fn is_well(&self) -> bool {
        let tenants = self.tenants.values().map(|tenant| &tenant.part);
        let mut parts = self
            .vendors
            .values()
            .chain(tenants)
            .chain(&self.certificate);
        parts.all(|part| matches!(part.state, State::Live | State::Leaving | State::Off))
            && !self.problems.iter().any(Finding::is_error)
    }
}

/// One vendor, one tenant, or the certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Whether it serves, and what.
    pub state: State,
    /// Hash of what serves.
    pub running: Option<String>,
    /// Hash of what lies on disk; `None` when nothing does.
    pub disk: Option<String>,
    /// Since when it has been in this state with these hashes.
    pub since: String,
    /// Why it is not live, and warnings.
    pub problems: Vec<Finding>,
    /// How many transcripts were played for it; of vendors only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcripts: Option<usize>,
    /// Whether the program's own files serve; of vendors only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TenantPart {
    /// What every part has.
    #[serde(flatten)]
    pub part: Part,
    /// Its vendor.
    pub adapter: Option<String>,
    /// Where it comes from.
    #[serde(default)]
    pub source: Source,
}

/// Where a tenant comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file in the directory of tenants.
    #[default]
    File,
    /// The store.
    Store,
}

/// Whether a part serves, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// What lies on disk.
    Live,
    /// Its last good version, for what lies on disk is broken or missing.
    Kept,
    /// Nothing: there has been no good version. Its requests are answered 503.
    Unusable,
    /// A tenant whose file was removed: 503 for a while, so that a mistake can be
    /// corrected, then 401.
    Leaving,
    /// A tenant that somebody has switched off: its requests are answered 503.
    Off,
}

/// One problem, as told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: String,
    /// Stable name of the kind.
    pub code: String,
    /// The file.
    pub file: String,
    /// 1-based, where there is a place.
    pub line: Option<usize>,
    /// 1-based, in characters.
    pub column: Option<usize>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// All of it with the lines it is about, drawn for a terminal without colours.
    pub text: String,
}

impl Finding {
    /// Whether it keeps something from being loaded.
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Whether the files were loaded at all: not when they were as at the last time.
    pub looked: bool,
    /// What went live: `vendor sosafe`, `tenant acme`, `certificate`.
    pub taken: Vec<String>,
    /// What was refused; its last good version serves on, if there was one.
    pub refused: Vec<String>,
    /// Tenants whose files are gone: answered 503 for a while, so that a mistake can be corrected.
    #[serde(default)]
    pub leaving: Vec<String>,
    /// What went away.
    pub removed: Vec<String>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// How everything stands now.
    pub standing: Standing,
}

/// The problems of a report as told.
pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let problems = report.problems().iter();
    problems.map(|problem| finding(report, problem)).collect()
}

fn finding(report: &Report, problem: &Problem) -> Finding {
    let place = report.place(problem);
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    Finding {
        severity: severity.to_owned(),
        code: problem.code.to_owned(),
        file: problem.file.clone(),
        line: place.map(|[(line, _), _]| line),
        column: place.map(|[(_, column), _]| column),
        message: problem.message.clone(),
        help: problem.help.clone(),
        text: report.draw(problem, false),
    }
}

/// The time, to the second.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
