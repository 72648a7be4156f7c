//! The walk of a request.

use std::borrow::Cow;
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{HOST, USER_AGENT};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::authenticate::authenticate;
use super::decode::decode;
use super::edge::{Arrival, HttpRequest, HttpResponse, RequestId, caught};
use super::encode::encode;
use super::framing::screen;
use super::gates::{LocalGates, Pace};
use super::guesses::Guesses;
use super::limits::Limits;
use super::oauth::{self, Refused};
use super::observer::Watch;
use super::rescue::{self, Rejection};
use super::route::{self, Endpoint, Route};
use super::standing::Standing;
use super::{Admission, Application};
use crate::probe::AGENT;
use crate::provisioning;
use crate::provisioning::trace::{End, Story};
use crate::scim::{self, Message};
use crate::script::fault::{Failure, GatewayFault};

/// The part of a request's time in which the answer to a bulk request is written: it must be
/// there before the edge gives the whole request up.
const ANSWERING: u32 = 32;

/// What the requests of one worker thread need.
pub(super) struct Front {
    pub(super) application: Rc<dyn Application>,
    pub(super) limits: Rc<Limits>,
    pub(super) gates: LocalGates,
    pub(super) guesses: Guesses,
    pub(super) in_flight: Arc<Semaphore>,
    /// `https://scim.example.com`, when it is not what `Host` says.
    pub(super) public_origin: Option<String>,
    /// Who hears of requests, and the scheme clients use to reach us directly.
    pub(super) watch: Watch,
    /// Cloned into everything that must end before the thread may.
    pub(super) alive: mpsc::Sender<Infallible>,
}

/// Answers one request, or says why not.
pub(super) async fn handle(
    front: &Rc<Front>,
    request: HttpRequest,
    arrival: Arrival,
) -> Result<HttpResponse, Rejection> {
    screen(&request)?;
    let uri = request.uri().clone();
    let standing = &arrival.standing;
    if let Some(endpoint) = Endpoint::of(uri.path()) {
        return Box::pin(oauth::answer(front, request, endpoint, standing)).await;
    }
    let route = Route::of(uri.path()).ok_or(Rejection::NoSuchPath)?;
    let admission = authenticate(&*front.application, request.headers(), &route).await;
    let admission = admission.map_err(|rejection| front.refused(rejection, standing))?;
    standing.admit();
    let id = arrival.id.clone();
    let method = route::method_name(request.method());
    let story = admission.begin(id.shared(), method, route::template(uri.path()));
    if request
        .headers()
        .get(USER_AGENT)
        .is_some_and(|agent| agent == AGENT)
    {
        story.probing();
    }
    let base_url = front.base_url(&request, &route);
    let result = front
        .admitted(admission, request, arrival, base_url, &story)
        .await;
    if let Err(rejection) = &result {
        story.end(rejection.end(&id));
    }
    result
}

impl Front {
    /// A request without a good token is charged to the network it comes from.
    pub(super) fn refused(&self, rejection: Rejection, standing: &Standing) -> Rejection {
        use Rejection::{BadToken, NoToken, Token};
        let is_guess = match &rejection {
            NoToken | BadToken(_) => true,
            Token(refused) => !matches!(refused, Refused::Later),
            _ => false,
        };
        if !is_guess {
            return rejection;
        }
        let source = standing.source();
        match self.guesses.failed(source) {
            Ok(()) => {
                if let BadToken(reason) | Token(Refused::Client(reason)) = &rejection {
                    tracing::info!(network = %source, reason, "token refused");
                }
                rejection
            }
            Err(too_many) => {
                if let Some(requests) = too_many.untold {
                    tracing::warn!(network = %source, requests, "too many requests without a valid token");
                }
                Rejection::TooManyGuesses(too_many)
            }
        }
    }

    /// The walk of a request whose tenant is known.
    async fn admitted(
        &self,
        admission: Rc<dyn Admission>,
        request: HttpRequest,
        arrival: Arrival,
        base_url: String,
        story: &Rc<Story>,
    ) -> Result<HttpResponse, Rejection> {
        let turn = self.gates.admit(admission.tenant())?;
        let (pace, mut weight) = (turn.pace(), turn.body());
        let Arrival { id, place, due, .. } = arrival;
        story.due(due);
        let told = Telling {
            story: Rc::clone(story),
            id,
        };
        let service = admission.service();
        let tenant = admission.tenant().as_str();
        let message = decode(request, &service, &self.limits, &mut weight, tenant).await?;
        let response = match message {
            Message::Single(request) if is_write(&request) => {
                let due = Instant::now() + self.limits.write;
                let write = admission.perform(request, base_url, due, Rc::clone(story));
                self.to_its_end(write, (turn, place, weight), told).await?
            }
            Message::Single(request) => {
                let read = admission.perform(request, base_url, due, Rc::clone(story));
                let answer = encode(read.await?);
                // What a read holds is free once its answer is sent, for what it holds most of is the answer.
                weight.grow_by_answer(answer.body().len())?;
                story.end(End::Done {
                    status: answer.status().as_u16(),
                });
                let story = Rc::clone(story);
                return Ok(answer.map(|body| match body.is_small() {
                    true => body.of(story),
                    false => body.of(story).holding((turn, place, weight)),
                }));
            }
            Message::Bulk(bulk) => {
                told.story.is_bulk();
                let due = due - self.limits.request / ANSWERING;
                let bulk = many(admission, bulk, base_url, due, told.clone(), pace);
                self.to_its_end(bulk, (turn, place, weight), told).await?
            }
        };
        Ok(encode(response).map(|body| body.of(Rc::clone(story))))
    }

