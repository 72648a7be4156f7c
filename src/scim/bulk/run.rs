//! A bulk request under way: one [`Request`] after the other, and at the end the `BulkResponse`.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::order::{Step, order};
use super::reference::PREFIX;
use super::target::{Target, item_path};
use super::{Bulk, Method, Operation, RESPONSE_SCHEMA, late, reference};
use crate::scim::error::quoted;
use crate::scim::{Body, Object, Request, Response, ScimError, Service};

/// The operations of a bulk request, to be carried out one at a time.
///
/// ```text
/// while let Some(request) = run.next_request() { run.record(perform(request)) }
/// run.finish()
/// ```
///
/// Each operation is answered once, but for those that `failOnErrors` keeps from being begun.
pub struct Run<'s> {
    service: &'s Service,
    base: &'s str,
    operations: Vec<Operation>,
    /// By `bulkId`.
    makers: HashMap<String, usize>,
    fail_on_errors: usize,
    steps: VecDeque<Step>,
    /// What [`next_request`](Self::next_request) gave.
    current: Option<Step>,
    /// By index.
    progress: Vec<Progress>,
    errors: usize,
}

/// How far an operation is.
#[derive(Default)]
struct Progress {
    answer: Option<Answer>,
    /// The id of what it made.
    made: Option<String>,
    /// The PATCH still to come.
    rest: Option<Value>,
}

/// What came of an operation.
struct Answer {
    status: u16,
    location: Option<String>,
    version: Option<String>,
    error: Option<ScimError>,
}

impl Answer {
    /// This failure, of what was to be added to what the first half made.
    fn of_the_rest(self, first: Self) -> Self {
        let told = |error: ScimError| ScimError {
            detail: format!(
                "The resource was created, but its references to later operations could not be added. {}",
                error.detail
            ),
            ..error
        };
        Self {
            location: first.location,
            error: self.error.map(told),
            ..self
        }
    }
}

impl<'s> Run<'s> {
    pub(super) fn new(bulk: Bulk, service: &'s Service, base: &'s str) -> Self {
        let operations = bulk.operations;
        let made = operations.iter().enumerate();
        Self {
            service,
            base,
            makers: made
                .filter_map(|(index, operation)| Some((operation.makes()?.to_owned(), index)))
                .collect(),
            fail_on_errors: bulk.fail_on_errors.unwrap_or(usize::MAX),
            steps: order(&operations, service).into(),
            current: None,
            progress: operations.iter().map(|_| Progress::default()).collect(),
            operations,
            errors: 0,
        }
    }

    /// What to carry out next; `None` when all is done, or as many operations have failed as
    /// the sender takes.
    pub fn next_request(&mut self) -> Option<Request> {
        while self.errors < self.fail_on_errors {
            let step = self.steps.pop_front()?;
            match self.request(step) {
                Some(Ok(request)) => {
                    self.current = Some(step);
                    return Some(request);
                }
                Some(Err(error)) => self.fail(step, error),
                None => {}
            }
        }
        None
    }

    /// What came of the request that [`next_request`](Self::next_request) gave.
    pub fn record(&mut self, result: Result<Response, ScimError>) {
        match (self.current.take(), result) {
            (Some(step), Ok(response)) => self.succeed(step, response),
            (Some(step), Err(error)) => self.fail(step, error),
            (None, _) => {}
        }
    }

    /// Answers all that is left, the request just given included, with an error.
    pub fn abandon(&mut self, error: &ScimError) {
        let current = self.current.take();
        let left: Vec<Step> = current.into_iter().chain(self.steps.drain(..)).collect();
        for step in left {
            self.fail(step, error.clone());
        }
    }

    /// How many operations have failed.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// The `BulkResponse`, its operations in the order of the request.
    pub fn finish(mut self) -> Response {
        // Stopped by `failOnErrors` between the two halves of an operation.
        let stopped = ScimError::new(409, None, "The request ended with an earlier error.");
        for step in std::mem::take(&mut self.steps) {
            if let Step::Rest(_) = step {
                self.fail(step, stopped.clone());
            }
        }
        let done = self.operations.iter().zip(&self.progress);
        let done = done.filter_map(|(operation, progress)| {
            Some(self.answered(operation, progress.answer.as_ref()?))
        });
        Response::ok(json!({
            "schemas": [RESPONSE_SCHEMA],
            "Operations": done.collect::<Vec<_>>(),
        }))
    }

    /// The request of a step; `None` for the rest of what was never begun.
    fn request(&mut self, step: Step) -> Option<Result<Request, ScimError>> {
        match step {
            Step::Whole(index) => Some(self.whole(index)),
            Step::First(index) => Some(self.first(index)),
            Step::Stuck(_) => Some(Err(circular())),
            Step::Rest(index) => {
                let progress = self.progress.get_mut(index)?;
                let (id, rest) = (progress.made.clone()?, progress.rest.take()?);
                Some(self.rest(index, &id, rest))
            }
        }
    }

    fn whole(&self, index: usize) -> Result<Request, ScimError> {
        let operation = self.operation(index)?;
        let mut data = operation.data.clone();
        if let Some(data) = &mut data {
            reference::resolve(data, &|bulk_id| self.id_of(bulk_id))?;
        }
        self.parse(operation, &self.path(operation)?, data)
    }

    fn first(&mut self, index: usize) -> Result<Request, ScimError> {
        let operation = self.operation(index)?;
        let mut data = operation.data.clone().unwrap_or_default();
        let kind = operation.target.as_ref().map_err(Clone::clone)?.kind();
        let types = self.service.resource_type(kind).ok_or_else(circular)?;
        let rest = late::split(&mut data, types, &|bulk_id| self.is_open(bulk_id))?;
        reference::resolve(&mut data, &|bulk_id| self.id_of(bulk_id))?;
        let request = self.parse(operation, &self.path(operation)?, Some(data))?;
        if let Some(progress) = self.progress.get_mut(index) {
            progress.rest = Some(rest);
        }
        Ok(request)
    }

