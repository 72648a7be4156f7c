//! The edge: what every request passes before [`handle`] and every answer after it.
//!
//! Plain functions, one inside the other: each step hands the next one what it found out, so that
//! nothing has to be looked up in the request again.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use hyper::Method;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::body::AnswerBody;
use super::handle::{Front, handle};
use super::rescue::{Counted, Rejection};
use super::route::{self, Endpoint};
use super::standing::Standing;
use crate::script::call::LocalBoxFuture;
use crate::script::fault::GatewayFault;

/// A request of the identity provider, its body still on the wire.
pub(super) type HttpRequest = hyper::Request<Incoming>;
/// An answer, whole.
pub(super) type HttpResponse = hyper::Response<AnswerBody>;

/// Answers requests; every connection of a thread shares one.
#[derive(Clone)]
pub(super) struct Edge(Rc<dyn Fn(HttpRequest, Arc<Standing>) -> Answer>);

/// A response on its way; what goes wrong has become one.
pub(super) type Answer = LocalBoxFuture<'static, Result<HttpResponse, Infallible>>;

impl Edge {
    pub(super) fn new(front: Rc<Front>) -> Self {
        Self(Rc::new(move |request, standing| {
            let front = Rc::clone(&front);
            Box::pin(async move { Ok(named(&front, request, standing).await) })
        }))
    }

    /// Of one function that never fails: for ports that have no edge.
    pub(super) fn of(answer: impl Fn(HttpRequest) -> Answer + 'static) -> Self {
        Self(Rc::new(move |request, _| answer(request)))
    }

    pub(super) fn call(&self, request: HttpRequest, standing: Arc<Standing>) -> Answer {
        (self.0)(request, standing)
    }
}

/// Names one request in the answer, the log and the error text.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// Always an id of ours: one taken over from outside could be repeated at will. It begins with
    /// the time, so that what is kept by it is kept in order.
    fn next() -> Self {
        let mut text = uuid::Uuid::encode_buffer();
        let text: &str = uuid::Uuid::now_v7().as_hyphenated().encode_lower(&mut text);
        Self(text.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// What the edge knows of a request.
pub(super) struct Arrival {
    pub(super) id: RequestId,
    /// Of the connection it came on.
    pub(super) standing: Arc<Standing>,
    pub(super) place: Place,
    /// When its answer is due.
    pub(super) due: Instant,
}

/// One place of the gateway's total; freed when the last holder is done, which
/// for a write may be after its answer.
pub(super) struct Place(#[expect(dead_code, reason = "held, never read")] OwnedSemaphorePermit);

/// Outermost: whatever happens below, the answer carries the id that the log carries.
async fn named(front: &Rc<Front>, request: HttpRequest, standing: Arc<Standing>) -> HttpResponse {
    let id = RequestId::next();
    let header = HeaderValue::from_str(id.as_str());
    let is_head = request.method() == Method::HEAD;
    let mut response = logged(front, request, id, standing).await;
    if is_head {
        drop_body(&mut response);
    }
    if let Ok(header) = header {
        response.headers_mut().insert("x-request-id", header);
    }
    response
}

/// HEAD is answered as GET is, without the body (RFC 9110 §9.3.2).
fn drop_body(response: &mut HttpResponse) {
    let body = std::mem::replace(response.body_mut(), AnswerBody::new(""));
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

/// One span and one line per request, with the status that the identity provider saw. The path is a
/// template and the query is left out: both hold names of people.
async fn logged(
    front: &Rc<Front>,
    request: HttpRequest,
    id: RequestId,
    standing: Arc<Standing>,
) -> HttpResponse {
    let begun = Instant::now();
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        method = route::method_name(request.method()),
        route = route::template(request.uri().path()),
        tenant = tracing::field::Empty,
        trace_id = tracing::field::Empty,
        status = tracing::field::Empty,
    );
    let watched = front.watch.begin(&request, &span);
    async move {
        let response = rescued(front, request, id, standing).await;
        let status = response.status().as_u16();
        let elapsed_ms = begun.elapsed().as_millis() as u64;
        match response.extensions().get::<Counted>() {
            None => tracing::info!(status, elapsed_ms, "answered"),
            Some(Counted) => tracing::debug!(status, elapsed_ms, "answered"),
        }
        watched.answered(status);
        response
    }
    .instrument(span)
    .await
}

/// Turns what went wrong below, a panic included, into an answer. What is below never answers an
/// error by itself, it returns one.
async fn rescued(
    front: &Rc<Front>,
    request: HttpRequest,
    id: RequestId,
    standing: Arc<Standing>,
) -> HttpResponse {
    let closes = request.version() < hyper::Version::HTTP_2;
    let is_oauth = Endpoint::of(request.uri().path()).is_some();
    let below = pin!(in_time(front, request, id.clone(), standing));
    let rejection = match caught(below).await {
        Some(Ok(response)) => return response,
        Some(Err(rejection)) => rejection,
        None => GatewayFault::Internal.into(),
    };
    rejection.log();
    rejection.answer(&id, closes, is_oauth)
}

/// Turns requests away at once when too many are being worked on: a queue here would only age them
/// until Entra gives up on all. Answers the others before it gives up (60 s).
async fn in_time(
    front: &Rc<Front>,
    request: HttpRequest,
    id: RequestId,
    standing: Arc<Standing>,
) -> Result<HttpResponse, Rejection> {
    // Before the deadline, for whoever is turned away costs no timer.
    let place = Arc::clone(&front.in_flight).try_acquire_owned();
    let place = Place(place.map_err(|_| GatewayFault::Overloaded)?);
    let due = Instant::now() + front.limits.request;
    let arrival = Arrival {
        id,
        standing,
        place,
        due,
    };
    // Boxed: the functions above would each have room for it.
    match timeout_at(due, Box::pin(handle(front, request, arrival))).await {
        Ok(result) => result,
        Err(_) => Err(GatewayFault::DeadlineExceeded.into()),
    }
}

/// `None` if the future panicked. Everything it owned is dropped with it, so
/// nothing half-changed can be seen afterwards.
///
/// It takes the future pinned, for one that is moved into an async function
/// has its place there twice, and a request in flight pays for it.
pub(super) async fn caught<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(
        move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        },
    )
    .await
}
