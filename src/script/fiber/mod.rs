//! Fibers: scripts that read straight down and never block.
//!
//! A job (a closure that calls into rhai) runs on a stackful coroutine. When a
//! host function needs the world it suspends with an [`Ask`]; the driver, an
//! ordinary future, gets the answer and resumes. A fiber never leaves its
//! thread: coroutine and [`Link`] are `!Send`, hence so is the driver's future,
//! and the compiler allows only `spawn_local`.
//!
//! # Why this is sound
//! 1. *Thread*: see above; the tag inside rhai, which demands `Send`, is a
//!    `SendWrapper` that panics rather than be touched on another thread.
//! 2. *Pointer*: [`Link::yielder`] is non-null exactly while the coroutine's
//!    body is alive, and it is reached only by code running on that coroutine:
//!    by the call's own tag, or by the slice the driver sets around a resume.
//!    Outside a fiber there is no tag and no slice, and host calls are refused.
//! 3. *Borrows*: the job is `'static`, questions and answers are owned data, and
//!    the result is made on the coroutine, so that nothing points into a stack
//!    and deep script values are dropped where there is room for it.
//! 4. *Re-entrancy*: other fibers of the thread run between suspend and resume,
//!    so no host function holds a `RefCell` borrow, a blocking lock or a span guard
//!    across [`Call::ask`].
//! 5. *Stack end*: checked on every operation, with 256 KiB in reserve and a
//!    guard page below.
//! 6. *Drop*: a suspended fiber is resumed once with [`Answer::Cancelled`];
//!    every later question gets the same answer and `on_progress` refuses, so it
//!    unwinds by ordinary `?`. corosensei's forced unwinding is the backstop.

#![allow(unsafe_code)]

mod clock;
mod guards;
mod link;
pub(crate) mod memory;
mod stack;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use send_wrapper::SendWrapper;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::brake::Brake;
use super::call::{Backend, CallFault};
use super::fault::{Failure, GatewayFault};
use crate::turns;
use clock::SliceClock;
use guards::Slice;
pub(crate) use guards::{install as install_guards, operations, rest};
pub(crate) use link::{Answer, Ask, Call, Results};
use link::{Ended, Link};
use stack::Stack;

/// What a pause must leave: whoever waits for a job looks at it once more.
const TIME_FOR_A_CALL: Duration = Duration::from_secs(2);

/// CPU time after which a script goes on in turns with whatever else takes long.
const LONG: Duration = Duration::from_millis(1);

/// CPU time after which others have a rest before each of its turns.
const HEAVY: Duration = Duration::from_millis(4);

/// How much a fiber may use.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    /// CPU time of the thread, summed over slices; waiting for the vendor or for a core is free.
    pub(crate) cpu: Duration,
    /// Who hears that the CPU time was used up, and who may say that no more of it is given.
    pub(crate) brake: Option<Brake>,
    /// When the vendor's answers must be there.
    pub(crate) deadline: Instant,
}

/// Runs `job` on a fiber, carrying its calls out by `backend`.
///
/// # Errors
/// Whatever the job returns; `Internal` if it panics; `Overloaded` if no stack can be had, or if
/// all scripts together hold too much.
pub(crate) async fn run<T: 'static>(
    job: impl FnOnce(&Call) -> Result<T, Failure> + 'static,
    budget: Budget,
    backend: &dyn Backend,
) -> Result<T, Failure> {
    if let Some(brake) = &budget.brake {
        brake.admit()?;
    }
    let mut fiber = Fiber::new(job, budget.cpu)?;
    let mut answer = Answer::Go;
    loop {
        let asked = match fiber.resume(answer)? {
            CoroutineResult::Return(result) => {
                return match fiber.link.ended.get() {
                    Some(Ended::Crowded) => Err(GatewayFault::Overloaded.into()),
                    Some(Ended::Crowding) => {
                        note(&budget, Some(Ended::Crowding));
                        Err(GatewayFault::Overloaded.into())
                    }
                    ended => {
                        note(&budget, ended);
                        result
                    }
                };
            }
            CoroutineResult::Yield(asked) => asked,
        };
        answer = match asked {
            Ask::Yield => {
                pass(fiber.used, &budget).await;
                Answer::Go
            }
            Ask::Sleep(time) => {
                backend.wait(until(time, budget.deadline)).await;
                Answer::Go
            }
            Ask::Pause(time) => pause(time, budget.deadline, backend).await,
            Ask::Wait(done) => match timeout_at(budget.deadline, done).await {
                Ok(()) => Answer::Go,
                Err(_) => Answer::Late,
            },
            Ask::Results(results) => Answer::Results(results.await),
            Ask::Call(call) => Answer::Reply(backend.call(call, budget.deadline).await),
        };
    }
}

/// Lets others run before a script that took `used` so far goes on. One that waits for its turn at
/// the deadline goes on without, to end there.
async fn pass(used: Duration, budget: &Budget) {
    let rest = match used {
        used if used < LONG => return yield_now().await,
        used if used < HEAVY => Duration::ZERO,
        _ => turns::REST,
    };
    let tenant = budget.brake.as_ref().map_or("", Brake::tenant);
    let _passed = timeout_at(budget.deadline, turns::pass(tenant, rest)).await;
}

