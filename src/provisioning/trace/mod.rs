//! What one request did, kept in one place: `explain`, the provisioning log and the metrics are
//! built on it, and recording and replay can be.
//!
//! A [`Story`] begins when the tenant is known, travels with the request, and takes note of
//! [`Step`]s. The first [`End`] it is told is its end, and when the last part of the request lets
//! go of it, all [`Witness`]es hear of it: for a write that goes on after its answer, that is when
//! the write has ended. Noting is a push to a vector; nothing is formatted that is not kept.
//!
//! No value of a person gets into a story but through [`mask`], and no secret at all.

mod code;
mod event;
mod fault;
pub mod mask;
mod outlook;
mod step;
pub mod tell;
#[cfg(test)]
mod tests;
mod understood;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::adapter::keys::TenantId;
use crate::scim::ResourceKind;
use crate::script::call::{CallFault, VendorReply};
use crate::script::fault::GatewayFault;
use crate::script::fiber;
pub use event::{Action, Event, Status};
pub use fault::Fault;
pub use outlook::Outlook;
pub(crate) use outlook::sentence;
pub use step::{Decision, Kept, Membership, Modified, Moment, Step, Wait, Word};

/// Hears how requests ended. Called on the worker threads: it must neither block nor fail.
pub trait Witness: Send + Sync {
    /// A request ended.
    fn ended(&self, story: &Arc<Ended>);

    /// A token was refused whose key id is one of the tenant's: revoked, expired, or not the
    /// whole of it.
    fn refused(&self, _tenant: &TenantId) {}
}

/// Who hears how requests end, and how much they may know of people.
#[derive(Clone, Default)]
pub struct Audience {
    /// In the order they are told.
    pub witnesses: Vec<Arc<dyn Witness>>,
    /// Of the user or group a request is about.
    pub identity: Identity,
}

/// How the user or group a request is about is named in stories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// As it is.
    Full,
    /// By its outline: `a…@e…com`.
    #[default]
    Masked,
    /// Not at all.
    Off,
}

/// What a request is before it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The id in the answer and in log lines.
    pub request_id: Arc<str>,
    /// Which operation of a bulk request, from 1; 0 is the request itself.
    pub part: u32,
    /// Whose.
    pub tenant: TenantId,
    /// The adapter's name.
    pub vendor: Arc<str>,
    /// The HTTP method.
    pub method: &'static str,
    /// `/Users/{id}`.
    pub route: &'static str,
}

/// A request under way.
pub struct Story {
    asked: Asked,
    audience: Rc<Audience>,
    takes_notes: bool,
    came: SystemTime,
    began: Instant,
    told: RefCell<Told>,
    /// Shared by the parts of a bulk request, which have one answer.
    when_taken: Rc<RefCell<Vec<WhenTaken>>>,
    /// Likewise.
    left: Rc<Cell<Option<Instant>>>,
    calls: Cell<u32>,
}

/// Somebody waits for an answer; when that is over is noted.
pub struct Awaited(Rc<Cell<Option<Instant>>>);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.set(Some(Instant::now()));
    }
}

/// What is done when the connection has taken the answer.
type WhenTaken = Box<dyn FnOnce()>;

/// What a story knows so far.
#[derive(Default)]
struct Told {
    subject: Subject,
    steps: Vec<Moment>,
    end: Option<End>,
    due: Option<Instant>,
    unheard: bool,
    is_probing: bool,
}

/// What a request is about, as far as it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// What it does.
    pub deed: Deed,
    /// Of which resource type.
    pub kind: Option<ResourceKind>,
    /// The SCIM id.
    pub id: Option<String>,
    /// `userName`, or a group's `displayName`, as [`Identity`] allows.
    pub identity: Option<String>,
    /// It switches an account off.
    pub disables: bool,
    /// It changes members or a manager: Entra counts its failures apart.
    pub refers: bool,
}

/// What a request does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It was refused before it was understood.
    #[default]
    Unread,
    /// Reads one resource.
    Get,
    /// Reads a list, or searches.
    List,
    /// Makes a resource.
    Create,
    /// Puts a whole resource in another's place.
    Replace,
    /// Changes a resource in part.
    Patch,
    /// Removes a resource.
    Delete,
    /// Many of the above.
    Bulk,
    /// Asks what the service offers.
    Discover,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// It was carried out.
    Done {
        /// HTTP status: 200, 201, 204 or 304.
        status: u16,
    },
    /// It was not.
    Failed {
        /// HTTP status.
        status: u16,
        /// RFC 7644 §3.12.
        scim_type: Option<&'static str>,
        /// The text Entra shows.
        detail: String,
        /// Whose fault it was.
        fault: Fault,
        /// What only operators are told: where it arose, and what it is.
        reason: Option<String>,
        /// What somebody must do, where the adapter says so.
        remedy: Option<String>,
    },
    /// Its time was up before it was done: it was answered 503.
    TimedOut,
    /// Entra, or a proxy in between, closed the connection before there was an answer.
    HungUp,
}

