//! The walk of a request.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::HOST;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::authenticate::authenticate;
use super::decode::decode;
use super::encode::encode;
use super::framing::screen;
use super::gates::LocalGates;
use super::limits::Limits;
use super::observer::Watch;
use super::rescue::Rejection;
use super::route::Route;
use super::stack::{Due, HttpRequest, HttpResponse, Place, RequestId, caught, id_of};
use super::{Admission, Application};
use crate::adapter::{Failure, GatewayFault, operations};
use crate::scim::{self, Message};

/// The part of a request's time in which the answer to a bulk request is written: it must be
/// there before the edge gives the whole request up.
const ANSWERING: u32 = 32;

/// What the requests of one worker thread need.
pub(super) struct Front {
    pub(super) application: Rc<dyn Application>,
    pub(super) limits: Rc<Limits>,
    pub(super) gates: LocalGates,
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
    front: Rc<Front>,
    request: HttpRequest,
) -> Result<HttpResponse, Rejection> {
    screen(&request)?;
    let uri = request.uri().clone();
    let route = Route::of(uri.path()).ok_or(Rejection::NoSuchPath)?;
    let admission = authenticate(&*front.application, request.headers(), &route).await?;
    let turn = front.gates.admit(admission.tenant())?;
    let held = (turn, request.extensions().get::<Place>().cloned());
    let due = request.extensions().get::<Due>().map(|due| due.0);
    let due = due.unwrap_or_else(|| Instant::now() + front.limits.request);
    let id = id_of(&request);
    let base_url = front.base_url(&request, &route);
    let response = match decode(request, &admission.service(), &front.limits).await? {
        Message::Single(request) => {
            front
                .perform(admission, request, base_url, due, held)
                .await?
        }
        Message::Bulk(bulk) => {
            let due = due - front.limits.request / ANSWERING;
            let bulk = many(admission, bulk, base_url, due, id);
            front.to_its_end(bulk, held).await?
        }
    };
    Ok(encode(&response))
}

impl Front {
    /// The Tenant URL as the client used it, for `Location` and `meta.location`.
    fn base_url(&self, request: &HttpRequest, route: &Route<'_>) -> String {
        match &self.public_origin {
            Some(origin) => format!("{origin}{}", route.base),
            None => {
                let authority = request.uri().authority().map(|it| it.as_str());
                let host = authority.or_else(|| host(request.headers()));
                format!(
                    "{}://{}{}",
                    self.watch.scheme,
                    host.unwrap_or_default(),
                    route.base
                )
            }
        }
    }

    /// Carries the request out. A read ends with its client. A write is a task
    /// of its own: neither a client that hangs up nor a late answer may leave
    /// it half done, and what it holds is free only when it is done.
    async fn perform<H: 'static>(
        &self,
        admission: Rc<dyn Admission>,
        request: scim::Request,
        base_url: String,
        due: Instant,
        held: H,
    ) -> Result<scim::Response, Failure> {
        if !is_write(&request) {
            return admission.perform(request, base_url, due).await;
        }
        let due = Instant::now() + self.limits.write;
        let write = admission.perform(request, base_url, due);
        self.to_its_end(write, held).await
    }

    /// Carries a write out as a task of its own.
    async fn to_its_end<H: 'static>(
        &self,
        write: impl Future<Output = Result<scim::Response, Failure>> + 'static,
        held: H,
    ) -> Result<scim::Response, Failure> {
        let write = within(Instant::now() + self.limits.write, write);
        let (report, reported) = oneshot::channel();
        let alive = self.alive.clone();
        let task = async move {
            if let Err(unread) = report.send(write.await) {
                note(unread);
            }
            drop((held, alive));
        };
        tokio::task::spawn_local(task.in_current_span());
        // Without a report the task panicked.
        reported.await.unwrap_or(Err(GatewayFault::Internal.into()))
    }
}

/// Carries out the operations of a bulk request. A failed one is logged and told
/// as if it had come alone; one that panics does not take the others' answers along.
async fn many(
    admission: Rc<dyn Admission>,
    bulk: scim::Bulk,
    base_url: String,
    due: Instant,
    id: RequestId,
) -> Result<scim::Response, Failure> {
    let service = admission.service();
    let one = async |request| {
        let operation = pin!(admission.clone().perform(request, base_url.clone(), due));
        let result = caught(operation).await;
        result
            .unwrap_or(Err(GatewayFault::Internal.into()))
            .map_err(|failure| {
                let rejection = Rejection::from(failure);
                rejection.log();
                rejection.error(&id)
            })
    };
    Ok(operations::bulk(bulk, &service, &base_url, due, one).await)
}

/// The end of a write that nobody waited for any more.
fn note(result: Result<scim::Response, Failure>) {
    match result {
        Ok(response) => tracing::info!(status = response.status, "write ended after its answer"),
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
