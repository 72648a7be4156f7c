//! What stops a script that does not stop by itself.
//!
//! rhai's own limits are not enough: operations inside callbacks are not
//! counted against `max_operations`, and nothing bounds the native stack or the
//! memory of many values. So `on_progress`, which rhai runs on every operation,
//! looks at a thread-local [`Slice`] that the driver sets around each resume:
//! stack pointer and memory (every operation), operations, CPU budget and fairness
//! (every 64). The counter is ours and never the one rhai passes in, which restarts
//! inside callbacks.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::time::Duration;

use rhai::{Dynamic, Engine, LexError, Token};

use super::clock::SliceClock;
use super::link::{Answer, Ask, Ended, Link};
use super::memory;

/// How often the clock is read: on every 64th operation it costs 0.6 %.
const CLOCK_EVERY: u32 = 64;

/// As many as a script may do, callbacks included.
const MOST_OPERATIONS: u32 = 1_000_000;

/// How long a running script keeps others on its thread waiting.
const TURN: Duration = Duration::from_micros(300);

/// What is looked at on every operation.
#[derive(Clone, Copy)]
struct Hot {
    link: *const Link,
    stack_limit: usize,
    deepest: usize,
    /// More than this on the thread's count of memory is too much.
    memory_limit: isize,
    operations: u32,
}

/// What is looked at with the clock.
#[derive(Clone, Copy)]
struct Cold {
    clock: Option<(SliceClock, Duration)>,
    /// The thread's count when the script held nothing.
    memory_floor: isize,
    memory_before: isize,
}

/// What the running script may still use, and what it used.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    hot: Hot,
    cold: Cold,
}

impl Slice {
    const IDLE: Self = Self {
        hot: Hot {
            link: std::ptr::null(),
            stack_limit: 0,
            deepest: usize::MAX,
            memory_limit: isize::MAX,
            operations: 0,
        },
        cold: Cold {
            clock: None,
            memory_floor: 0,
            memory_before: 0,
        },
    };

    /// `cpu` is what is left of the script's CPU time.
    pub(super) fn new(link: &Link, clock: SliceClock, cpu: Duration) -> Self {
        let memory_before = link.memory.held();
        let memory_floor = memory::live() - memory_before;
        Self {
            hot: Hot {
                link,
                stack_limit: link.stack_limit,
                memory_limit: memory_floor + memory::MOST_OF_ONE,
                operations: link.operations.get(),
                ..Self::IDLE.hot
            },
            cold: Cold {
                clock: Some((clock, cpu)),
                memory_floor,
                memory_before,
            },
        }
    }

    /// What the script holds now.
    pub(super) fn memory(&self) -> isize {
        memory::live() - self.cold.memory_floor
    }

    /// The lowest address it was seen at.
    pub(super) fn deepest(&self) -> usize {
        self.hot.deepest
    }

    /// Its operations so far.
    pub(super) fn operations(&self) -> u32 {
        self.hot.operations
    }
}

impl Hot {
    fn link(&self) -> Option<&Link> {
        // SAFETY: null, or the running fiber's own: `Fiber::resume` sets the
        // slice from a reference it holds across the resume, and only code on
        // that coroutine runs in between.
        unsafe { self.link.as_ref() }
    }

    /// One operation more, and what ends the script, if anything does.
    fn step(mut self) -> (Self, Option<Ended>) {
        self.operations = self.operations.wrapping_add(1);
        let here = stack_pointer();
        self.deepest = self.deepest.min(here);
        HOT.set(self);
        let ended = if here < self.stack_limit {
            Some(Ended::Stack)
        } else if memory::live() > self.memory_limit {
            Some(Ended::Memory)
        } else if self.operations.is_multiple_of(CLOCK_EVERY) {
            COLD.get().judge(self.operations)
        } else {
            None
        };
        (self, ended)
    }
}

