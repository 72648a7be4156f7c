//! The vendor as a file: each call must be the one written next.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;
use tokio::time::Instant;

use super::compare::{Mode, Variables, differences, fill, fill_value};
use super::form::{self, FORM};
use super::{Answer, Body, ExpectedCall};
use crate::adapter::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};

/// Answers one exchange's calls and keeps what did not fit.
pub(super) struct Replay {
    expected: RefCell<VecDeque<(ExpectedCall, Answer)>>,
    variables: RefCell<Variables>,
    misfits: RefCell<Vec<String>>,
    calls: RefCell<usize>,
}

impl Replay {
    pub(super) fn new(expected: Vec<(ExpectedCall, Answer)>, variables: Variables) -> Self {
        Self {
            expected: RefCell::new(expected.into()),
            variables: RefCell::new(variables),
            misfits: RefCell::default(),
            calls: RefCell::default(),
        }
    }

    /// How many calls came, and what was wrong: with them, or that they did not come.
    pub(super) fn end(&self) -> (usize, Vec<String>) {
        let mut misfits = self.misfits.borrow_mut().split_off(0);
        misfits.extend(self.expected.borrow().iter().map(|(call, _)| {
            format!(
                "line {}: the vendor was not called {} {}",
                call.line,
                call.verb.as_str(),
                call.path
            )
        }));
        (*self.calls.borrow(), misfits)
    }

    fn answer(&self, call: &VendorCall) -> Result<VendorReply, CallFault> {
        *self.calls.borrow_mut() += 1;
        let Some((expected, answer)) = self.expected.borrow_mut().pop_front() else {
            let text = format!(
                "the vendor was called once more: {} {}",
                call.method.as_str(),
                call.path
            );
            self.misfits.borrow_mut().push(text);
            return Err(CallFault::NotSent("no such call in the transcript".into()));
        };
        self.misfits
            .borrow_mut()
            .extend(self.compare(&expected, call));
        match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Nothing(fault) => Err(fault),
        }
    }

    fn compare(&self, expected: &ExpectedCall, call: &VendorCall) -> Vec<String> {
        let mut variables = self.variables.borrow_mut();
        let line = expected.line;
        let (wanted, got) = (
            format!(
                "{} {}",
                expected.verb.as_str(),
                fill(&expected.path, &variables)
            ),
            format!("{} {}", call.method.as_str(), call.path),
        );
        let mut misfits = Vec::new();
        if wanted != got {
            misfits.push(format!(
                "line {line}: expected the call {wanted}, got {got}"
            ));
        }
        let is_form = call
            .body
            .as_ref()
            .is_some_and(|body| body.media_type == FORM);
        let sent = call.body.as_ref().map(|body| match is_form {
            true => form::sent(&body.bytes),
            false => serde_json::from_slice(&body.bytes).unwrap_or(Value::Null),
        });
        let wanted = match &expected.body {
            Body::None => None,
            Body::Json(value) => Some(fill_value(value, &variables)),
            Body::Text(text) if is_form => Some(form::written(&fill(text, &variables))),
            Body::Text(text) => Some(text.clone().into()),
        };
        match (wanted, sent) {
            (None, None) => {}
            (Some(wanted), Some(sent)) => misfits.extend(
                differences(&wanted, &sent, Mode::Exact, &mut variables)
                    .into_iter()
                    .map(|text| format!("line {line}: in the call {got}: {text}")),
            ),
            (None, Some(sent)) => {
                misfits.push(format!("line {line}: the call {got} has a body: {sent}"))
            }
            (Some(wanted), None) => misfits.push(format!(
                "line {line}: the call {got} has no body, expected {wanted}"
            )),
        }
        misfits
    }
}

impl Backend for Replay {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        _deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(async move { self.answer(&call) })
    }

    /// A file has no time to wait for.
    fn wait(&self, _until: Instant) -> LocalBoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
