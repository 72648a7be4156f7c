//! The vendor as a file: each call must be the one written next.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;
use tokio::time::Instant;

use super::compare::{Mode, Variables, differences, fill, fill_value};
use super::form::{self, FORM};
use super::{Answer, Body, ExpectedCall, Misfit};
use crate::problem::Difference;
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};

/// What stands before every path in links that a transcript's vendor answers with.
const BASE_URL: &str = "https://vendor.example";

/// Answers one exchange's calls and keeps what did not fit.
pub(super) struct Replay {
    /// The line that stands for calls that are not written at all.
    line: usize,
    expected: RefCell<VecDeque<(ExpectedCall, Answer)>>,
    variables: RefCell<Variables>,
    misfits: RefCell<Vec<Misfit>>,
    came: RefCell<Vec<VendorCall>>,
}

impl Replay {
    pub(super) fn new(
        line: usize,
        expected: Vec<(ExpectedCall, Answer)>,
        variables: Variables,
    ) -> Self {
        Self {
            line,
            expected: RefCell::new(expected.into()),
            variables: RefCell::new(variables),
            misfits: RefCell::default(),
            came: RefCell::default(),
        }
    }

    /// The calls that came, and what was wrong: with them, or that they did not come.
    pub(super) fn end(&self) -> (Vec<VendorCall>, Vec<Misfit>) {
        let mut misfits = self.misfits.take();
        misfits.extend(self.expected.borrow().iter().map(|(call, _)| Misfit {
            code: "transcript::missing-call",
            line: call.line,
            subject: "the calls of the vendor".to_owned(),
            path: String::new(),
            expected: Some(self.line_of(call)),
            found: None,
        }));
        (self.came.take(), misfits)
    }

    fn answer(&self, call: &VendorCall) -> Result<VendorReply, CallFault> {
        self.came.borrow_mut().push(call.clone());
        let Some((expected, answer)) = self.expected.borrow_mut().pop_front() else {
            self.misfits.borrow_mut().push(Misfit {
                code: "transcript::extra-call",
                line: self.line,
                subject: "the calls of the vendor".to_owned(),
                path: String::new(),
                expected: None,
                found: Some(shown(call)),
            });
            return Err(CallFault::NotSent(
                "the transcript does not have this call".into(),
            ));
        };
        let misfits = self.compare(&expected, call);
        self.misfits.borrow_mut().extend(misfits);
        match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Nothing(fault) => Err(fault),
        }
    }

    fn line_of(&self, expected: &ExpectedCall) -> String {
        let path = fill(&expected.path, &self.variables.borrow());
        format!("{} {path}", expected.verb.as_str())
    }

    fn compare(&self, expected: &ExpectedCall, call: &VendorCall) -> Vec<Misfit> {
        let (wanted, got) = (self.line_of(expected), first_line(call));
        let misfit = |code, subject: String, path: String, wanted, found| Misfit {
            code,
            line: expected.line,
            subject,
            path,
            expected: wanted,
            found,
        };
        let mut misfits = Vec::new();
        if wanted != got {
            let subject = "a call of the vendor".to_owned();
            misfits.push(misfit(
                "transcript::call",
                subject,
                String::new(),
                Some(wanted),
                Some(got.clone()),
            ));
        }
        let mut variables = self.variables.borrow_mut();
        let different = match (body_wanted(expected, call, &variables), body_sent(call)) {
            (Some(wanted), Some(sent)) => differences(&wanted, &sent, Mode::Exact, &mut variables),
            (None, None) => Vec::new(),
            (wanted, sent) => vec![Difference {
                what: "body".to_owned(),
                expected: wanted.map(|body| body.to_string()),
                found: sent.map(|body| body.to_string()),
            }],
        };
        misfits.extend(different.into_iter().map(|it| {
            let subject = format!("the call {got}: {}", it.what);
            let code = "transcript::call-body";
            misfit(code, subject, it.what, it.expected, it.found)
        }));
        misfits
    }
}

/// A call with the path below the base URL, where the script follows a whole link.
pub(crate) fn below_base(mut call: VendorCall) -> VendorCall {
    if let Some(path) = call.path.strip_prefix(BASE_URL) {
        call.path = path.to_owned();
    }
    call
}

/// The first line of a call, as a transcript writes it.
pub(super) fn first_line(call: &VendorCall) -> String {
    format!("{} {}", call.method.as_str(), call.path)
}

/// A call on one line, its body included.
pub(super) fn shown(call: &VendorCall) -> String {
    match body_sent(call) {
        Some(body) => format!("{} with {body}", first_line(call)),
        None => first_line(call),
    }
}

/// A call's body as a transcript compares it: a form as an object, and `null`
/// for what is neither JSON nor form.
pub(super) fn body_sent(call: &VendorCall) -> Option<Value> {
    let body = call.body.as_ref()?;
    Some(match is_form(call) {
        true => form::sent(&body.bytes),
        false => serde_json::from_slice(&body.bytes).unwrap_or(Value::Null),
    })
}

pub(super) fn is_form(call: &VendorCall) -> bool {
    let body = call.body.as_ref();
    body.is_some_and(|body| body.media_type == FORM)
}

fn body_wanted(expected: &ExpectedCall, call: &VendorCall, variables: &Variables) -> Option<Value> {
    match &expected.body {
        Body::None => None,
        Body::Json(value) => Some(fill_value(value, variables)),
        Body::Text(text) if is_form(call) => Some(form::written(&fill(text, variables))),
        Body::Text(text) => Some(text.clone().into()),
    }
}

impl Backend for Replay {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        _deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(async move { self.answer(&below_base(call)) })
    }

    /// A file has no time to wait for.
    fn wait(&self, _until: Instant) -> LocalBoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