/// A story that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// What was asked.
    pub asked: Asked,
    /// What it was about.
    pub subject: Subject,
    /// When the request came.
    pub came: SystemTime,
    /// Until it ended.
    pub took: Duration,
    /// What happened, in order.
    pub steps: Vec<Moment>,
    /// How it ended.
    pub end: End,
    /// It is a write that ended after its answer: Entra was told that it took too long, or had
    /// hung up.
    pub unheard: bool,
    /// When the answer of such a write went out; none if the other side had hung up before.
    pub answered: Option<Duration>,
    /// `scimgate probe` sent it, which also asks for what must be refused.
    pub is_probing: bool,
}

/// Calls of the vendor that one request may make, or one operation of a bulk request: more than a
/// group of as many members as one PATCH may name takes, each with a call of its own.
const MOST_CALLS: u32 = 6000;

/// Room for the steps of an ordinary request.
const ROOM: usize = 8;

impl Story {
    /// Begins a story.
    pub fn begin(asked: Asked, audience: Rc<Audience>) -> Rc<Self> {
        Rc::new(Self::of(asked, audience, ROOM))
    }

    fn of(asked: Asked, audience: Rc<Audience>, room: usize) -> Self {
        let told = Told {
            steps: Vec::with_capacity(room),
            ..Told::default()
        };
        Self {
            asked,
            audience,
            takes_notes: true,
            came: SystemTime::now(),
            began: Instant::now(),
            told: RefCell::new(told),
            when_taken: Rc::default(),
            left: Rc::default(),
            calls: Cell::new(0),
        }
    }

    /// Counts one call of the vendor; whether the request may make it.
    pub(super) fn may_call(&self) -> bool {
        self.calls.set(self.calls.get().saturating_add(1));
        !self.has_called_too_often()
    }

    /// Whether it asked for more calls than a request may make.
    pub(super) fn has_called_too_often(&self) -> bool {
        self.calls.get() > MOST_CALLS
    }

