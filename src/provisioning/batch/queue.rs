//! What waits for the next batch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::pace::Pace;
use crate::adapter::manifest::BatchRule;
use crate::provisioning::lease::Lease;
use crate::script::fault::Failure;

/// The items of one kind of batch, in the order they came.
pub(super) struct Queue {
    /// `run_<name>`, the script's function.
    pub(super) function: String,
    pub(super) rule: BatchRule,
    pub(super) pace: Arc<Pace>,
    /// Told when a batch is full before its window ends.
    pub(super) full: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pending: VecDeque<Entry>,
    next: u64,
    /// Somebody gathers.
    is_led: bool,
}

/// One item and who waits for it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) item: Value,
    /// When its waiter gives up.
    pub(super) deadline: Instant,
    /// Under which its waiter holds its locks.
    pub(super) lease: Lease,
    pub(super) reply: oneshot::Sender<Told>,
    ticket: u64,
    bytes: usize,
    since: Instant,
}

/// What a waiter hears.
#[derive(Debug)]
pub(super) enum Told {
    /// Its item was in a batch, which came to this.
    Ended(Result<Value, Failure>),
    /// Its item was in none and nobody gathers any more.
    Unled(Value),
}

/// A waiter's place.
pub(super) struct Ticket {
    pub(super) number: u64,
    pub(super) reply: oneshot::Receiver<Told>,
    /// Nobody gathers: whoever holds this ticket has to.
    pub(super) must_lead: bool,
}

impl Queue {
    pub(super) fn new(name: &str, rule: BatchRule, pace: Arc<Pace>) -> Self {
        Self {
            function: format!("run_{name}"),
            rule,
            pace,
            full: Notify::new(),
            state: Mutex::default(),
        }
    }

    /// Puts an item at the end.
    pub(super) fn enter(&self, item: Value, lease: Lease, deadline: Instant) -> Ticket {
        let (sender, reply) = oneshot::channel();
        let bytes = item.to_string().len();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.pending.push_back(Entry {
            bytes,
            item,
            deadline,
            lease,
            reply: sender,
            ticket: number,
            since: Instant::now(),
        });
        if state.pending.len() >= self.rule.max_items.max(1) {
            self.full.notify_one();
        }
        Ticket {
            number,
            reply,
            must_lead: !std::mem::replace(&mut state.is_led, true),
        }
    }

    /// Takes an item back; `false` if a batch has it already.
    pub(super) fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        let before = state.pending.len();
        state.pending.retain(|entry| entry.ticket != number);
        state.pending.len() < before
    }

    /// When the window of what waits is over; `None` if nothing waits, and then
    /// nobody leads from now on.
    pub(super) fn opening(&self) -> Option<Instant> {
        let mut state = self.state();
        state.pending.retain(|entry| !entry.reply.is_closed());
        let first = state.pending.front().map(|entry| entry.since);
        state.is_led = first.is_some();
        first.map(|since| since + self.rule.window())
    }

    /// The next batch, within the rule's sizes; its first item always.
    pub(super) fn take(&self) -> Vec<Entry> {
        let mut state = self.state();
        state.pending.retain(|entry| !entry.reply.is_closed());
        let (mut count, mut bytes) = (0, 0);
        for entry in &state.pending {
            bytes += entry.bytes + 1;
            let fits = count < self.rule.max_items && bytes <= self.rule.max_bytes;
            if count > 0 && !fits {
                break;
            }
            count += 1;
        }
        state.pending.drain(..count).collect()
    }

    /// Nobody leads any more: each item that waits goes back to its waiter.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.is_led = false;
        for entry in state.pending.drain(..) {
            // A waiter that is gone needs nothing.
            let _ = entry.reply.send(Told::Unled(entry.item));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