    /// The Tenant URL as the client used it, for `Location` and `meta.location`.
    fn base_url(&self, request: &HttpRequest, route: &Route<'_>) -> String {
        let mut url = self.origin(request).into_owned();
        url.push_str(route.base);
        url
    }

    /// Scheme and host at which clients reach us.
    pub(super) fn origin(&self, request: &HttpRequest) -> Cow<'_, str> {
        if let Some(origin) = &self.public_origin {
            return origin.into();
        }
        let authority = request.uri().authority().map(|it| it.as_str());
        let host = authority.or_else(|| host(request.headers()));
        format!("{}://{}", self.watch.scheme, host.unwrap_or_default()).into()
    }

    /// Carries a write out as a task of its own: neither a client that hangs up nor a late answer may leave
    /// it half done, and what it holds is free only when it is done. (A read ends with its client.)
    async fn to_its_end<H: 'static>(
        &self,
        write: impl Future<Output = Result<scim::Response, Failure>> + 'static,
        held: H,
        told: Telling,
    ) -> Result<scim::Response, Failure> {
        let write = within(Instant::now() + self.limits.write, write);
        let (report, reported) = oneshot::channel();
        let alive = self.alive.clone();
        let _awaited = told.story.awaited();
        let task = async move {
            let result = write.await;
            told.end(&result);
            if let Err(unread) = report.send(result) {
                told.story.unheard();
                note(unread);
            }
            drop((held, alive));
        };
        tokio::task::spawn_local(task.in_current_span());
        // Without a report the task panicked.
        reported.await.unwrap_or(Err(GatewayFault::Internal.into()))
    }
}

/// A story, and what an answer calls its request.
#[derive(Clone)]
struct Telling {
    story: Rc<Story>,
    id: RequestId,
}

impl Telling {
    /// Of one operation of a bulk request.
    fn part(&self, number: u32, request: &scim::Request) -> Self {
        let (method, route) = route::of_request(request);
        Self {
            story: self.story.part(number, method, route),
            id: self.id.clone(),
        }
    }

    fn end(&self, result: &Result<scim::Response, Failure>) {
        self.story.end(rescue::end_of(result, &self.id));
    }
}

/// Carries out the operations of a bulk request. A failed one is logged and told
/// as if it had come alone; one that panics does not take the others' answers along.
async fn many(
    admission: Rc<dyn Admission>,
    bulk: scim::Bulk,
    base_url: String,
    due: Instant,
    told: Telling,
    pace: Pace,
) -> Result<scim::Response, Failure> {
    let service = admission.service();
    let number = Cell::new(0);
    let one = async |request| {
        number.set(number.get() + 1);
        // The request itself has paid for the first.
        if number.get() > 1 && !pace.step(due).await {
            return Err(Rejection::no_room_in_rate().error(&told.id));
        }
        let part = told.part(number.get(), &request);
        let story = Rc::clone(&part.story);
        let operation = admission.clone();
        let operation = pin!(operation.perform(request, base_url.clone(), due, story));
        let result = caught(operation).await;
        let result = result.unwrap_or(Err(GatewayFault::Internal.into()));
        part.end(&result);
        result.map_err(|failure| {
            let rejection = Rejection::from(failure);
            rejection.log();
            rejection.error(&part.id)
        })
    };
    Ok(provisioning::bulk(bulk, &service, &base_url, due, one).await)
}

/// The end of a write that nobody waited for any more.
fn note(result: Result<scim::Response, Failure>) {
    match result {
        Ok(response) => tracing::info!(
            status = response.status,
            "a write was completed after its answer"
        ),
        Err(failure) => Rejection::from(failure).log(),
    }
}

/// The backstop for an operation that forgets its own deadline.
async fn within(
    due: Instant,
    operation: impl Future<Output = Result<scim::Response, Failure>>,
) -> Result<scim::Response, Failure> {
    let result = timeout_at(due, operation).await;
    result.unwrap_or(Err(GatewayFault::DeadlineExceeded.into()))
}

fn is_write(request: &scim::Request) -> bool {
    use scim::Request::{Create, Delete, Patch, Replace};
    matches!(
        request,
        Create { .. } | Replace { .. } | Patch { .. } | Delete { .. }
    )
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}
