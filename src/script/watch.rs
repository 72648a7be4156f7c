//! Notes which functions of a script run, for coverage.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::Engine;
use rhai::debugger::{DebuggerCommand, DebuggerEvent};

use super::engine::unshared;

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
