//! The vendor of a dry run, as a [`Backend`].

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::assume::{Assumption, assume};
use super::corpus::Corpus;
use super::ledger::Ledger;
use super::overlay::{absorb, is_virtual};
use super::parts::Parts;
use super::report::{Answered, Call};
use crate::adapter::Adapter;
use crate::provisioning::trace::Story;
use crate::scim::ResourceKind;
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::transcript::{Answer, ExpectedCall, Variables, below_base, fill};

/// How often in a row one and the same may be read; the answer would never change.
const AGAIN: usize = 10;

/// Calls that one request may lead to; more come from answers that do not fit together.
const CALLS: usize = 200;

/// A vendor that carries nothing out.
pub(super) struct Vendor {
    adapter: Arc<Adapter>,
    corpus: Corpus,
    reads: Option<Rc<dyn Backend>>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    /// Answers that the file gives for the request under way.
    given: VecDeque<(Option<ExpectedCall>, Answer)>,
    variables: Variables,
    story: Option<Rc<Story>>,
    calls: Vec<Call>,
    stopped: Option<String>,
}

/// An answer, and where it comes from.
struct Told {
    answer: Result<VendorReply, CallFault>,
    source: String,
    sent: bool,
}

impl Vendor {
    pub(super) fn new(
        adapter: Arc<Adapter>,
        corpus: Corpus,
        reads: Option<Rc<dyn Backend>>,
    ) -> Self {
        Self {
            adapter,
            corpus,
            reads,
            state: RefCell::default(),
        }
    }

    /// Begins a request, for which the file gives some answers.
    pub(super) fn begin(
        &self,
        given: Vec<(Option<ExpectedCall>, Answer)>,
        variables: &Variables,
        story: Rc<Story>,
    ) {
        let mut state = self.state.borrow_mut();
        state.story = Some(story);
        state.given = given.into();
        state.variables = variables.clone();
    }

    /// Entra names an object by its id.
    pub(super) fn exists(&self, kind: ResourceKind, id: &str) {
        self.state.borrow_mut().ledger.exists(kind, id);
    }

    /// The request's calls, and why the dry run goes no further, if it does not.
    pub(super) fn end(&self) -> (Vec<Call>, Option<String>) {
        let mut state = self.state.borrow_mut();
        (std::mem::take(&mut state.calls), state.stopped.clone())
    }

    /// The last call of a request that removed something.
    pub(super) fn removed(&self) {
        self.state.borrow_mut().ledger.last_changed_is_gone();
    }

    async fn answer(&self, call: VendorCall, deadline: Instant) -> Result<VendorReply, CallFault> {
        let call = below_base(call);
        let parts = Parts::of(&call, &self.adapter.manifest.replies.lists);
        let reads = self.adapter.only_reads(&call);
        if self.state.borrow().stopped.is_some() {
            return Err(stopped());
        }
        let told = match self.given(&parts) {
            Some(told) => Ok(told),
            None => match self.reads.clone().filter(|_| reads && self.is_real(&parts)) {
                Some(network) => Ok(self.asked(&*network, call, &parts, deadline).await),
                None => self.assumed(&parts, reads),
            },
        };
        self.note(&parts, reads, told)
    }

    fn is_real(&self, call: &Parts) -> bool {
        !is_virtual(&self.state.borrow().ledger, call)
    }

    /// The answer that the file gives: for this very call, or for whichever is next.
    fn given(&self, call: &Parts) -> Option<Told> {
        let mut state = self.state.borrow_mut();
        let variables = state.variables.clone();
        let fits = |given: &Option<ExpectedCall>| match given {
            None => true,
            Some(given) => {
                let path = fill(&given.path, &variables);
                let target = Parts::target(given.verb, &path);
                given.verb == call.verb
                    && target.segments == call.segments
                    && target.query == call.query
            }
        };
        let index = state.given.iter().position(|(given, _)| fits(given))?;
        let (_, answer) = state.given.remove(index)?;
        let answer = match answer {
            Answer::Reply(reply) => {
                let reply = absorb(&mut state.ledger, &self.adapter, call, reply, false);
                Ok(reply)
            }
            Answer::Nothing(fault) => Err(fault),
        };
        Some(Told {
            answer,
            source: "from the file of requests".to_owned(),
            sent: false,
        })
    }