impl Cold {
    fn judge(&self, operations: u32) -> Option<Ended> {
        let (clock, cpu) = self.clock?;
        if operations > MOST_OPERATIONS {
            return Some(Ended::Operations);
        }
        if memory::crowds_out(memory::live() - self.memory_floor, self.memory_before) {
            let is_large = memory::live() - self.memory_floor > memory::LARGE;
            return Some(match is_large {
                true => Ended::Crowding,
                false => Ended::Crowded,
            });
        }
        // The wall clock first: it is cheap, and never behind.
        (clock.wall() > cpu && clock.used() > cpu).then_some(Ended::Cpu)
    }

    fn is_over(&self) -> bool {
        self.clock.is_some_and(|(clock, _)| clock.wall() > TURN)
    }
}

thread_local! {
    static HOT: Cell<Hot> = const { Cell::new(Slice::IDLE.hot) };
    static COLD: Cell<Cold> = const { Cell::new(Slice::IDLE.cold) };
}

/// Runs `resume` with `slice` in force and returns what was made of it. The
/// slice before is put back, panic or not.
pub(super) fn within<T>(slice: Slice, resume: impl FnOnce() -> T) -> (T, Slice) {
    struct PutBack(Slice);
    impl Drop for PutBack {
        fn drop(&mut self) {
            HOT.set(self.0.hot);
            COLD.set(self.0.cold);
        }
    }
    let before = PutBack(Slice {
        hot: HOT.replace(slice.hot),
        cold: COLD.replace(slice.cold),
    });
    let result = resume();
    let used = Slice {
        hot: HOT.get(),
        cold: COLD.get(),
    };
    drop(before);
    (result, used)
}

/// Operations of the fiber that runs, since it began. They wrap around.
pub(crate) fn operations() -> u32 {
    HOT.get().operations
}

/// Lets others have their turn where the script's is over: for what takes long without an operation of
/// the script. Elsewhere it does nothing. As with any question, no borrow or lock may be held.
pub(crate) fn rest() {
    let over = COLD.get().is_over();
    if let Some(link) = HOT.get().link().filter(|_| over) {
        // Whoever is cancelled comes to its next operation.
        link.suspend(Ask::Yield);
    }
}

/// Installs the guards on `engine`. What they return ends the script with an
/// error that `try`/`catch` cannot catch.
pub(crate) fn install(engine: &mut Engine) {
    engine.on_progress(|_| progress().err().map(Dynamic::from));
    // Parsing takes more than linear time, and runs no operations.
    #[expect(
        deprecated,
        reason = "rhai's word for what may change; its version is pinned"
    )]
    engine.on_parse_token(|token, _, _| match parses_on() {
        Ok(()) => token,
        Err(reason) => Token::LexError(Box::new(LexError::Runtime(reason.to_owned()))),
    });
}

/// Whether there is memory and CPU time for one token more.
fn parses_on() -> Result<(), &'static str> {
    let (_, ended) = HOT.get().step();
    ended.map_or(Ok(()), |ended| Err(ended.reason()))
}

fn progress() -> Result<(), &'static str> {
    let (hot, ended) = HOT.get().step();
    let Some(link) = hot.link() else {
        return ended.map_or(Ok(()), |ended| Err(ended.reason()));
    };
    // Once and for all: a comparison of rhai's `sort` swallows what ends the script, and in the
    // midst of a comparison is where a script that sorts without end always is.
    if let Some(ended) = link.ended.get().or(ended) {
        link.ended.set(Some(ended));
        return Err(ended.reason());
    }
    let turn_is_over = hot.operations.is_multiple_of(CLOCK_EVERY) && COLD.get().is_over();
    if turn_is_over && matches!(link.suspend(Ask::Yield), Answer::Cancelled) {
        return Err("cancelled");
    }
    Ok(())
}

#[inline]
fn stack_pointer() -> usize {
    let here = 0u8;
    &raw const here as usize
}
