//! What is wrong with a configuration, where, and what to do.

use std::fmt;

/// One mistake. Its text never holds a value from a file of secrets: there are
/// none in the configuration, only paths to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The key (`server.listen`), or empty if the whole source cannot be read.
    pub key: String,
    /// Where it was set: a file, or `environment variable SCIMGATE_…`.
    pub origin: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{} (in {}); {}", self.message, self.origin, self.remedy)
    }
}

impl std::error::Error for ConfigProblem {}

/// The candidate that `name` is most likely meant to be; `None` if none is near.
pub(super) fn meant<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
