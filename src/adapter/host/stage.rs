//! What a running script stands on: its fiber, and what of its tenant it may see.

use std::rc::Rc;
use std::sync::Arc;

use rhai::{EvalAltResult, NativeCallContext};
use send_wrapper::SendWrapper;

use crate::adapter::Adapter;
use crate::adapter::batch::Crew;
use crate::adapter::fiber::Call;
use crate::adapter::replies::ReplyTable;
use crate::adapter::settings::Settings;

/// Carried by rhai as the tag of the call, so that it reaches host functions
/// through nested functions and callbacks, and no script can touch it.
#[derive(Clone)]
pub(in crate::adapter) struct Stage(SendWrapper<Rc<Props>>);

struct Props {
    call: Call,
    replies: Arc<ReplyTable>,
    settings: Arc<Settings>,
    graphql: Option<String>,
    request_token: Option<String>,
    crew: Option<Crew>,
}

impl Stage {
    /// `crew` is what a script hands items of batches to; a batch's own function has none.
    pub(in crate::adapter) fn new(
        call: &Call,
        adapter: &Adapter,
        settings: Arc<Settings>,
        crew: Option<Crew>,
    ) -> Self {
        Self(SendWrapper::new(Rc::new(Props {
            call: call.clone(),
            replies: Arc::clone(&adapter.replies),
            settings,
            graphql: adapter.manifest.graphql.clone(),
            request_token: adapter.manifest.request_token.clone(),
            crew,
        })))
    }

    /// One with nothing of an adapter.
    #[cfg(test)]
    pub(in crate::adapter) fn bare(call: &Call) -> Self {
        Self(SendWrapper::new(Rc::new(Props {
            call: call.clone(),
            replies: Arc::default(),
            settings: Arc::default(),
            graphql: None,
            request_token: None,
            crew: None,
        })))
    }

    /// The stage a host function was called on.
    ///
    /// # Errors
    /// Where there is none: in a converter, which must not do more than convert.
    pub(super) fn of(context: &NativeCallContext<'_>) -> Result<Self, Box<EvalAltResult>> {
        let stage = context
            .tag()
            .and_then(|tag| tag.read_lock::<Self>().map(|stage| stage.clone()));
        stage.ok_or_else(|| {
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

    pub(super) fn replies(&self) -> &ReplyTable {
        &self.0.replies
    }

    /// Where GraphQL is spoken, if the manifest says so.
    pub(super) fn graphql(&self) -> Option<&str> {
        self.0.graphql.as_deref()
    }

    /// The header of requests that are carried out once, if the manifest names one.
    pub(super) fn request_token(&self) -> Option<&str> {
        self.0.request_token.as_deref()
    }

    /// Who takes items of batches.
    pub(super) fn crew(&self) -> Option<&Crew> {
        self.0.crew.as_ref()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }
}
