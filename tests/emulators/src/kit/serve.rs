//! The walk of one call, and what faults make of it.

use super::body::{AnswerBody, Broken};
use super::fault::{Action, Plan, Status};
use super::journal::Line;
use super::shared::{Admitted, Shared};
use super::vendor::{Answer, Call};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The most a caller may send; more breaks the connection.
const BODY: usize = 1 << 20;

/// Accepts connections for ever and gives every request on them to `answer`.
pub(super) async fn listen<F, A>(listener: TcpListener, shared: Arc<Shared>, answer: F)
where
    F: Fn(Arc<Shared>, Request<Incoming>) -> A + Copy + Send + 'static,
    A: Future<Output = Result<Response<AnswerBody>, Broken>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, shared.clone(), answer))),
            // Out of file descriptors, mostly: a moment later some connection will have ended.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One call on the vendor's port. `Err` breaks the connection.
pub(super) async fn call(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Broken> {
    let call = read(&shared, request).await?;
    let Admitted {
        line,
        mut plan,
        latency,
    } = shared.desk().admit(&call);
    if let Some(outcome) = before_work(&mut plan).await {
        return finish(&shared, line, outcome);
    }
    // The work is a task of its own: a caller that hangs up does not stop it.
    let delay = latency.saturating_add(Duration::from_millis(plan.delay_ms));
    let work = tokio::spawn(work(shared.clone(), call, line, delay));
    let (call, answer) = work.await.map_err(|_| Broken)?;
    pause(Duration::from_millis(plan.delay_after_ms)).await;
    let outcome = after_work(&shared, &call, plan.action, answer);
    finish(&shared, line, outcome)
}

async fn connection<F, A>(stream: TcpStream, shared: Arc<Shared>, answer: F)
where
    F: Fn(Arc<Shared>, Request<Incoming>) -> A + Copy + Send + 'static,
    A: Future<Output = Result<Response<AnswerBody>, Broken>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(shared.clone(), request));
    // Without a timer hyper lets idle connections be: the callers' pools decide when they end.
    let server = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A connection that ends badly is the caller's matter; the journal has its calls.
    let _ = server.await;
}

async fn read(shared: &Shared, request: Request<Incoming>) -> Result<Call, Broken> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY)
        .collect()
        .await
        .map_err(|_| Broken)?
        .to_bytes();
    let base = shared.desk().vendor.base_path();
    let path = parts.uri.path();
    // `/provisioning/v12` is not below `/provisioning/v1`.
    let below = path
        .strip_prefix(base)
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
    Ok(Call {
        path: below.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
    })
}

async fn work(shared: Arc<Shared>, call: Call, line: Line, delay: Duration) -> (Call, Answer) {
    let claim = match shared.desk().claim(&call, line) {
        Ok(claim) => claim,
        Err(busy) => return (call, busy),
    };
    pause(delay).await;
    let answer = shared.desk().work(&call, claim, line);
    (call, answer)
}

/// tokio's timer rounds up to a millisecond, so that even no time at all would cost one.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// An answer and how its body goes out; `Err` when the connection breaks instead.
type Outcome = Result<(Answer, AnswerBody), Broken>;

/// What happens in place of the work; `None` when it is to be done.
async fn before_work(plan: &mut Plan) -> Option<Outcome> {
    let action = plan.action.take_if(|action| action.is_in_place_of_work())?;
    pause(Duration::from_millis(plan.delay_ms)).await;
    Some(match action {
        Action::BlackHole => std::future::pending().await,
        Action::Html502 => Ok(whole(bad_gateway())),
        Action::Redirect(to) => Ok(whole(Answer::empty(307).header("location", to))),
        Action::Status(status) => Ok(whole(of_status(status))),
        _ => Err(Broken),
    })
}

fn after_work(shared: &Shared, call: &Call, action: Option<Action>, answer: Answer) -> Outcome {
    let body = answer.body.clone();
    Ok(match action {
        None => whole(answer),
        Some(Action::Drip(drip)) => (answer, AnswerBody::dripping(body, drip)),
        Some(Action::Huge(bytes)) => whole(padded(answer, bytes)),
        Some(Action::Status(status)) => whole(of_status(status)),
        Some(Action::Truncate(bytes)) => (answer, AnswerBody::cut(body, bytes)),
        Some(Action::WrongUser) => whole(shared.desk().vendor.wrong_user(call, answer)),
        Some(_) => return Err(Broken),
    })
}

fn finish(shared: &Shared, line: Line, outcome: Outcome) -> Result<Response<AnswerBody>, Broken> {
    let (answer, body) = outcome?;
    shared.desk().journal.answered(line, answer.status);
    response(answer, body)
}

/// Writes an answer as an HTTP message. `Err` when it cannot be one, such as a status of 7.
pub(super) fn response(answer: Answer, body: AnswerBody) -> Result<Response<AnswerBody>, Broken> {
    let mut response = Response::builder().status(answer.status);
    let typed = answer
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !answer.body.is_empty() && !typed {
        response = response.header(header::CONTENT_TYPE, answer.content_type);
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(|_| Broken)
}

pub(super) fn whole(answer: Answer) -> (Answer, AnswerBody) {
    let body = AnswerBody::whole(answer.body.clone());
    (answer, body)
}

fn bad_gateway() -> Answer {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    Answer::text(502, "text/html", page)
}

fn of_status(status: Status) -> Answer {
    Answer {
        headers: status.headers.into_iter().collect(),
        ..Answer::text(status.code, "application/json", status.body)
    }
}

fn padded(mut answer: Answer, bytes: usize) -> Answer {
    let mut body = vec![b' '; bytes];
    body.extend_from_slice(&answer.body);
    answer.body = body.into();
    answer
}

impl Action {
    fn is_in_place_of_work(&self) -> bool {
        match self {
            Self::BlackHole | Self::DropBefore | Self::Html502 | Self::Redirect(_) => true,
            Self::Status(status) => !status.after,
            _ => false,
        }
    }
}
