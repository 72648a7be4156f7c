//! The walk of a call, from the outside in.
//!
//! Plain functions instead of a tower stack: every step needs the deadline of
//! this one call and must say whether the call went out, and tower's timeout,
//! limit and retry know neither. The order is the same as in a stack and holds
//! the same promises; each step says why it stands where it stands.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use tokio::time::{Instant, sleep};

use super::breaker::{Change, Health, Pass};
use super::credential::Credential;
use super::destination::Destination;
use super::exchange::{Broken, exchange};
use super::key_exchange::attempt_with_key;
use super::oauth2::{Denied, Issued, OAuth2, Renewal, Way};
use super::pool::Connections;
use super::retry::{Tried, Tries};
use super::{path, verdict};
use crate::provisioning::lease::Lease;
use crate::provisioning::trace::{Story, Wait};
use crate::script::call::{CallFault, Errand, VendorCall, VendorReply, Verb};
use crate::script::replies::{Format, Meaning};

/// `Name/Version`, as some vendors demand.
pub(super) const AGENT: &str = concat!("scimgate/", env!("CARGO_PKG_VERSION"));

/// Carries `call` out for the tenant of `to`, answering before `deadline`.
pub(super) async fn carry_out(
    connections: &Connections,
    to: &Destination,
    call: VendorCall,
    deadline: Instant,
    story: Option<&Story>,
    lease: &Lease,
) -> Result<VendorReply, CallFault> {
    // Request: before anything is waited for, as a wrong path stays wrong.
    // The deadline is a value and no step of its own: each step below stops by
    // it, because only that step knows whether the call has gone out.
    let mut request = request(to, &call).map_err(CallFault::NotSent)?;
    if call.method != Verb::Get {
        request.extensions_mut().insert(lease.clone());
    }
    request.extensions_mut().insert(call.errand());
    // Places: before the breakers, so that a call that waited sees them as they are
    // when its turn comes.
    let asked = Instant::now();
    let place = to.state.places.enter(deadline).await;
    let _place = place.inspect_err(|_| {
        note_held(
            story,
            "the tenant has too many calls under way for this one's time",
        );
    })?;
    note_wait(story, Wait::Place, asked);
    // Breakers: around the retries, so that an open one costs no retry budget
    // and a call counts once, however often it was tried.
    let pass = admit(to, story)?;
    // Retries: around everything that has to be asked again for each try.
    let tried = match pass {
        Pass::Free => persist(connections, to, &call, &request, deadline, story).await,
        // What finds out whether the vendor is back is asked once.
        Pass::Probe => {
            let began = Instant::now();
            let tried = attempt(connections, to, request, deadline, story).await;
            report(to, &call, 1, began, &tried);
            tried
        }
    };
    settle(to, pass, &tried);
    tried.into_result()
}

async fn persist(
    connections: &Connections,
    to: &Destination,
    call: &VendorCall,
    request: &Request<Full<Bytes>>,
    deadline: Instant,
    story: Option<&Story>,
) -> Tried {
    let budget = &to.state.health.budget;
    let mut tries = Tries::new(call);
    budget.called();
    loop {
        let number = tries.next();
        let began = Instant::now();
        let tried = attempt(connections, to, request.clone(), deadline, story).await;
        report(to, call, number, began, &tried);
        let Some(pause) = tries.pause(&tried, budget, deadline) else {
            return tries.conclude(tried);
        };
        note_retry(story, number, &tried, pause);
        sleep(pause).await;
    }
}

async fn attempt(
    connections: &Connections,
    to: &Destination,
    request: Request<Full<Bytes>>,
    deadline: Instant,
    story: Option<&Story>,
) -> Tried {
    match &to.credential {
        Credential::KeyExchange(exchange) => {
            attempt_with_key(exchange, connections, to, request, deadline, story).await
        }
        Credential::OAuth2(oauth2) => {
            attempt_with_token(oauth2, connections, to, request, deadline, story).await
        }
        _ => send(connections, to, request, deadline, story).await,
    }
}

