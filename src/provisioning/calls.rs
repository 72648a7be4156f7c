//! Calling the functions of the vendor's script, on a fiber. Everything a script gives is turned
//! into plain data before the fiber ends.

use std::borrow::Cow;
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
use super::trace::{Step, Story, mask};
use crate::adapter::Adapter;
use crate::adapter::compile::about;
use crate::adapter::environment::TenantEnvironment;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Closures, Mapping, Reading};
use crate::scim::{ResourceKind, ScimError};
use crate::script::effects::Effects;
use crate::script::fault::{Failure, ScriptFault, VendorFault};
use crate::script::fiber::{self, Budget};
use crate::script::host::{ScriptContext, json, shape_of};
use crate::script::origin::Origin;

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
            brake: Some(adapter.script.brake(self.tenant.as_str())),
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
            deadline: self.deadline,
        }
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

    /// What a function gave cannot be used. If it is the vendor's answer as it came, or a part of
    /// it, the vendor answers unusably; else the script is wrong.
    pub(super) fn misshapen(&self, function: &str, given: &Dynamic, expected: &str) -> Failure {
        let place = self.adapter.script.place_of(function);
        let came = shape_of(given);
        let last = self.effects.last().filter(|last| {
            let body = self.adapter.replies.parse(&last.body);
            let given = json::to_value(given);
            body.zip(given)
                .is_some_and(|(body, given)| holds(&body, &given))
        });
        match last {
            Some(last) => {
                let origin = Origin {
                    place: Some(place),
                    call: Some(last.call),
                    what: format!("{expected} is needed, and the vendor answered with {came}"),
                    ..Origin::default()
                };
                Failure::Vendor(VendorFault::Unusable, Some(Box::new(origin)))
            }
            None => {
                let message = format!("{function} must give {expected}, and gave {came}");
                ScriptFault { place, message }.into()
            }
        }
    }

    /// Reads an object that a function gave, out of the vendor's envelope.
    fn read(&self, mapping: &Mapping, function: &str, given: &Dynamic) -> Result<Reading, Failure> {
        let object = given.read_lock::<Map>();
        let object = object.filter(|object| mapping.key_in(object).is_some());
        let object = object.ok_or_else(|| {
            let expected = format!("an object with its id in `{}`", mapping.key_field());
            self.misshapen(function, given, &expected)
        })?;
        mapping.read(&object, &self.closures())
    }

    /// What stands in the vendor's envelope, if the manifest names one and the object is in it.
    fn unwrapped<'v>(&self, kind: ResourceKind, given: &'v Dynamic) -> Cow<'v, Dynamic> {
        let rule = self.adapter.id_rule(kind);
        let inner = rule
            .and_then(|rule| rule.envelope.as_deref())
            .and_then(|envelope| {
                let outer = given.read_lock::<Map>()?;
                outer.get(envelope).filter(|inner| inner.is_map()).cloned()
            });
        inner.map_or(Cow::Borrowed(given), Cow::Owned)
    }

    /// Whether an object is the tenant's own. One that does not say whose it is cannot be used.
    fn is_own(&self, function: &str, given: &Dynamic) -> Result<bool, Failure> {
        let Some(fence) = &self.fence else {
            return Ok(true);
        };
        let object = given.read_lock::<Map>();
        let owner = object.and_then(|object| Mapping::text_at(&object, &fence.field));
        let owner = owner.ok_or_else(|| {
            self.unusable(
                function,
                format!(
                    "an object lacks `{}`, which tells whose it is: {}",
                    fence.field,
                    shape_of(given)
                ),
            )
        })?;
        Ok(!fence.owner.is_empty() && owner == fence.owner)
    }

    fn unusable(&self, function: &str, what: String) -> Failure {
        let origin = Origin {
            place: Some(self.adapter.script.place_of(function)),
            call: self.effects.last().map(|last| last.call),
            what,
            ..Origin::default()
        };
        Failure::Vendor(VendorFault::Unusable, Some(Box::new(origin)))
    }

    /// The fields of a write, in the vendor's envelope if it has one.
    pub(super) fn wrapped(&self, kind: ResourceKind, fields: Map) -> Map {
        let rule = self.adapter.id_rule(kind);
        match rule.and_then(|rule| rule.envelope.as_deref()) {
            Some(envelope) => Map::from([(envelope.into(), fields.into())]),
            None => fields,
        }
    }

    /// Why an object is not whole: a vendor that shows half of one, as some do to a key without
    /// rights, is not believed.
    fn lack(
        &self,
        mapping: &Mapping,
        function: &str,
        reading: &Reading,
        given: &Dynamic,
    ) -> Option<Failure> {
        let (field, attribute) = mapping.lacking(reading, &*given.read_lock::<Map>()?)?;
        let what = format!(
            "the {} {} lacks `{field}` ({attribute}), which the table says every one has: {}",
            mapping.kind.snake(),
            mask::id(reading.id.as_str()),
            shape_of(given)
        );
        Some(self.unusable(function, what))
    }

    /// Calls a function that gives one object or `()`, and looks what it shows.
    fn shown(
        &self,
        mapping: &Mapping,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Option<Shown>, Failure> {
        let given = self.call(function, arguments)?;
        if given.is_unit() {
            return Ok(None);
        }
        let given = self.unwrapped(mapping.kind, &given);
        let reading = self.read(mapping, function, &given)?;
        if let Some(lack) = self.lack(mapping, function, &reading, &given) {
            return Ok(Some(Shown::Half(lack)));
        }
        let shown = match self.is_own(function, &given)? {
            true => Shown::Whole(reading),
            false => Shown::Foreign,
        };
        Ok(Some(shown))
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

    /// Calls a function that gives one object or `()`. A vendor that shows half of one, as some do
    /// to a key without rights, is not believed.
    pub(super) fn object(
        &self,
        mapping: &Mapping,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Option<Reading>, Failure> {
        match self.shown(mapping, function, arguments)? {
            None => Ok(None),
            Some(Shown::Whole(reading)) => Ok(Some(reading)),
            Some(Shown::Half(lack)) => Err(lack),
            Some(Shown::Foreign) => Err(ScimError::not_found("another customer's").into()),
        }
    }

    /// The same of a function that writes. What a vendor answers with a part of is read.
    pub(super) fn written(
        &self,
        mapping: &Mapping,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Option<Reading>, Failure> {
        let given = self.call(function, arguments)?;
        if given.is_unit() {
            return Ok(None);
        }
        let given = self.unwrapped(mapping.kind, &given);
        let reading = self.read(mapping, function, &given)?;
        if self.lack(mapping, function, &reading, &given).is_none() {
            match self.is_own(function, &given) {
                Ok(true) => return Ok(Some(reading)),
                Ok(false) => {
                    let what = "a write was answered with another customer's object";
                    return Err(self.unusable(function, what.to_owned()));
                }
                // Only a part came.
                Err(_) => {}
            }
        }
        let get = format!("get_{}", mapping.kind.snake());
        match self.object(mapping, &get, (reading.id.to_string(),)) {
            // Nobody asked for that id: the reply is about something else than was written.
            Err(Failure::Client(absent)) if absent.status == 404 => {
                let what = "a write was answered with the id of an object that does not exist";
                Err(self.unusable(function, what.to_owned()))
            }
            whole => whole,
        }
    }

    /// Reads an array of objects that a function gave, which must all be whole.
    pub(super) fn objects(
        &self,
        mapping: &Mapping,
        function: &str,
        given: &Dynamic,
    ) -> Result<Vec<Reading>, Failure> {
        let rows = self.rows(mapping, function, given)?;
        rows.lacks.into_iter().next().map_or(Ok(rows.whole), Err)
    }

    /// Reads an array of objects that a function gave. What it shows a part of is read by its id,
    /// so that one object stops no list.
    pub(super) fn rows(
        &self,
        mapping: &Mapping,
        function: &str,
        given: &Dynamic,
    ) -> Result<Rows, Failure> {
        let rows = given.read_lock::<Array>();
        let rows = rows.ok_or_else(|| self.misshapen(function, given, "an array of objects"))?;
        let (mut whole, mut lacks) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows.iter() {
            let row = self.unwrapped(mapping.kind, row);
            let reading = self.read(mapping, function, &row)?;
            if self.lack(mapping, function, &reading, &row).is_some() {
                let get = format!("get_{}", mapping.kind.snake());
                match self.shown(mapping, &get, (reading.id.to_string(),)) {
                    Ok(Some(Shown::Whole(reading))) => whole.push(reading),
                    Ok(Some(Shown::Half(lack))) => lacks.push(lack),
                    Ok(Some(Shown::Foreign) | None) => {}
                    Err(Failure::Client(absent)) if absent.status == 404 => {}
                    Err(other) => return Err(other),
                }
            } else if self.is_own(function, &row)? {
                whole.push(reading);
            }
        }
        Ok(Rows { whole, lacks })
    }

    /// Calls a function that gives an array of ids.
    pub(super) fn ids(
        &self,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Vec<NativeId>, Failure> {
        let given = self.call(function, arguments)?;
        let ids = given.read_lock::<Array>().and_then(|ids| {
            let ids = ids
                .iter()
                .map(|id| is_id(id).then(|| NativeId::new(&id.to_string())));
            ids.collect::<Option<Vec<_>>>()
        });
        ids.ok_or_else(|| self.misshapen(function, &given, "an array of ids, texts or numbers,"))
    }

    /// The native key in the fields of a write, or what `key_…(fields)` says of them.
    pub(super) fn key_of(
        &self,
        mapping: &Mapping,
        fields: Map,
    ) -> Result<Option<NativeId>, Failure> {
        let function = format!("key_{}", mapping.kind.snake());
        if fields.is_empty() || self.adapter.script.arity(&function).is_none() {
            return Ok(mapping.key_in(&fields));
        }
        let key = self.call(&function, (fields,))?;
        match key.is_unit() {
            true => Ok(None),
            false if is_id(&key) => Ok(Some(NativeId::new(&key.to_string()))),
            false => Err(self.misshapen(&function, &key, "an id, a text or number, or ()")),
        }
    }
}

/// What a function shows of one object.
enum Shown {
    Whole(Reading),
    /// Only a part of it: why that cannot be used.
    Half(Failure),
    /// Another customer's.
    Foreign,
}

/// The objects of an array.
pub(super) struct Rows {
    pub(super) whole: Vec<Reading>,
    /// Of each object of which the vendor shows only a part: why that cannot be used.
    pub(super) lacks: Vec<Failure>,
}

fn too_many_calls() -> ScimError {
    let detail = "The request needs more calls of the vendor's API than one request may make. Ask for less at once: filter by userName, leave members out with excludedAttributes, or name fewer members.";
    ScimError::too_large(detail)
}

/// Whether `given` is the answer or stands in it. Numbers and the like are too common to tell.
fn holds(answer: &Value, given: &Value) -> bool {
    let same = match given {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(_) | Value::Array(_) | Value::Object(_) => answer == given,
    };
    same || match answer {
        Value::Array(items) => items.iter().any(|item| holds(item, given)),
        Value::Object(members) => members.values().any(|item| holds(item, given)),
        _ => false,
    }
}

/// Whether a value can name an object: a text that is not empty, or a whole number.
fn is_id(value: &Dynamic) -> bool {
    let text = value.read_lock::<rhai::ImmutableString>();
    text.map_or_else(|| value.is_int(), |text| !text.is_empty())
}

/// Ids as an argument of a function.
pub(super) fn array_of(ids: &[NativeId]) -> Array {
    ids.iter().map(|id| id.to_string().into()).collect()
}

/// A native value as the argument of a function.
pub(super) fn argument(value: &Value) -> Dynamic {
    json::to_dynamic(value)
}