    async fn asked(
        &self,
        network: &dyn Backend,
        call: VendorCall,
        parts: &Parts,
        deadline: Instant,
    ) -> Told {
        let answer = network.call(call, deadline).await;
        let mut state = self.state.borrow_mut();
        Told {
            answer: answer
                .map(|reply| absorb(&mut state.ledger, &self.adapter, parts, reply, true)),
            source: "read from the vendor".to_owned(),
            sent: true,
        }
    }

    fn assumed(&self, call: &Parts, reads: bool) -> Result<Told, String> {
        if reads && self.is_read_for_ever(call) {
            return Err(unending(call));
        }
        let mut state = self.state.borrow_mut();
        let assumed = assume(&self.corpus, &mut state.ledger, &self.adapter, call, reads);
        match assumed {
            Some(Assumption { reply, source }) => Ok(Told {
                answer: Ok(reply),
                source,
                sent: false,
            }),
            None => Err(self.unknown(call, reads)),
        }
    }

    /// Whether the last calls all were this one.
    fn is_read_for_ever(&self, call: &Parts) -> bool {
        let state = self.state.borrow();
        let (verb, path, body) = (call.verb.as_str(), call.target_text(), call.body());
        let same =
            |before: &&Call| before.method == verb && before.path == path && before.body == body;
        state.calls.iter().rev().take_while(same).count() >= AGAIN
    }

    fn unknown(&self, call: &Parts, reads: bool) -> String {
        let name = &self.adapter.name;
        let remedy = match reads && self.reads.is_none() {
            true => ", or let the dry run read from the vendor (--read)",
            false => "",
        };
        format!(
            "no transcript of {name} has an answer to a call of this form: {} {}. What follows \
             depends on it: give it under `### Vendor answers` after the request{remedy}",
            call.verb.as_str(),
            call.target_text().split('?').next().unwrap_or_default()
        )
    }

    fn note(
        &self,
        call: &Parts,
        reads: bool,
        told: Result<Told, String>,
    ) -> Result<VendorReply, CallFault> {
        let mut state = self.state.borrow_mut();
        let told = match told {
            Ok(_) if state.calls.len() >= CALLS => Err(format!(
                "the request has made {CALLS} calls: the assumed answers do not come to an end. Give \
                 those that end it under `### Vendor answers` after the request"
            )),
            told => told,
        };
        let replies = &self.adapter.manifest.replies;
        let (answer, source, sent) = match told {
            Ok(told) => (told.answer, told.source, told.sent),
            Err(why) => {
                state.stopped = Some(why.clone());
                (Err(stopped()), why, false)
            }
        };
        let reply = answer.as_ref().ok().map(|reply| Answered {
            status: reply.status,
            body: readable(&reply.body, replies.parse(&reply.body)),
        });
        let source = match (&answer, &state.stopped) {
            (Err(fault), None) => format!("{source}: {fault}"),
            _ => source,
        };
        let steps = state.story.as_ref().map(|story| story.steps().len());
        state.calls.push(Call {
            after_steps: steps.unwrap_or_default(),
            method: call.verb.as_str().to_owned(),
            path: call.target_text(),
            body: call.body(),
            reads,
            sent,
            reply,
            source,
        });
        answer
    }
}

fn unending(call: &Parts) -> String {
    format!(
        "{} {} is called again and again, and nothing tells when its answer changes. Give the \
         answer that ends it under `### Vendor answers` after the request",
        call.verb.as_str(),
        call.target_text()
    )
}

/// The script learns nothing from a call that has no answer.
fn stopped() -> CallFault {
    CallFault::NotSent("the dry run stops here".to_owned())
}

fn readable(bytes: &[u8], tree: Option<serde_json::Value>) -> Option<serde_json::Value> {
    let text = || String::from_utf8_lossy(bytes).into_owned().into();
    (!bytes.is_empty()).then(|| tree.unwrap_or_else(text))
}

impl Backend for Vendor {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(self.answer(call, deadline))
    }

    /// Nobody has begun anything that would need time.
    fn wait(&self, _until: Instant) -> LocalBoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
