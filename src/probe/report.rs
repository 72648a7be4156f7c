//! What was found.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::Misfit;

/// All checks, in the order they were made.
#[derive(Debug, Default)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
}

/// One question, and what came of it.
#[derive(Debug)]
pub struct Check {
    /// What must be so, in a sentence.
    pub title: String,
    /// Whether it is.
    pub verdict: Verdict,
    /// How long finding out took.
    pub took: Duration,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as Entra needs it.
    Passed,
    /// It is not, and Entra can live with it.
    Warned {
        /// What came instead.
        found: String,
        /// What to do.
        advice: String,
    },
    /// It is not.
    Failed {
        /// What came instead.
        found: String,
        /// What to do.
        advice: String,
    },
    /// It could not be found out.
    Skipped {
        /// Why not.
        why: String,
    },
}

impl Verdict {
    pub(super) fn of(misfit: Misfit) -> Self {
        let (found, advice) = (misfit.found, misfit.advice.to_owned());
        match misfit.bearable {
            true => Self::Warned { found, advice },
            false => Self::Failed { found, advice },
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned { .. } => "warning",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
        }
    }

    fn sign(&self) -> &'static str {
        match self {
            Self::Passed => "ok  ",
            Self::Warned { .. } => "warn",
            Self::Failed { .. } => "FAIL",
            Self::Skipped { .. } => "skip",
        }
    }
}

impl Report {
    /// Whether Entra could work with the endpoint.
    pub fn is_fit(&self) -> bool {
        self.count("failed") == 0 && self.count("passed") > 0
    }

    /// For a person.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let took = check.took.as_millis();
            // Writing into a String does not fail.
            let _ = writeln!(
                text,
                "  {}  {}  ({took} ms)",
                check.verdict.sign(),
                check.title
            );
            match &check.verdict {
                Verdict::Passed => {}
                Verdict::Warned { found, advice } | Verdict::Failed { found, advice } => {
                    let _ = writeln!(text, "        {found}\n        help: {advice}");
                }
                Verdict::Skipped { why } => {
                    let _ = writeln!(text, "        {why}");
                }
            }
        }
        let _ = writeln!(
            text,
            "{} passed, {} failed, {} warnings, {} skipped",
            self.count("passed"),
            self.count("failed"),
            self.count("warning"),
            self.count("skipped"),
        );
        text
    }

    /// For a program: `{"fit": …, "checks": [{"title", "verdict", "found", "help", "took_ms"}]}`.
    pub fn json(&self) -> Value {
        let checks = self.checks.iter().map(|check| {
            let (found, help) = match &check.verdict {
                Verdict::Passed => (None, None),
                Verdict::Warned { found, advice } | Verdict::Failed { found, advice } => {
                    (Some(found), Some(advice))
                }
                Verdict::Skipped { why } => (Some(why), None),
            };
            let took = u64::try_from(check.took.as_millis()).unwrap_or(u64::MAX);
            json!({
                "title": check.title,
                "verdict": check.verdict.word(),
                "found": found,
                "help": help,
                "took_ms": took,
            })
        });
        json!({"fit": self.is_fit(), "checks": checks.collect::<Value>()})
    }

    fn count(&self, word: &str) -> usize {
        let all = self.checks.iter();
        all.filter(|check| check.verdict.word() == word).count()
    }
}
