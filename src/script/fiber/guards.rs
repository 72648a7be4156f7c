//! What stops a script that does not stop by itself.
//!
//! rhai's own limits are not enough: operations inside callbacks are not
//! counted against `max_operations`, and nothing bounds the native stack. So
//! `on_progress`, which rhai runs on every operation, looks at a thread-local
//! [`Slice`] that the driver sets around each resume: stack pointer (every
//! operation), CPU budget (every 64), fairness (every 4,096). The counter is
//! ours and never the one rhai passes in, which restarts inside callbacks.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::time::Instant;

use rhai::{Dynamic, Engine};

use super::link::{Answer, Ask, Link};

/// How often the clock is read: on every 64th operation it costs 0.6 %.
const CLOCK_EVERY: u32 = 64;

/// How often a running script lets others on its thread run.
const YIELD_EVERY: u32 = 4096;

/// What the running script may still use.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    link: *const Link,
    stack_limit: usize,
    pub(super) deepest: usize,
    ends: Option<Instant>,
    pub(super) operations: u32,
}

impl Slice {
    const IDLE: Self = Self {
        link: std::ptr::null(),
        stack_limit: 0,
        deepest: usize::MAX,
        ends: None,
        operations: 0,
    };

    pub(super) fn new(link: &Link, ends: Option<Instant>) -> Self {
        Self {
            link,
            stack_limit: link.stack_limit,
            ends,
            operations: link.operations.get(),
            ..Self::IDLE
        }
    }
}

thread_local! {
    static SLICE: Cell<Slice> = const { Cell::new(Slice::IDLE) };
}

/// Runs `resume` with `slice` in force and returns what was made of it. The
/// slice before is put back, panic or not.
pub(super) fn within<T>(slice: Slice, resume: impl FnOnce() -> T) -> (T, Slice) {
    struct PutBack(Slice);
    impl Drop for PutBack {
        fn drop(&mut self) {
            SLICE.set(self.0);
        }
    }
    let before = PutBack(SLICE.replace(slice));
    let result = resume();
    let used = SLICE.get();
    drop(before);
    (result, used)
}

/// Operations of the fiber that runs, since it began. They wrap around.
pub(crate) fn operations() -> u32 {
    SLICE.get().operations
}

/// Installs the guards on `engine`. What they return ends the script with an
/// error that `try`/`catch` cannot catch.
pub(crate) fn install(engine: &mut Engine) {
    engine.on_progress(|_| progress().err().map(Dynamic::from));
}

fn progress() -> Result<(), &'static str> {
    let mut slice = SLICE.get();
    slice.operations = slice.operations.wrapping_add(1);
    let here = stack_pointer();
    slice.deepest = slice.deepest.min(here);
    SLICE.set(slice);

    if here < slice.stack_limit {
        return Err("the script nests too deeply: its stack is used up");
    }
    if slice.operations.is_multiple_of(CLOCK_EVERY)
        && slice.ends.is_some_and(|ends| Instant::now() > ends)
    {
        return Err("the script used up its CPU time");
    }
    if slice.operations.is_multiple_of(YIELD_EVERY) && !slice.link.is_null() {
        // SAFETY: `link` is the running fiber's own: `Fiber::resume` sets the
        // slice from a reference it holds across the resume, and only code on
        // that coroutine runs in between.
        let link = unsafe { &*slice.link };
        if matches!(link.suspend(Ask::Yield), Answer::Cancelled) {
            return Err("cancelled");
        }
    }
    Ok(())
}

#[inline]
fn stack_pointer() -> usize {
    let here = 0u8;
    &raw const here as usize
}