/// A call with a token that may have ended: refreshed once, asked for in full once. A 401
/// did nothing, so even a POST goes again.
async fn attempt_with_token(
    oauth2: &OAuth2,
    connections: &Connections,
    to: &Destination,
    request: Request<Full<Bytes>>,
    deadline: Instant,
    story: Option<&Story>,
) -> Tried {
    let way = Way {
        connections,
        to,
        story,
        ends: deadline.min(Instant::now() + to.deadlines.call()),
    };
    let mut token = oauth2.token(&way).await;
    for renewal in [Renewal::Refresh, Renewal::Full] {
        let bearer = match token {
            Ok(bearer) => bearer,
            Err(denied) => return Tried::from(denied),
        };
        let tried = send(connections, to, bearing(&bearer, &request), deadline, story).await;
        if !is_unauthorized(&tried) {
            return tried;
        }
        token = oauth2.instead_of(&bearer, renewal, &way).await;
    }
    match token {
        Ok(bearer) => send(connections, to, bearing(&bearer, &request), deadline, story).await,
        Err(denied) => Tried::from(denied),
    }
}

fn bearing(token: &Issued, request: &Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let mut request = request.clone();
    request
        .headers_mut()
        .insert(AUTHORIZATION, token.header.clone());
    request
}

/// RFC 6750 §3.1: a token that ended is a 401, whatever the reply table says of other
/// refusals.
fn is_unauthorized(tried: &Tried) -> bool {
    matches!(tried, Tried::Answered(reply, Meaning::Credential) if reply.status == 401)
}

impl From<Denied> for Tried {
    fn from(denied: Denied) -> Self {
        match CallFault::from(denied) {
            CallFault::NotSent(why) => Self::Unsent(why),
            fault => Self::Held(fault),
        }
    }
}

pub(super) async fn send(
    connections: &Connections,
    to: &Destination,
    request: Request<Full<Bytes>>,
    deadline: Instant,
    story: Option<&Story>,
) -> Tried {
    // Rate: below the retries, as the vendor counts every try.
    let asked = Instant::now();
    if let Err(fault) = to.state.rate.take(deadline).await {
        note_held(
            story,
            "the vendor asks to wait, or the tenant's [limits] do, longer than this request has time",
        );
        return Tried::Held(fault);
    }
    note_wait(story, Wait::Rate, asked);
    // Time limit: below the rate, as the vendor is not to blame for our waiting.
    let now = Instant::now();
    if now >= deadline {
        return Tried::Held(CallFault::NotSent("no time left".into()));
    }
    let ends = deadline.min(now + to.deadlines.call());
    // Lease: last, as any wait may have outlasted it.
    let lease = request.extensions().get::<Lease>();
    if lease.is_some_and(|lease| !lease.is_valid()) {
        note_held(story, "another replica may be doing the same by now");
        return Tried::Held(CallFault::LeaseEnded);
    }
    let errand = request.extensions().get::<Errand>().copied();
    match exchange(connections, request, ends).await {
        Ok(mut reply) => {
            let means = verdict::means(&to.replies, errand.unwrap_or_default(), &mut reply);
            Tried::Answered(reply, means)
        }
        Err(Broken::Unsent(why)) => Tried::Unsent(why),
        Err(Broken::Lost(why)) => Tried::Lost(why),
    }
}

fn admit(to: &Destination, story: Option<&Story>) -> Result<Pass, CallFault> {
    let health = &to.state.health;
    // The circuit first: the credential's probe is one a minute and must not be
    // spent on a call that does not go out.
    let Some(pass) = health.breaker.admit() else {
        let why =
            "the vendor has been failing, so that it is only tried once a second (circuit open)";
        note_held(story, why);
        return Err(CallFault::NotSent(why.into()));
    };
    if !health.refusal.admits(&to.credential) {
        note_held(
            story,
            "the vendor refused the credential before; it is tried again once a minute",
        );
        return Err(CallFault::Credential);
    }
    Ok(pass)
}

