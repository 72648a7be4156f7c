//! Calling the functions of the vendor's script, on a fiber. Everything a script gives is turned
//! into plain data before the fiber ends.

use std::rc::Rc;
use std::sync::Arc;

use rhai::{Array, Dynamic, Map};
use serde_json::Value;
use tracing::{Instrument, Span};

use super::batch::Crew;
use super::fence::Fence;
use super::noted::Noted;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::trace::{Step, Story};
use crate::adapter::Adapter;
use crate::adapter::compile::about;
use crate::adapter::environment::TenantEnvironment;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Closures, Mapping};
use crate::scim::{ResourceKind, ScimError};
use crate::script::brake::Brake;
use crate::script::effects::Effects;
use crate::script::fault::Failure;
use crate::script::fiber::{self, Budget};
use crate::script::host::{ScriptContext, json};

mod objects;

pub(super) use objects::Rows;

/// Target of the spans that only traces show: a log line stays in its request's span.
pub const TRACE_ONLY: &str = "trace_only";

impl Operation {
    /// Runs `job` on a fiber. `subject` is whom it is about: if the vendor says that something
    /// does not exist, it is that.
    pub(super) async fn call<T: 'static>(
        &self,
        subject: Subject,
        job: impl FnOnce(&Vm) -> Result<T, Failure> + 'static,
    ) -> Outcome<T> {
        let effects = Rc::new(Effects::default());
        let span = tracing::info_span!(
            target: TRACE_ONLY,
            "script",
            vendor = self.adapter.name.as_str(),
            function = tracing::field::Empty,
        );
        let result = self.run(&effects, span, job).await;
        result.map_err(|failure| NotDone::of(failure, subject, effects.wrote()))
    }

    /// Converts values of some rows by the table. Only closures of the script need a fiber.
    pub(super) async fn convert<T: 'static>(
        &self,
        mapping: &Mapping,
        rows: impl IntoIterator<Item = usize>,
        job: impl FnOnce(&Closures<'_>) -> T + 'static,
    ) -> Outcome<T> {
        if let Some(closures) = self.without_script(mapping, rows) {
            return Ok(job(&closures));
        }
        let effects = Rc::new(Effects::default());
        Ok(self
            .run(&effects, Span::none(), move |vm| Ok(job(&vm.closures())))
            .await?)
    }

    /// What converts values of some rows; `None` where that takes closures of the script.
    pub(super) fn without_script(
        &self,
        mapping: &Mapping,
        rows: impl IntoIterator<Item = usize>,
    ) -> Option<Closures<'_>> {
        (!mapping.needs_script(rows)).then(|| self.adapter.closures())
    }

    pub(super) async fn run<T: 'static>(
        &self,
        effects: &Rc<Effects>,
        span: Span,
        job: impl FnOnce(&Vm) -> Result<T, Failure> + 'static,
    ) -> Result<T, Failure> {
        let (adapter, settings) = (Arc::clone(&self.adapter), Arc::clone(&self.settings));
        let crew = (!adapter.manifest.batch.is_empty()).then(|| self.crew());
        let (story, look_ups) = (Rc::clone(&self.story), self.look_ups.clone());
        let fence = self.fence();
        let noted = Noted {
            backend: &*self.backend,
            adapter: &self.adapter,
            effects,
            story: &self.story,
        };
        let budget = Budget {
            cpu: self.process.script_time(),
            brake: self.brake(),
            deadline: self.deadline,
        };
        let recording = span.clone();
        let effects = Rc::clone(effects);
        let result = fiber::run(
            move |call| {
                let environment =
                    TenantEnvironment::new(&adapter, &settings, crew, &effects, &look_ups);
                job(&Vm {
                    adapter,
                    effects,
                    script: ScriptContext::new(call, environment),
                    story,
                    span: recording,
                    fence,
                })
            },
            budget,
            &noted,
        )
        .instrument(span)
        .await;
        match self.story.has_called_too_often() {
            true => Err(too_many_calls().into()),
            false => result,
        }
    }

    fn crew(&self) -> Crew {
        Crew {
            tenant: self.tenant.clone(),
            adapter: Arc::clone(&self.adapter),
            settings: Arc::clone(&self.settings),
            // Whoever leads a batch may lead for hours; its own request's trace ends with it.
            backend: self.backend.apart().unwrap_or(Rc::clone(&self.backend)),
            lease: self.memory.lease(),
            batches: Arc::clone(&self.batches),
            look_ups: self.look_ups.clone(),
            cpu: self.process.script_time(),
            brake: self.brake(),
            deadline: self.deadline,
        }
    }

    /// Where nobody else waits, a script runs again however often it reached its limits.
    fn brake(&self) -> Option<Brake> {
        let is_shared = self.process.is_shared();
        is_shared.then(|| self.adapter.script.brake(self.tenant.as_str()))
    }
}

/// A script that runs.
pub(super) struct Vm {
    pub(super) adapter: Arc<Adapter>,
    effects: Rc<Effects>,
    script: ScriptContext,
    pub(super) story: Rc<Story>,
    span: Span,
    fence: Option<Fence>,
}

impl Vm {
    pub(super) fn call(
        &self,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Dynamic, Failure> {
        self.span.record("function", function);
        self.effects.begin_function(about(function));
        let adapter = &self.adapter;
        let failure = |fault| adapter.failure_of(fault);
        let calling = self.story.function(function);
        let given = adapter
            .script
            .call(&self.script, failure, function, arguments);
        calling.ended(given.is_ok());
        given
    }

    /// The fields of a write, in the vendor's envelope if it has one.
    pub(super) fn wrapped(&self, kind: ResourceKind, fields: Map) -> Map {
        let rule = self.adapter.id_rule(kind);
        match rule.and_then(|rule| rule.envelope.as_deref()) {
            Some(envelope) => Map::from([(envelope.into(), fields.into())]),
            None => fields,
        }
    }

    pub(super) fn note_fields(&self, fields: &Map) {
        if !self.story.takes_notes() {
            return;
        }
        let names = fields.keys().map(ToString::to_string).collect();
        self.story.note(Step::Fields { names });
    }

    pub(super) fn closures(&self) -> Closures<'_> {
        self.adapter.closures()
    }
}

fn too_many_calls() -> ScimError {
    let detail = "The request needs more calls of the vendor's API than one request may make. Ask for less at once: filter by userName, leave members out with excludedAttributes, or name fewer members.";
    ScimError::too_large(detail)
}

/// Ids as an argument of a function.
pub(super) fn array_of(ids: &[NativeId]) -> Array {
    ids.iter().map(|id| id.to_string().into()).collect()
}

/// A native value as the argument of a function.
pub(super) fn argument(value: &Value) -> Dynamic {
    json::to_dynamic(value)
}