    fn rest(&self, index: usize, id: &str, mut patch: Value) -> Result<Request, ScimError> {
        reference::resolve(&mut patch, &|bulk_id| self.id_of(bulk_id))?;
        let target = self.operation(index)?.target.as_ref();
        let path = item_path(target.map_err(Clone::clone)?.kind(), id);
        Request::parse("PATCH", &path, None, Some(patch), self.service)
    }

    /// Whatever the path says: an operation writes a resource, or is refused.
    fn parse(
        &self,
        operation: &Operation,
        path: &str,
        data: Option<Value>,
    ) -> Result<Request, ScimError> {
        let method = operation.method.as_str();
        let data = data.filter(|_| operation.method != Method::Delete);
        let request = Request::parse(method, path, None, data, self.service)?;
        use Request::{Create, Delete, Patch, Replace};
        match request {
            Create { .. } | Replace { .. } | Patch { .. } | Delete { .. } => {
                request.under(operation.version.as_deref(), None)
            }
            _ => Err(ScimError::invalid_path("An operation writes a resource.")),
        }
    }

    fn operation(&self, index: usize) -> Result<&Operation, ScimError> {
        self.operations.get(index).ok_or_else(circular)
    }

    fn path(&self, operation: &Operation) -> Result<String, ScimError> {
        match operation.target.as_ref().map_err(Clone::clone)? {
            Target::Made(kind, bulk_id) => Ok(item_path(*kind, self.id_of(bulk_id)?)),
            target => target.path().ok_or_else(circular),
        }
    }

    /// Whether a reference cannot be followed yet, but may be later.
    fn is_open(&self, bulk_id: &str) -> bool {
        self.maker(bulk_id)
            .is_some_and(|maker| maker.answer.is_none())
    }

    fn maker(&self, bulk_id: &str) -> Option<&Progress> {
        self.progress.get(*self.makers.get(bulk_id)?)
    }

    /// The id that a reference stands for.
    fn id_of(&self, bulk_id: &str) -> Result<&str, ScimError> {
        let shown = quoted(bulk_id);
        let maker = self.maker(bulk_id).ok_or_else(|| {
            ScimError::invalid_value(format!(
                "No POST of this request has the bulkId {shown}, which this operation refers to."
            ))
        })?;
        match (&maker.made, &maker.answer) {
            (Some(id), _) => Ok(id),
            (None, Some(_)) => Err(ScimError::new(
                409,
                None,
                format!(
                    "The operation with the bulkId {shown}, which this one refers to, failed. Correct that one and send both again."
                ),
            )),
            (None, None) => Err(circular()),
        }
    }

    fn succeed(&mut self, step: Step, response: Response) {
        let index = step.index();
        let location = response.location.clone().or_else(|| self.location(index));
        let Some(progress) = self.progress.get_mut(index) else {
            return;
        };
        if let (Step::Rest(_), Some(answer)) = (step, &mut progress.answer) {
            // Without a new version there is none: the old one is no longer true.
            answer.version = response.version;
            return;
        }
        let tree = response.body.as_ref().and_then(Body::tree);
        let id = tree.and_then(|body| body.get("id"));
        progress.made = id.and_then(Value::as_str).map(str::to_owned);
        progress.answer = Some(Answer {
            status: response.status,
            location,
            version: response.version,
            error: None,
        });
    }

    fn fail(&mut self, step: Step, error: ScimError) {
        let location = self.location(step.index());
        let Some(progress) = self.progress.get_mut(step.index()) else {
            return;
        };
        let answer = Answer {
            status: error.status,
            location,
            version: None,
            error: Some(error),
        };
        match (step, progress.answer.take()) {
            (Step::Rest(_), Some(first)) if first.error.is_some() => {
                // It was never made, which has been counted.
                progress.answer = Some(first);
                return;
            }
            (Step::Rest(_), Some(first)) => progress.answer = Some(answer.of_the_rest(first)),
            _ => progress.answer = Some(answer),
        }
        self.errors += 1;
    }

    /// Where an operation went, which all are told but a POST that made nothing (RFC 7644 §3.7)
    /// and what goes nowhere.
    fn location(&self, index: usize) -> Option<String> {
        let operation = self.operations.get(index)?;
        let path = match operation.target.as_ref().ok()? {
            Target::Collection(_) if operation.method == Method::Post => return None,
            Target::Made(kind, bulk_id) => {
                let id = self.maker(bulk_id).and_then(|maker| maker.made.as_deref());
                item_path(*kind, id.unwrap_or(&format!("{PREFIX}{bulk_id}")))
            }
            target => target.path()?,
        };
        Some(format!("{}{path}", self.base))
    }

    /// One operation of the answer (RFC 7644 §3.7). A body only with errors: what a client sent
    /// is not sent back.
    fn answered(&self, operation: &Operation, answer: &Answer) -> Object {
        let mut answered = Object::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                answered.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        put("location", text(&answer.location));
        put("method", Some(operation.method.as_str().into()));
        put("bulkId", text(&operation.bulk_id));
        put("version", text(&answer.version));
        put("status", Some(answer.status.to_string().into()));
        put("response", answer.error.as_ref().map(ScimError::body));
        answered
    }
}

/// What cannot be made because it waits for itself (RFC 7644 §3.7.1).
pub(super) fn circular() -> ScimError {
    ScimError::new(
        409,
        None,
        "The operations refer to each other in a circle that cannot be resolved. Create the resources first, and set the references in a second request.",
    )
}
