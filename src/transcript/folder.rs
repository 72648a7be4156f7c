//! All transcripts of a vendor: `<directory>/<vendor>/*.http`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Misfit, Outcome, Transcript, parse, run};
use crate::adapter::Adapter;
use crate::problem::{Problem, counted, file};

/// A transcript that was played, or could not be.
#[derive(Clone, Debug)]
pub struct Played {
    /// Its file, as it was named.
    pub file: String,
    /// The file's text; empty if it could not be read.
    pub text: String,
    /// The transcript, if it is one.
    pub transcript: Option<Transcript>,
    /// Its title; the file's name if it has none.
    pub title: String,
    /// Vendor calls made.
    pub calls: usize,
    /// What was not as written.
    pub misfits: Vec<Misfit>,
    /// Where the failure arose because of which it did not pass, and what it is.
    pub cause: Option<String>,
    /// What the script printed.
    pub printed: Vec<String>,
    /// All that is wrong, misfits included; empty when it passed.
    pub problems: Vec<Problem>,
}

/// Plays every transcript in `directory` in the order of their names. A
/// directory that is not there has none.
pub fn play_all(adapter: &Arc<Adapter>, directory: &Path) -> Vec<Played> {
    let files = files(directory);
    files.iter().map(|file| play_file(adapter, file)).collect()
}

/// The problems of several transcripts. One cause is told once, with how many it broke.
pub fn problems(played: &[Played]) -> Vec<Problem> {
    let mut told: Vec<Problem> = Vec::new();
    let mut causes: HashMap<&str, (usize, usize)> = HashMap::new();
    for one in played {
        match one.cause.as_deref() {
            Some(cause) if causes.contains_key(cause) => {
                causes.entry(cause).and_modify(|(_, count)| *count += 1);
            }
            cause => {
                causes.extend(cause.map(|cause| (cause, (told.len(), 0))));
                told.extend(one.problems.iter().cloned());
            }
        }
    }
    for (at, more) in causes.into_values().filter(|(_, more)| *more > 0) {
        if let Some(problem) = told.get_mut(at) {
            let more = counted(more, "more transcript");
            problem
                .message
                .push_str(&format!("; the same cause breaks {more}"));
        }
    }
    told
}

/// Plays one file.
pub fn play_file(adapter: &Arc<Adapter>, path: &Path) -> Played {
    let name = path.display().to_string();
    let text = match file::text(path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot be read: {}", file::why(path, &error));
            let problem =
                Problem::error("file::unreadable", &name, message).help(file::remedy(&error));
            return Played::failed(&name, String::new(), problem);
        }
    };
    play_text(adapter, &name, text)
}

/// Plays what a file holds.
pub fn play_text(adapter: &Arc<Adapter>, name: &str, text: String) -> Played {
    let transcript = match parse(name, &text) {
        Ok(transcript) => transcript,
        Err(problem) => return Played::failed(name, text, problem),
    };
    match run(&transcript, adapter) {
        Ok(outcome) => Played::of(transcript, text, outcome),
        Err(why) => {
            let problem = Problem::error("transcript::not-played", name, format!("{why:#}"));
            let remedy = "its settings must be ones that a tenant can have";
            Played::failed(name, text, problem.help(remedy))
        }
    }
}

/// The transcripts in a directory, by name.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == "http"))
        .collect();
    files.sort();
    files
}

impl Played {
    /// Whether everything was as written.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    fn of(transcript: Transcript, text: String, outcome: Outcome) -> Self {
        let file = &transcript.file;
        let problem = |misfit: &Misfit| misfit.problem(file, &text);
        Self {
            file: file.clone(),
            title: match transcript.title.as_str() {
                "" => file.clone(),
                title => title.to_owned(),
            },
            calls: outcome.calls,
            problems: outcome.misfits.iter().map(problem).collect(),
            misfits: outcome.misfits,
            cause: outcome.cause,
            printed: outcome.printed,
            transcript: Some(transcript),
            text,
        }
    }

    fn failed(file: &str, text: String, problem: Problem) -> Self {
        let comment = text.lines().find_map(|line| line.strip_prefix("# "));
        Self {
            file: file.to_owned(),
            title: comment.unwrap_or(file).trim().to_owned(),
            calls: 0,
            misfits: Vec::new(),
            cause: None,
            printed: Vec::new(),
            problems: vec![problem],
            transcript: None,
            text,
        }
    }
}
