//! What a changed vendor must pass before it is served: its own transcripts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::adapter::Adapter;
use crate::adapter::problem::{Problem, counted};
use crate::catalog::Text;
use crate::transcript;

/// A broken script may fail each of its transcripts as slowly as its budget
/// allows, and nobody reads more.
const ENOUGH: usize = 5;

/// How long playing may take in all. Fifty transcripts need a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays them and tells what does not hold.
pub(super) fn play(adapter: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem> {
    let latest = Instant::now() + PATIENCE;
    let mut problems = Vec::new();
    for (played, (file, text)) in transcripts.iter().enumerate() {
        if problems.len() >= ENOUGH || Instant::now() > latest {
            problems.push(cut_short(file, transcripts.len() - played));
            break;
        }
        problems.extend(misfit(adapter, file, text));
    }
    problems
}

fn misfit(adapter: &Arc<Adapter>, file: &str, text: &str) -> Option<Problem> {
    let misfits = match transcript::parse(file, text) {
        Ok(parsed) => match transcript::run(&parsed, adapter) {
            Ok(outcome) => outcome.misfits,
            Err(error) => vec![error.to_string()],
        },
        Err(why) => vec![why],
    };
    let first = misfits.first()?;
    let message = match misfits.len() {
        1 => format!("the transcript does not hold: {first}"),
        all => format!(
            "the transcript does not hold: {first} (and {} more)",
            all - 1
        ),
    };
    let help = format!(
        "`scimgate test {}` shows all of it; mend the script or, if it is right, the transcript",
        adapter.name
    );
    Some(Problem::error("transcript::misfit", file, message).help(help))
}

fn cut_short(file: &str, left: usize) -> Problem {
    let message = format!(
        "{} not played after those that do not hold or take too long",
        counted(left, "transcript")
    );
    Problem::error("transcript::unplayed", file, message).help("mend the others first")
}