    /// A story that takes no notes and that nobody hears: of transcripts and tests.
    pub fn unheard_of(tenant: &TenantId) -> Rc<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let asked = Asked {
            request_id: number.to_string().into(),
            part: 0,
            tenant: tenant.clone(),
            vendor: "-".into(),
            method: "-",
            route: "-",
        };
        let mut story = Self::of(asked, Rc::default(), 0);
        story.takes_notes = false;
        Rc::new(story)
    }

    /// The story of one operation of a bulk request, from 1.
    pub fn part(&self, part: u32, method: &'static str, route: &'static str) -> Rc<Self> {
        let asked = Asked {
            part,
            method,
            route,
            ..self.asked.clone()
        };
        let mut part = Self::of(asked, Rc::clone(&self.audience), ROOM);
        part.when_taken = Rc::clone(&self.when_taken);
        part.left = Rc::clone(&self.left);
        Rc::new(part)
    }

    /// Whether it is worth while to put a step into words.
    pub(super) fn takes_notes(&self) -> bool {
        self.takes_notes
    }

    /// The id of the request, which the operations of one bulk request share.
    pub(super) fn request_id(&self) -> &str {
        &self.asked.request_id
    }

    /// Has `done` called when the connection has taken the whole answer.
    pub(super) fn when_taken(&self, done: impl FnOnce() + 'static) {
        self.when_taken.borrow_mut().push(Box::new(done));
    }

    /// The connection has taken the whole answer.
    pub fn taken(&self) {
        let waiting = std::mem::take(&mut *self.when_taken.borrow_mut());
        waiting.into_iter().for_each(|done| done());
    }

    /// Whoever waits for the answer waits until this is dropped.
    pub fn awaited(&self) -> Awaited {
        self.left.set(None);
        Awaited(Rc::clone(&self.left))
    }

    /// Whether somebody waits for the answer.
    pub(super) fn is_awaited(&self) -> bool {
        self.left.get().is_none()
    }

    /// Takes note of a step.
    pub fn note(&self, step: Step) {
        if !self.takes_notes {
            return;
        }
        let after_us = step::micros(self.began.elapsed());
        self.told.borrow_mut().steps.push(Moment { after_us, step });
    }

    /// Takes note that a function of the script begins. What it calls is noted behind it.
    pub(super) fn function(&self, name: &str) -> Calling<'_> {
        let place = self.told.borrow().steps.len();
        self.note(Step::Function {
            name: name.to_owned().into(),
            took_us: 0,
            operations: 0,
            gave: false,
        });
        Calling {
            story: self,
            place,
            began: Instant::now(),
            operations: fiber::operations(),
        }
    }

    /// Takes note of a call to the vendor. `path` is masked.
    pub(super) fn called(
        &self,
        method: &'static str,
        path: String,
        took: Duration,
        result: &Result<VendorReply, CallFault>,
    ) {
        self.note(Step::Call {
            method: method.into(),
            path,
            status: result.as_ref().ok().map(|reply| reply.status),
            fault: result.as_ref().err().map(|fault| fault.to_string().into()),
            took_us: step::micros(took),
        });
    }

    /// Takes note that the vendor was asked for a token or a key.
    pub fn signed_in(&self, path: &str, status: Option<u16>, took: Duration) {
        self.note(Step::Login {
            path: path.to_owned(),
            status,
            took_us: step::micros(took),
        });
    }

    /// Takes note that a call does not go out.
    pub fn held_back(&self, because: Word) {
        self.note(Step::HeldBack { because });
    }

    /// Takes note that a try failed and is repeated after a pause.
    pub fn retried(&self, attempt: u32, because: Word, pause: Duration) {
        let pause_us = step::micros(pause);
        self.note(Step::Retry {
            attempt,
            because,
            pause_us,
        });
    }

    /// Takes note of a choice.
    pub fn decide(&self, decision: Decision) {
        self.note(Step::Decided { decision });
    }

    /// Takes note of a wait that began at `since`, if it was one.
    pub fn waited(&self, wait: Wait, since: Instant) {
        const WORTH_TELLING: Duration = Duration::from_millis(1);
        let took = since.elapsed();
        if took >= WORTH_TELLING {
            let took_us = step::micros(took);
            self.note(Step::Waited { wait, took_us });
        }
    }

    /// Takes note of when the answer must be there: a request that is let go of later was late.
    pub fn due(&self, due: Instant) {
        self.told.borrow_mut().due = Some(due);
    }

    /// Takes note of how the request ended. Only the first end counts.
    pub fn end(&self, end: End) {
        self.told.borrow_mut().end.get_or_insert(end);
    }

    /// `scimgate probe` sent it.
    pub fn probing(&self) {
        self.told.borrow_mut().is_probing = true;
    }

    /// Nobody waits for the answer any more.
    pub fn unheard(&self) {
        self.told.borrow_mut().unheard = true;
    }

    /// What happened so far.
    pub fn steps(&self) -> Vec<Moment> {
        self.told.borrow().steps.clone()
    }

    /// What the request is about, as far as it was understood.
    pub fn subject(&self) -> Subject {
        self.told.borrow().subject.clone()
    }
}

/// A function of the script that runs.
pub(super) struct Calling<'s> {
    story: &'s Story,
    place: usize,
    began: Instant,
    /// Those of its fiber before it.
    operations: u32,
}

impl Calling<'_> {
    /// It ended, with or without giving something back.
    pub(super) fn ended(self, gives: bool) {
        let time = step::micros(self.began.elapsed());
        let mut told = self.story.told.borrow_mut();
        let noted = told.steps.get_mut(self.place);
        if let Some(Step::Function {
            took_us,
            operations,
            gave,
            ..
        }) = noted.map(|moment| &mut moment.step)
        {
            let used = fiber::operations().wrapping_sub(self.operations);
            (*took_us, *operations, *gave) = (time, used, gives);
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if self.audience.witnesses.is_empty() {
            return;
        }
        let told = std::mem::take(self.told.get_mut());
        let (due, left) = (told.due, self.left.get());
        let end = told.end.unwrap_or_else(|| cut_short(told.due));
        let ended = Arc::new(Ended {
            asked: self.asked.clone(),
            subject: told.subject,
            came: self.came,
            took: self.began.elapsed(),
            steps: told.steps,
            end,
            unheard: told.unheard,
            answered: left
                .filter(|left| told.unheard && due.is_some_and(|due| *left >= due))
                .map(|left| left.duration_since(self.began)),
            is_probing: told.is_probing,
        });
        for witness in &self.audience.witnesses {
            witness.ended(&ended);
        }
    }
}

/// The end of a request that was let go of before it came to one.
fn cut_short(due: Option<Instant>) -> End {
    if std::thread::panicking() {
        return End::Failed {
            status: 500,
            scim_type: None,
            detail: GatewayFault::Internal.to_string(),
            fault: Fault::Gateway,
            reason: None,
            remedy: None,
        };
    }
    match due.is_some_and(|due| Instant::now() >= due) {
        true => End::TimedOut,
        false => End::HungUp,
    }
}
