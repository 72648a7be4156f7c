//! Notes what is used of an adapter while coverage is taken: rows by their index, functions by
//! their name.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::Engine;
use rhai::debugger::{DebuggerCommand, DebuggerEvent};

use super::engine::unshared;

/// Marks by index, set by whoever passes.
#[derive(Debug)]
pub(crate) struct Marks(Vec<AtomicBool>);

impl Marks {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self((0..count).map(|_| AtomicBool::new(false)).collect()))
    }

    /// Marks one; what was added after the marks were made has none.
    pub(crate) fn set(&self, index: usize) {
        if let Some(mark) = self.0.get(index) {
            mark.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_set(&self, index: usize) -> bool {
        self.0
            .get(index)
            .is_some_and(|mark| mark.load(Ordering::Relaxed))
    }
}

/// An engine that notes which functions of a script run on it.
pub(crate) struct Watch {
    pub(crate) engine: Engine,
    called: Arc<Mutex<BTreeSet<String>>>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let called: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let notes = Arc::clone(&called);
        let mut engine = unshared();
        #[expect(
            deprecated,
            reason = "rhai's word for what may change; its version is pinned"
        )]
        engine.register_debugger(
            |_, debugger| debugger,
            move |context, _: DebuggerEvent<'_>, _, _, _| {
                let frame = context
                    .global_runtime_state()
                    .debugger()
                    .call_stack()
                    .last();
                if let Some(frame) = frame {
                    let mut called = notes.lock().unwrap_or_else(PoisonError::into_inner);
                    if !called.contains(frame.fn_name.as_str()) {
                        called.insert(frame.fn_name.to_string());
                    }
                }
                Ok(DebuggerCommand::StepInto)
            },
        );
        Self { engine, called }
    }
    /// The functions that ran.
    pub(crate) fn called(&self) -> BTreeSet<String> {
        let called = self.called.lock();
        called.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
