//! The walk of a request at the admin port: who, what, may he, do it, note it.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER,
};
use hyper::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};

use super::ask::{Answered, Ask};
use super::attempts::Attempts;
use super::refusal::Refusal;
use super::route::{Access, Given, Route};
use super::{Console, ONBOARDING};
use crate::server::body::AnswerBody;
use crate::server::edge::{HttpRequest, HttpResponse};
use crate::server::side::few;
use crate::tenant::audit::Deed;
use crate::tenant::token::AuthFault;
use crate::tenant::token::admin::{Actor, AdminName};
use crate::tenant::token::onboarding::Scope;

/// A minute for a body over a slow line would be generous.
const BODY: Duration = Duration::from_secs(15);

/// Where requests are dealt with.
pub(super) struct Desk {
    console: Rc<dyn Console>,
    attempts: Attempts,
}

impl Desk {
    pub(super) fn new(console: Rc<dyn Console>) -> Self {
        Self {
            console,
            attempts: Attempts::default(),
        }
    }

    /// Answers one request, whatever it is.
    pub(super) async fn handle(self: Rc<Self>, peer: IpAddr, request: HttpRequest) -> HttpResponse {
        let begun = Instant::now();
        let id = uuid::Uuid::new_v4().to_string();
        let method = request.method().clone();
        let result = self.walk(peer, request, &id).await;
        let (status, body) = match result {
            Ok(Value::Null) => (204, Value::Null),
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        let elapsed_ms = begun.elapsed().as_millis() as u64;
        tracing::debug!(request_id = id, %method, status, elapsed_ms, "admin request answered");
        response(status, &body, &id)
    }

    async fn walk(
        self: Rc<Self>,
        peer: IpAddr,
        request: HttpRequest,
        id: &str,
    ) -> Result<Value, Refusal> {
        let (head, body) = request.into_parts();
        let who = self.who(peer, &head.headers, head.uri.path()).await?;
        let (route, parts) = Route::find(&head.method, head.uri.path())?;
        if route.deed.is_some() && is_cross_site(&head.headers) {
            return Err(Refusal::cross_site());
        }
        let id = id.to_owned();
        let note = Note { who, route, id };
        if let Err(refusal) = note.who.may(route.access) {
            self.note(&note, None, &Err(refusal.clone())).await;
            return Err(refusal);
        }
        let body = read_body(&head.headers, body).await?;
        let query = head.uri.query().unwrap_or_default();
        let ask = route.read(&Given {
            parts,
            query,
            body,
            scope: note.who.scope(),
        })?;
        if route.deed.is_none() {
            return self.console.answer(ask).await.map(|answered| answered.body);
        }
        // A task of its own: whoever hangs up leaves nothing half done, nor done and not noted.
        let deed = spawn_local(async move {
            let result = self.console.answer(ask.clone()).await;
            self.note(&note, Some(&ask), &result).await;
            result.map(|answered| answered.body)
        });
        let lost = |_| Err(Refusal::unavailable("it could not be completed"));
        deed.await.unwrap_or_else(lost)
    }

    /// Finds out who asks: below each base its own kind of token opens, and no other.
    async fn who(&self, peer: IpAddr, headers: &HeaderMap, path: &str) -> Result<Who, Refusal> {
        if !path.starts_with(ONBOARDING) {
            return self.authenticate(peer, headers).await.map(Who::Admin);
        }
        let presented = bearer(headers).ok_or_else(Refusal::bad_console)?;
        match self.console.scope(presented).await {
            Ok(scope) => Ok(Who::Console(scope)),
            Err(fault) => Err(self.refused(peer, fault, Refusal::bad_console())),
        }
    }

    /// Finds out who administers. A local pass costs nothing to test, so that nobody
    /// can lock the command line out by failing often.
    async fn authenticate(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Actor, Refusal> {
        let presented = bearer(headers).ok_or_else(Refusal::no_token)?;
        if let Some(actor) = self.console.local(presented) {
            return Ok(actor);
        }
        match self.console.authenticate(presented).await {
            Ok(actor) => Ok(actor),
            Err(fault) => Err(self.refused(peer, fault, Refusal::bad_token())),
        }
    }

    /// After the look-up: whoever guesses from the same network must not lock out who has a token.
    fn refused(&self, peer: IpAddr, fault: AuthFault, refusal: Refusal) -> Refusal {
        if fault == AuthFault::StoreUnavailable {
            return Refusal::unavailable("tokens cannot be looked up now");
        }
        if self.attempts.exhausted(peer) {
            return Refusal::too_many();
        }
        self.attempts.failed(peer);
        tracing::warn!(%peer, reason = %fault, "admin token refused");
        refusal
    }

    /// Notes a write in the log and for good; a look leaves no trace.
    async fn note(&self, note: &Note, ask: Option<&Ask>, result: &Result<Answered, Refusal>) {
        let Some(what) = note.route.deed else { return };
        let deed = note.deed(what, ask, result);
        tracing::info!(
            actor = deed.actor,
            what,
            tenant = deed.tenant.as_ref().map(tracing::field::display),
            subject = deed.subject,
            outcome = deed.outcome,
            request_id = deed.request_id,
            "administered"
        );
        self.console.record(deed).await;
    }
}

/// Who asks.
enum Who {
    Admin(Actor),
    /// A vendor's console, and what it may do.
    Console(Scope),
}

impl Who {
    fn name(&self) -> &AdminName {
        match self {
            Self::Admin(actor) => &actor.name,
            Self::Console(scope) => &scope.name,
        }
    }

    fn scope(&self) -> Option<&Scope> {
        match self {
            Self::Admin(_) => None,
            Self::Console(scope) => Some(scope),
        }
    }

    fn may(&self, access: Access) -> Result<(), Refusal> {
        match (self, access) {
            (Self::Admin(actor), Access::Role(role)) if actor.role >= role => Ok(()),
            (Self::Admin(actor), Access::Role(role)) => Err(Refusal::forbidden(role, actor.role)),
            (Self::Console(_), Access::Console) => Ok(()),
            (Self::Admin(_), Access::Console) => Err(Refusal::bad_console()),
            (Self::Console(_), Access::Role(_)) => Err(Refusal::bad_token()),
        }
    }
}

/// Who asked for what.
struct Note {
    who: Who,
    route: &'static Route,
    id: String,
}

impl Note {
    fn deed(&self, what: &str, ask: Option<&Ask>, result: &Result<Answered, Refusal>) -> Deed {
        let answered = result.as_ref().ok();
        let made = answered.and_then(|answered| answered.made.clone());
        let named = ask.map(Ask::subject).filter(|subject| !subject.is_empty());
        Deed {
            at: Timestamp::now(),
            actor: self.who.name().to_string(),
            what: what.to_owned(),
            tenant: answered
                .and_then(|answered| answered.tenant.clone())
                .or_else(|| ask.and_then(Ask::tenant).cloned()),
            subject: made.or(named).unwrap_or_else(|| self.route.path.to_owned()),
            outcome: match result {
                Ok(_) => "done".to_owned(),
                Err(refusal) => refusal.code.to_owned(),
            },
            before: answered.and_then(|answered| answered.before.clone()),
            after: answered.and_then(|answered| answered.after.clone()),
            request_id: self.id.clone(),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let credential = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = credential.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a browser sent it for a page of somebody else's. Browsers that send
/// neither header are older than those that keep pages from seeing the answer.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let host = text(&HOST).unwrap_or_default();
    text(&ORIGIN).is_some_and(|origin| {
        let origin = origin.split_once("://").map(|(_, authority)| authority);
        origin != Some(host)
    })
}

/// The body as JSON; null where there is none.
async fn read_body(headers: &HeaderMap, body: Incoming) -> Result<Value, Refusal> {
    let most = few().body_bytes;
    let read = timeout(BODY, Limited::new(body, most).collect()).await;
    let read = read.map_err(|_| {
        Refusal::new(
            408,
            "too_slow",
            "the body did not come in time",
            "send it again",
        )
    })?;
    let bytes = read.map_err(|_| {
        let help = format!("{most} bytes are the most");
        Refusal::new(
            413,
            "too_large",
            "the body is too long or was cut off",
            help,
        )
    })?;
    let bytes = bytes.to_bytes();
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    // Also what a page of another site cannot send without asking first.
    if !kind.is_some_and(|kind| kind.trim_start().starts_with("application/json")) {
        let help = "send Content-Type: application/json";
        return Err(Refusal::new(
            415,
            "unsupported",
            "the body is not said to be JSON",
            help,
        ));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::invalid(format!("the body is no JSON: {error}"), "correct it"))
}

fn response(status: u16, body: &Value, id: &str) -> HttpResponse {
    let bytes = match body {
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    };
    let mut response = HttpResponse::new(AnswerBody::new(bytes));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
    if status == 429 {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
