//! The edge: what every request passes before [`handle`] and every answer after it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::Method;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceBuilder, ServiceExt};
use tracing::Instrument;

use super::around::around;
use super::body::AnswerBody;
use super::handle::{Front, handle};
use super::observer::Watch;
use super::rescue::{Counted, Rejection};
use super::route::{self, Endpoint};
use crate::script::call::LocalBoxFuture;
use crate::script::fault::GatewayFault;

/// A request of the identity provider, its body still on the wire.
pub(super) type HttpRequest = hyper::Request<Incoming>;
/// An answer, whole.
pub(super) type HttpResponse = hyper::Response<AnswerBody>;

/// All layers and the handler, as one value that every connection of a thread
/// shares.
#[derive(Clone)]
pub(super) struct Stack(Rc<dyn Fn(HttpRequest) -> Answer>);

/// A response on its way; what goes wrong has become one.
pub(super) type Answer = LocalBoxFuture<'static, Result<HttpResponse, Infallible>>;

impl Stack {
    pub(super) fn new(front: Rc<Front>) -> Self {
        let service = ServiceBuilder::new()
            // Outermost: whatever happens below, the answer carries the id that
            // the log carries.
            .layer(around((), identify))
            // Above rescue, so that the one line per request has the status the
            // identity provider saw.
            .layer(around(front.watch.clone(), trace))
            // Above everything that can fail. What is inside never answers an
            // error by itself, it returns one.
            .layer(around((), rescue))
            // Above the deadline: a request is turned away before it costs a timer.
            .layer(around(front.in_flight.clone(), shed))
            // Innermost, so that its end drops the handler and nothing of the edge.
            .layer(around(front.limits.request, deadline))
            // Boxed, for each layer above moves what is below it.
            .service_fn(move |request| Box::pin(handle(front.clone(), request)));
        Self(Rc::new(move |request| {
            Box::pin(service.clone().oneshot(request))
        }))
    }

    /// Of one function that never fails: for ports that have no edge.
    pub(super) fn of(answer: impl Fn(HttpRequest) -> Answer + 'static) -> Self {
        Self(Rc::new(answer))
    }

    pub(super) fn call(&self, request: HttpRequest) -> Answer {
        (self.0)(request)
    }
}

/// Names one request in the answer, the log and the error text.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// Always an id of ours: one taken over from outside could be repeated at will. It begins with the
/// time, so that what is kept by it is kept in order.
async fn identify<S>(_: (), mut request: HttpRequest, next: S) -> Result<HttpResponse, Infallible>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = Infallible>,
{
    let id = RequestId(uuid::Uuid::now_v7().to_string().into());
    let header = HeaderValue::from_str(id.as_str());
    let is_head = request.method() == Method::HEAD;
    request.extensions_mut().insert(id);
    let mut response = next.oneshot(request).await?;
    if is_head {
        drop_body(&mut response);
    }
    if let Ok(header) = header {
        response.headers_mut().insert("x-request-id", header);
    }
    Ok(response)
}

/// HEAD is answered as GET is, without the body (RFC 9110 §9.3.2).
fn drop_body(response: &mut HttpResponse) {
    let body = std::mem::replace(response.body_mut(), AnswerBody::new(""));
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

/// One span and one line per request. The path is a template and the query is
/// left out: both hold names of people.
async fn trace<S>(watch: Watch, request: HttpRequest, next: S) -> Result<HttpResponse, Infallible>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = Infallible>,
{
    let begun = Instant::now();
    let span = tracing::info_span!(
        "request",
        request_id = id_of(&request).as_str(),
        method = route::method_name(request.method()),
        route = route::template(request.uri().path()),
        tenant = tracing::field::Empty,
        trace_id = tracing::field::Empty,
        status = tracing::field::Empty,
    );
    let watched = watch.begin(&request, &span);
    async move {
        let response = next.oneshot(request).await?;
        let status = response.status().as_u16();
        let elapsed_ms = begun.elapsed().as_millis() as u64;
        match response.extensions().get::<Counted>() {
            None => tracing::info!(status, elapsed_ms, "answered"),
            Some(Counted) => tracing::debug!(status, elapsed_ms, "answered"),
        }
        watched.answered(status);
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Turns what went wrong below, a panic included, into an answer.
async fn rescue<S>(_: (), request: HttpRequest, next: S) -> Result<HttpResponse, Infallible>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = Rejection>,
{
    let id = id_of(&request);
    let closes = request.version() < hyper::Version::HTTP_2;
    let is_oauth = Endpoint::of(request.uri().path()).is_some();
    let below = pin!(next.oneshot(request));
    let rejection = match caught(below).await {
        Some(Ok(response)) => return Ok(response),
        Some(Err(rejection)) => rejection,
        None => GatewayFault::Internal.into(),
    };
    rejection.log();
    Ok(rejection.answer(&id, closes, is_oauth))
}

/// One place of the gateway's total; freed when the last holder is done, which
/// for a write may be after its answer.
#[derive(Clone)]
pub(super) struct Place(
    #[expect(dead_code, reason = "held, never read")] Arc<OwnedSemaphorePermit>,
);

/// Turns requests away at once when too many are being worked on: a queue here
/// would only age them until Entra gives up on all.
async fn shed<S>(
    places: Arc<Semaphore>,
    mut request: HttpRequest,
    next: S,
) -> Result<HttpResponse, Rejection>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = Rejection>,
{
    let place = places
        .try_acquire_owned()
        .map_err(|_| GatewayFault::Overloaded)?;
    let place = Place(Arc::new(place));
    request.extensions_mut().insert(place.clone());
    let result = next.oneshot(request).await;
    drop(place);
    result
}

/// When this request's answer is due.
#[derive(Clone, Copy)]
pub(super) struct Due(pub(super) Instant);

/// Answers before the identity provider gives up (60 s).
async fn deadline<S>(
    span: Duration,
    mut request: HttpRequest,
    next: S,
) -> Result<HttpResponse, Rejection>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = Rejection>,
{
    let due = Instant::now() + span;
    request.extensions_mut().insert(Due(due));
    match timeout_at(due, next.oneshot(request)).await {
        Ok(result) => result,
        Err(_) => Err(GatewayFault::DeadlineExceeded.into()),
    }
}

pub(super) fn id_of(request: &HttpRequest) -> RequestId {
    let id = request.extensions().get::<RequestId>();
    id.cloned().unwrap_or_else(|| RequestId("-".into()))
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