fn note(budget: &Budget, ended: Option<Ended>) {
    if let Some(brake) = &budget.brake {
        brake.record(ended.is_some());
    }
}

/// So long from now, but not beyond the deadline, however long a script wants to sleep.
fn until(time: Duration, deadline: Instant) -> Instant {
    let wanted = Instant::now().checked_add(time);
    wanted.map_or(deadline, |wanted| wanted.min(deadline))
}

/// Waits, unless too little time would be left for what comes after.
async fn pause(time: Duration, deadline: Instant, backend: &dyn Backend) -> Answer {
    let until = Instant::now() + time;
    if until + TIME_FOR_A_CALL > deadline {
        return Answer::Late;
    }
    backend.wait(until).await;
    Answer::Go
}

/// Runs `job` where there is no world: while an adapter is loaded.
///
/// # Errors
/// As [`run`]; a job that calls the vendor gets a call fault.
pub(crate) fn run_alone<T: 'static>(
    job: impl FnOnce(&Call) -> Result<T, Failure> + 'static,
    cpu: Duration,
) -> Result<T, Failure> {
    let mut fiber = Fiber::new(job, cpu)?;
    let mut answer = Answer::Go;
    loop {
        answer = match fiber.resume(answer)? {
            CoroutineResult::Return(result) => return result,
            CoroutineResult::Yield(Ask::Call(_)) => Answer::Reply(Err(CallFault::NotSent(
                "a table must not call the vendor".into(),
            ))),
            CoroutineResult::Yield(Ask::Results(_)) => {
                Answer::Results(Err(GatewayFault::Internal.into()))
            }
            CoroutineResult::Yield(Ask::Sleep(_) | Ask::Pause(_) | Ask::Wait(_) | Ask::Yield) => {
                Answer::Go
            }
        };
    }
}

/// A job on its stack.
struct Fiber<T: 'static> {
    coroutine: Option<Coroutine<Answer, Ask, Result<T, Failure>, Stack>>,
    link: Rc<Link>,
    cpu: Duration,
    /// CPU time so far.
    used: Duration,
    deepest: usize,
}

impl<T: 'static> Fiber<T> {
    fn new(
        job: impl FnOnce(&Call) -> Result<T, Failure> + 'static,
        cpu: Duration,
    ) -> Result<Self, Failure> {
        let stack = Stack::take().map_err(|error| {
            tracing::error!(%error, action = "raise the memory or vm.max_map_count limit", "no memory for the stack of a script");
            GatewayFault::Overloaded
        })?;
        let link = Rc::new(Link {
            yielder: Cell::new(std::ptr::null()),
            dead: Cell::new(false),
            stack_limit: stack.soft_limit(),
            operations: Cell::new(0),
            memory: memory::Share::default(),
            ended: Cell::new(None),
        });
        let inner = Rc::clone(&link);
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<Answer, Ask>, _| {
            inner.yielder.set(yielder);
            let _unlink = Unlink(Rc::clone(&inner));
            job(&Call(SendWrapper::new(inner)))
        });
        Ok(Self {
            coroutine: Some(coroutine),
            link,
            cpu,
            used: Duration::ZERO,
            deepest: usize::MAX,
        })
    }

    fn resume(
        &mut self,
        answer: Answer,
    ) -> Result<CoroutineResult<Ask, Result<T, Failure>>, Failure> {
        let Some(coroutine) = self.coroutine.as_mut() else {
            return Err(GatewayFault::Internal.into());
        };
        let clock = SliceClock::start();
        let slice = Slice::new(&self.link, clock, self.cpu.saturating_sub(self.used));
        let (result, used) = guards::within(slice, || {
            catch_unwind(AssertUnwindSafe(|| coroutine.resume(answer)))
        });
        self.link.memory.hold(used.memory());
        self.used += clock.used();
        self.deepest = self.deepest.min(used.deepest());
        self.link.operations.set(used.operations());
        result.map_err(|_| {
            tracing::error!("a host function panicked");
            GatewayFault::Internal.into()
        })
    }
}

impl<T: 'static> Drop for Fiber<T> {
    fn drop(&mut self) {
        let suspended = self
            .coroutine
            .as_ref()
            .is_some_and(|c| c.started() && !c.done());
        if suspended {
            self.link.dead.set(true);
            // The last slice: enough to unwind, whatever the budget was.
            self.cpu = self.used + Duration::from_millis(50);
            let _ended = self.resume(Answer::Cancelled);
        }
        if let Some(coroutine) = self.coroutine.take()
            && coroutine.done()
        {
            coroutine.into_stack().give(self.deepest);
        }
    }
}

/// Takes the yielder away when the coroutine's body ends or unwinds.
struct Unlink(Rc<Link>);

impl Drop for Unlink {
    fn drop(&mut self) {
        self.0.yielder.set(std::ptr::null());
    }
}

/// What `work` gives, and the CPU time it took.
#[cfg(test)]
pub(crate) fn cpu_of<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let clock = SliceClock::start();
    let result = work();
    (result, clock.used())
}