/// Draws the conclusions for the calls that follow.
fn settle(to: &Destination, pass: Pass, tried: &Tried) {
    let health = &to.state.health;
    let change = match tried {
        // Whoever gives out tokens or keys answered.
        Tried::Held(CallFault::Credential) => health.breaker.record(pass, Health::Well),
        Tried::Held(_) => return,
        Tried::Unsent(_) => health.breaker.record(pass, Health::Unconnected),
        _ if tried.is_outage() => health.breaker.record(pass, Health::Failing),
        _ => health.breaker.record(pass, Health::Well),
    };
    match tried {
        Tried::Answered(_, Meaning::Credential) | Tried::Held(CallFault::Credential)
            if health.refusal.refuse(&to.credential) =>
        {
            warn_of_refusal(to);
        }
        Tried::Answered(_, means) if means.shows_a_good_credential() => health.refusal.accept(),
        _ => {}
    }
    warn_of_change(to, change);
}

/// The request as it stands on the wire. `Err` is for operators.
pub(super) fn request(to: &Destination, call: &VendorCall) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path::join(&to.base_url, &call.path)?;
    *request.method_mut() = method(call.method);
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static(accepted(to)));
    headers.extend(to.headers.iter().cloned());
    if let Some(body) = &call.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.media_type));
    }
    if let Some(token) = &call.token {
        let name = HeaderName::try_from(&token.header).map_err(|error| error.to_string())?;
        let value = HeaderValue::try_from(&token.value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    // Last, so that no fixed header takes the credential's place.
    let unfit = |_| "the tenant's secret holds characters no header can carry";
    to.credential.apply(headers).map_err(unfit)?;
    if let Some(body) = &call.body {
        *request.body_mut() = Full::new(body.bytes.clone());
    }
    Ok(request)
}

fn accepted(to: &Destination) -> &'static str {
    match to.replies.format {
        Format::Json => "application/json",
        Format::Xml => "application/xml, text/xml",
    }
}

fn method(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    }
}

fn note_wait(story: Option<&Story>, wait: Wait, since: Instant) {
    if let Some(story) = story {
        story.waited(wait, since);
    }
}

fn note_held(story: Option<&Story>, because: &'static str) {
    if let Some(story) = story {
        story.held_back(because.into());
    }
}

fn note_retry(story: Option<&Story>, attempt: u32, tried: &Tried, pause: Duration) {
    let Some(story) = story else {
        return;
    };
    let because = match tried {
        Tried::Answered(reply, _) => reply.status.to_string().into(),
        Tried::Lost(_) => "the reply was lost".into(),
        Tried::Unsent(_) => "the vendor could not be reached".into(),
        Tried::Held(_) => "it was held back".into(),
    };
    story.retried(attempt, because, pause);
}

/// One event a try. Of the path only the first segment: the rest names people.
fn report(to: &Destination, call: &VendorCall, attempt: u32, began: Instant, tried: &Tried) {
    let (status, fault) = match tried {
        Tried::Answered(reply, _) => (Some(reply.status), None),
        Tried::Lost(why) | Tried::Unsent(why) => (None, Some(why.clone())),
        Tried::Held(fault) => (None, Some(fault.to_string())),
    };
    tracing::debug!(
        tenant = %to.tenant,
        method = call.method.as_str(),
        path = path::first_segment(&call.path),
        status,
        elapsed_ms = began.elapsed().as_millis() as u64,
        attempt,
        fault,
        "vendor call"
    );
}

fn warn_of_change(to: &Destination, change: Change) {
    match change {
        Change::None => {}
        Change::Opened => tracing::warn!(
            tenant = %to.tenant,
            action = "check that the vendor is up and that the tenant's base_url is right",
            "circuit to the vendor opened"
        ),
        Change::Closed => tracing::info!(tenant = %to.tenant, "circuit to the vendor closed"),
    }
}

fn warn_of_refusal(to: &Destination) {
    tracing::warn!(
        tenant = %to.tenant,
        action = "renew the tenant's vendor credential; it is tried again once a minute",
        "the vendor refuses the tenant's credential"
    );
}
