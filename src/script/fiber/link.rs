//! Between a fiber and the code that runs on it: what is asked, and what is answered.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use corosensei::Yielder;
use send_wrapper::SendWrapper;
use serde_json::Value;

use super::memory::Share;
use crate::script::call::{CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::script::fault::Failure;

/// What a fiber asks of its driver.
pub(crate) enum Ask {
    /// Carry a call out.
    Call(VendorCall),
    /// Wake me later.
    Sleep(Duration),
    /// Wake me later, if there is time left for a call then.
    Pause(Duration),
    /// Wake me when this is done, if there is time for it.
    Wait(LocalBoxFuture<'static, ()>),
    /// Wake me with these results.
    Results(Results),
    /// Let others run.
    Yield,
}

/// Results that others work out.
pub(crate) type Results = LocalBoxFuture<'static, Result<Vec<Value>, Failure>>;

/// What the driver answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Go on.
    Go,
    /// The vendor's reply, or why there is none.
    Reply(Result<VendorReply, CallFault>),
    /// The results, or why there are none.
    Results(Result<Vec<Value>, Failure>),
    /// Too late for that.
    Late,
    /// End now.
    Cancelled,
}

/// Which bound a script ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its stack's.
    Stack,
    /// That of its own memory.
    Memory,
    /// That of the memory of all scripts: it is not to blame.
    Crowded,
    /// The same, and it held much of it.
    Crowding,
    /// That of its CPU time.
    Cpu,
    /// That of its operations.
    Operations,
}

impl Ended {
    /// As an operator reads it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Stack => "the script nests too deeply: its stack is used up",
            Self::Memory => "the script holds too much: its memory is used up",
            Self::Crowded | Self::Crowding => "all scripts together hold too much memory",
            Self::Cpu => "the script used up its CPU time",
            Self::Operations => "the script does too much: it has used up its 1,000,000 operations",
        }
    }
}

/// Between a fiber and the code that runs on it.
pub(super) struct Link {
    pub(super) yielder: Cell<*const Yielder<Answer, Ask>>,
    pub(super) dead: Cell<bool>,
    pub(super) stack_limit: usize,
    /// Operations of the script so far.
    pub(super) operations: Cell<u32>,
    pub(super) memory: Share,
    /// Set by the guard that ended the script.
    pub(super) ended: Cell<Option<Ended>>,
}

impl Link {
    pub(super) fn suspend(&self, ask: Ask) -> Answer {
        let yielder = self.yielder.get();
        if self.dead.get() || yielder.is_null() {
            return Answer::Cancelled;
        }
        // SAFETY: non-null only while the coroutine's body, which owns the
        // yielder, is alive; and only code on that coroutine gets here (point 2).
        unsafe { (*yielder).suspend(ask) }
    }
}

/// The handle of the running fiber, carried to host functions by [`ScriptContext`](crate::script::host::ScriptContext).
#[derive(Clone)]
pub(crate) struct Call(pub(super) SendWrapper<Rc<Link>>);

impl Call {
    /// Suspends the fiber until the driver has the answer.
    pub(crate) fn ask(&self, ask: Ask) -> Answer {
        self.0.suspend(ask)
    }
}
