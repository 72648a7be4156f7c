//! What a changed vendor must pass before it is served: its own transcripts.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::silence::silently;
use crate::adapter::Adapter;
use crate::catalog::Text;
use crate::problem::{Problem, counted};
use crate::transcript;

/// A broken script may fail each of its transcripts as slowly as its budget
/// allows, and nobody reads more.
const ENOUGH: usize = 5;

/// How long playing may take in all. Fifty transcripts need a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much longer a single one may take that began in time.
const GRACE: Duration = Duration::from_secs(5);

/// Plays them and tells what does not hold. On a thread of its own: playing
/// drives an event loop, which must not happen inside another one, and what
/// does not end is left behind.
pub(super) fn play(adapter: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem> {
    let (answer, answered) = channel();
    let (vendor, played) = (Arc::clone(adapter), transcripts.to_vec());
    let thread = std::thread::Builder::new().name("transcripts".to_owned());
    let begun = thread.spawn(move || {
        // What they act out, such as a key that a vendor refuses, must not alarm anybody.
        let problems = silently(|| play_here(&vendor, &played));
        // Nobody listens any more where it took too long.
        let _ = answer.send(problems);
    });
    if let Err(error) = begun {
        return vec![unplayed(
            &adapter.name,
            &format!("cannot be played: {error}"),
        )];
    }
    answered
        .recv_timeout(PATIENCE + GRACE)
        .unwrap_or_else(|ended| {
            let why = match ended {
                RecvTimeoutError::Timeout => "do not end",
                RecvTimeoutError::Disconnected => {
                    "end in a defect of the gateway; report it with them"
                }
            };
            vec![unplayed(&adapter.name, why)]
        })
}

fn play_here(adapter: &Arc<Adapter>, transcripts: &[Text]) -> Vec<Problem> {
    let latest = Instant::now() + PATIENCE;
    let (mut all, mut misfits, mut cut) = (Vec::new(), 0, None);
    for (played, (file, text)) in transcripts.iter().enumerate() {
        if misfits >= ENOUGH || Instant::now() > latest {
            cut = Some(cut_short(file, transcripts.len() - played));
            break;
        }
        let found = transcript::play_text(adapter, file, text.clone());
        misfits += usize::from(!found.passed());
        all.push(found);
    }
    let mut problems = transcript::problems(&all);
    problems.extend(cut);
    problems
}

fn cut_short(file: &str, left: usize) -> Problem {
    let message = format!(
        "{} not played after those that do not hold or take too long",
        counted(left, "transcript")
    );
    Problem::error("transcript::unplayed", file, message).help("fix the others first")
}

fn unplayed(vendor: &str, why: &str) -> Problem {
    let message = format!("its transcripts {why}");
    Problem::error("transcript::unplayed", vendor, message)
        .help("`scimgate test` plays them one by one; undo the last change if it cannot wait")
}
