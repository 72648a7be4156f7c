//! The context of a running script: its fiber, and what of its tenant it may see.

use std::rc::Rc;

use rhai::{EvalAltResult, NativeCallContext};
use send_wrapper::SendWrapper;

use crate::script::environment::Environment;
use crate::script::fiber::Call;

/// Carried by rhai as the tag of the call, so that it reaches host functions
/// through nested functions and callbacks, and no script can touch it.
#[derive(Clone)]
pub(crate) struct ScriptContext(SendWrapper<Rc<Props>>);

struct Props {
    call: Call,
    environment: Box<dyn Environment>,
}

impl ScriptContext {
    pub(crate) fn new(call: &Call, environment: impl Environment + 'static) -> Self {
        Self(SendWrapper::new(Rc::new(Props {
            call: call.clone(),
            environment: Box::new(environment),
        })))
    }

    /// One with nothing of an adapter.
    #[cfg(test)]
    pub(crate) fn bare(call: &Call) -> Self {
        Self::bare_with(call, crate::script::once::LookUps::default().of("test"))
    }

    /// The same, with what was looked up before.
    #[cfg(test)]
    pub(crate) fn bare_with(call: &Call, known: crate::script::once::TenantLookUps) -> Self {
        Self::new(call, Bare(Default::default(), Default::default(), known))
    }

    /// The context a host function was called in.
    ///
    /// # Errors
    /// Where there is none: in a converter, which must not do more than convert.
    pub(super) fn of(context: &NativeCallContext<'_>) -> Result<Self, Box<EvalAltResult>> {
        let found = context
            .tag()
            .and_then(|tag| tag.read_lock::<Self>().map(|found| found.clone()));
        found.ok_or_else(|| {
            let text = format!(
                "{}() cannot be used in a table or converter",
                context.fn_name()
            );
            EvalAltResult::ErrorRuntime(text.into(), context.call_position()).into()
        })
    }

    pub(super) fn call(&self) -> &Call {
        &self.0.call
    }

    pub(super) fn environment(&self) -> &dyn Environment {
        &*self.0.environment
    }
}

#[cfg(test)]
struct Bare(
    crate::script::replies::ReplyTable,
    crate::script::effects::Effects,
    crate::script::once::TenantLookUps,
);

#[cfg(test)]
impl Environment for Bare {
    fn replies(&self) -> &crate::script::replies::ReplyTable {
        &self.0
    }

    fn setting(&self, _name: &str) -> Option<&serde_json::Value> {
        None
    }

    fn graphql(&self) -> Option<&str> {
        None
    }

    fn request_token(&self) -> Option<&str> {
        None
    }

    fn effects(&self) -> &crate::script::effects::Effects {
        &self.1
    }

    fn look_ups(&self) -> &crate::script::once::TenantLookUps {
        &self.2
    }

    fn batches(&self) -> Option<&dyn crate::script::environment::BatchPort> {
        None
    }
}
