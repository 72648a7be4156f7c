//! Jobs of one account: a queue of which one is carried out at a time.

use super::Limits;
use super::directory::{Directory, Moment};
use super::operation::{Made, Operation};
use super::refusal::Refusal;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a job and its token are known.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The jobs, in the order they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    all: BTreeMap<u64, Job>,
    tokens: BTreeMap<String, u64>,
    next: u64,
}

#[derive(Clone, Debug)]
struct Job {
    operations: Vec<Operation>,
    submitted: Timestamp,
    state: State,
    results: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Running(Timestamp),
    Ended(Timestamp),
    Aborted(Timestamp),
}

impl Jobs {
    /// Carries out what is due by `now`.
    pub(super) fn go_on(&mut self, directory: &mut Directory, limits: &mut Limits, now: Timestamp) {
        self.forget(now);
        let mut free_since = self.all.values().filter_map(Job::ended).max();
        for job in self.all.values_mut() {
            if job.state == State::Queued {
                let begins = free_since.unwrap_or(job.submitted).max(job.submitted);
                job.state = State::Running(begins);
            }
            let State::Running(began) = job.state else {
                continue;
            };
            let takes = i64::try_from(limits.job_ms).unwrap_or(i64::MAX);
            let ends = began.checked_add(SignedDuration::from_millis(takes));
            let ends = ends.unwrap_or(Timestamp::MAX);
            if limits.stall || ends > now {
                return;
            }
            job.carry_out(directory, limits, ends);
            free_since = Some(ends);
        }
    }

    /// A new job, or the one that the token names.
    pub(super) fn submit(
        &mut self,
        operations: Vec<Operation>,
        token: Option<&str>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        if let Some(known) = token.and_then(|token| self.tokens.get(token)) {
            return Ok(*known);
        }
        let queued = self.all.values().filter(|job| job.state == State::Queued);
        if queued.count() > limits.queued_most {
            return Err(Refusal::TOO_MANY_JOBS);
        }
        self.next += 1;
        let job = Job {
            operations,
            submitted: now,
            state: State::Queued,
            results: Vec::new(),
        };
        self.all.insert(self.next, job);
        if let Some(token) = token {
            self.tokens.insert(token.to_owned(), self.next);
        }
        Ok(self.next)
    }

    /// A job as it stands, its results from `from` on, at most `max` of them.
    pub(super) fn shown(&self, id: &str, from: usize, max: usize) -> Result<Value, Refusal> {
        let (number, job) = self.find(id)?;
        let failed = job
            .results
            .iter()
            .filter(|it| it["status"] == "FAILED")
            .count();
        let mut shown = json!({
            "jobId": name(number),
            "state": job.shown_state(failed),
            "total": job.operations.len(),
            "done": job.results.len() - failed,
            "failed": failed,
        });
        if matches!(job.state, State::Ended(_)) {
            let page: Vec<_> = job
                .results
                .iter()
                .skip(from)
                .take(max.clamp(1, 100))
                .collect();
            if from + page.len() < job.results.len() {
                shown["next"] = (from + page.len()).into();
            }
            shown["results"] = json!(page);
        }
        Ok(shown)
    }

    /// Takes back a job that has not begun.
    pub(super) fn cancel(&mut self, id: &str) -> Result<(), Refusal> {
        let (number, job) = self.find(id)?;
        if job.state != State::Queued {
            return Err(Refusal::ALREADY_RUNNING);
        }
        self.all.remove(&number);
        Ok(())
    }

    fn find(&self, id: &str) -> Result<(u64, &Job), Refusal> {
        let mut all = self.all.iter();
        let found = all.find(|(number, _)| name(**number) == id);
        let (number, job) = found.ok_or(Refusal::NOT_FOUND)?;
        Ok((*number, job))
    }

    fn forget(&mut self, now: Timestamp) {
        let is_old = |job: &Job| now.duration_since(job.submitted) >= KEPT;
        self.all.retain(|_, job| !is_old(job));
        let all = &self.all;
        self.tokens.retain(|_, number| all.contains_key(number));
    }
}

impl Job {
    fn carry_out(&mut self, directory: &mut Directory, limits: &mut Limits, at: Timestamp) {
        let aborted_after = limits.abort_after.take();
        let most = aborted_after.unwrap_or(usize::MAX);
        let when = Moment {
            at,
            lag_ms: limits.index_lag_ms,
        };
        let mut made = Made::new();
        let done = self.operations.iter().take(most);
        self.results = done
            .map(|operation| operation.perform(directory, &mut made, when))
            .collect();
        self.state = match aborted_after {
            Some(_) => State::Aborted(at),
            None => State::Ended(at),
        };
    }

    fn ended(&self) -> Option<Timestamp> {
        match self.state {
            State::Ended(at) | State::Aborted(at) => Some(at),
            State::Queued | State::Running(_) => None,
        }
    }

    fn shown_state(&self, failed: usize) -> &'static str {
        match self.state {
            State::Queued => "QUEUED",
            State::Running(_) => "RUNNING",
            State::Aborted(_) => "ABORTED",
            State::Ended(_) if failed > 0 => "DONE_WITH_ERRORS",
            State::Ended(_) => "DONE",
        }
    }
}

/// The id of a job.
pub(super) fn name(number: u64) -> String {
    format!("J-20261120-{number:04}")
}
