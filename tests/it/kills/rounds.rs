//! A long run comes in rounds, each with a seed, vendors and a store of its own.
//!
//! `SCIMGATE_CHECKPOINT` names a file to which each round adds a line with what it came to. A run
//! that is begun again with the same figures goes on behind the last round in that file.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::oracle::{Verdict, close};

/// The rounds of a run, and what those that are over came to.
pub(super) struct Rounds {
    run: String,
    file: Option<PathBuf>,
    over: u64,
    totals: BTreeMap<String, Verdict>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    run: String,
    verdicts: BTreeMap<String, Verdict>,
}

impl Rounds {
    /// Those of a run; `run` is what tells it from others.
    pub(super) fn of(run: String) -> Self {
        let file = std::env::var_os("SCIMGATE_CHECKPOINT").map(PathBuf::from);
        let mut rounds = Self {
            run,
            file,
            over: 0,
            totals: BTreeMap::new(),
        };
        let text = rounds.file.as_ref().map(std::fs::read_to_string);
        for line in text.and_then(Result::ok).unwrap_or_default().lines() {
            let line: Line = serde_json::from_str(line).expect("a line of a checkpoint");
            if line.run == rounds.run {
                rounds.add(line.verdicts);
            }
        }
        rounds
    }

    /// How many are over.
    pub(super) fn over(&self) -> u64 {
        self.over
    }

    /// Takes down what a round came to.
    pub(super) fn record(&mut self, verdicts: Vec<(&'static str, Verdict)>) {
        let named = |(class, verdict): (&str, Verdict)| (class.to_owned(), verdict);
        let line = Line {
            run: self.run.clone(),
            verdicts: verdicts.into_iter().map(named).collect(),
        };
        if let Some(path) = &self.file {
            let text = serde_json::to_string(&line).unwrap();
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .unwrap();
            writeln!(file, "{text}").unwrap();
        }
        self.add(line.verdicts);
    }

    fn add(&mut self, verdicts: BTreeMap<String, Verdict>) {
        self.over += 1;
        for (class, verdict) in verdicts {
            self.totals.entry(class).or_default().add(verdict);
        }
    }

    /// Prints the figures of all rounds and fails with all that is broken.
    #[track_caller]
    pub(super) fn close(self) {
        close(&self.run, &self.totals);
    }
}
