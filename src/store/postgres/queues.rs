//! What waits for the threads of a lane: one queue for each turn, of which one thread takes at a
//! time. However much one tenant has written, and however slowly, the other threads are the others'.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::provisioning::memory::MemoryError;
use crate::store::lane::{Command, Turn};

/// How many commands of one turn may wait.
const MOST: usize = 512;

#[derive(Default)]
pub(super) struct Queues {
    state: Mutex<State>,
    /// Something can be begun, or the queues are closed.
    ready: Condvar,
}

#[derive(Default)]
struct State {
    /// What can be begun now, of each turn one command at most.
    ready: VecDeque<Box<dyn Command>>,
    /// What waits for the one of its turn that is ready or runs. A turn without one is not here.
    waiting: HashMap<Turn, VecDeque<Box<dyn Command>>>,
    is_closed: bool,
}

impl Queues {
    /// Puts a command at the end of its queue. One too many is answered at once.
    pub(super) fn enter(&self, command: Box<dyn Command>) {
        let mut state = self.state();
        if let Some(queue) = state.waiting.get_mut(command.turn()) {
            if queue.len() < MOST {
                queue.push_back(command);
                return;
            }
            drop(state);
            let many = "too many writes of one tenant wait for PostgreSQL";
            return command.answer(&Err(MemoryError(many.to_owned())));
        }
        if *command.turn() != Turn::Any {
            let turn = command.turn().clone();
            state.waiting.insert(turn, VecDeque::new());
        }
        state.ready.push_back(command);
        self.ready.notify_one();
    }

    /// Waits for a command that can be begun; `None` when there will be none any more.
    pub(super) fn next(&self) -> Option<Box<dyn Command>> {
        let mut state = self.state();
        loop {
            if let Some(command) = state.ready.pop_front() {
                return Some(command);
            }
            if state.is_closed && state.waiting.is_empty() {
                return None;
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes note that a command of this turn has ended.
    pub(super) fn ended(&self, turn: &Turn) {
        let mut state = self.state();
        let Some(queue) = state.waiting.get_mut(turn) else {
            return;
        };
        match queue.pop_front() {
            Some(command) => {
                state.ready.push_back(command);
                self.ready.notify_one();
            }
            None => {
                state.waiting.remove(turn);
                if state.is_closed {
                    self.ready.notify_all();
                }
            }
        }
    }

    /// Nothing will enter any more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.ready.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
