//! What went wrong becomes an answer: the one place, and all its fixed texts.
//!
//! Entra takes 401, 403 and 404 as verdicts on its token and its users and may
//! quarantine the whole job for one of them, so no fault of ours or of the
//! vendor ever becomes one. Entra prints `detail` in its provisioning log.

use std::time::Duration;

use hyper::header::{ALLOW, CONNECTION, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::edge::{HttpResponse, RequestId};
use super::encode::answer;
use super::guesses::TooMany;
use super::oauth::{self, Refused};
use crate::provisioning::trace::{End, Fault};
use crate::scim::{Response, ScimError, ScimType};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

/// Why a request gets no ordinary answer.
#[derive(Clone, Debug)]
pub(super) enum Rejection {
    /// The operation, or the reading of its request, failed.
    Failure(Failure),
    /// No bearer token was presented.
    NoToken,
    /// The token opens nothing here; the reason is for our log, and the identity provider gets
    /// one constant answer.
    BadToken(String),
    /// The token endpoint gives no token.
    Token(Refused),
    /// The keys to check the token by cannot be had.
    NoKeys,
    /// The path is below no Tenant URL.
    NoSuchPath,
    /// The endpoint does not know the method.
    MethodNotAllowed {
        /// Those it knows.
        allow: &'static str,
    },
    /// The HTTP message is not one we want to continue a connection after.
    Framing(ScimError),
    /// The tenant exceeds its limits.
    TooMany {
        /// When to come back.
        wait: Duration,
        /// How many to tell of; nothing if it is not time to tell.
        untold: Option<u64>,
    },
    /// The tenant's bodies in work take all the memory it may have.
    TooManyBytes,
    /// Too many requests without a good token came from the same network.
    TooManyGuesses(TooMany),
}

impl<F: Into<Failure>> From<F> for Rejection {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Marks an answer of which there is no line in the log: it is one of very many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted;

/// An error answer before it is written out.
struct Draft {
    error: ScimError,
    retry_after: Option<Duration>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Rejection {
    /// The answer, `closes` being whether the protocol is one in which the
    /// answer itself ends the connection, `is_oauth` whether it is RFC 6749's error.
    pub(super) fn answer(self, id: &RequestId, closes: bool, is_oauth: bool) -> HttpResponse {
        let ends = closes && matches!(self, Self::Framing(_));
        let is_counted = self.is_counted();
        let code = match &self {
            Self::Token(refused) => Some(refused.told().1),
            _ => None,
        };
        let draft = self.draft(id.as_str());
        let ScimError { status, detail, .. } = &draft.error;
        let mut http = match is_oauth {
            true => oauth::refusal(*status, code, detail),
            false => answer(*status, Some(&draft.error.body())),
        };
        let headers = http.headers_mut();
        if let Some(wait) = draft.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        headers.extend(draft.header);
        if ends {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if is_counted {
            http.extensions_mut().insert(Counted);
        }
        http
    }

    fn draft(self, id: &str) -> Draft {
        match self {
            Self::Failure(failure) => of_failure(failure, id),
            Self::Framing(error) => Draft::new(error),
            Self::NoToken => plain(401, "A bearer token is required.")
                .with(WWW_AUTHENTICATE, r#"Bearer realm="scimgate""#),
            Self::BadToken(_) => plain(
                401,
                "The bearer token is not accepted. Enter the Secret Token, or the client's id and secret, again under Provisioning, Admin Credentials.",
            )
            .with(WWW_AUTHENTICATE, r#"Bearer realm="scimgate", error="invalid_token""#),
            Self::Token(refused) => {
                let (status, _, detail) = refused.told();
                let draft = plain(status, detail);
                match refused {
                    Refused::Client(_) => {
                        draft.with(WWW_AUTHENTICATE, r#"Basic realm="scimgate""#)
                    }
                    Refused::Later => draft.retry_after(Duration::from_secs(300)),
                    _ => draft,
                }
            }
            Self::NoKeys => later(
                300,
                &format!(
                    "The gateway cannot fetch the keys that Entra signs its tokens with; the token may be valid. The operator of the gateway must let the gateway reach Entra. Request id {id}."
                ),
            ),
            Self::NoSuchPath => plain(404, "There is nothing here. The Tenant URL ends in /scim/v2."),
            Self::MethodNotAllowed { allow } => {
                plain(405, "The endpoint does not know this method.").with(ALLOW, allow)
            }
            Self::TooMany { wait, .. } => soon(wait, "Too many requests for this tenant. Slow down."),
            Self::TooManyBytes => soon(
                Duration::from_secs(1),
                "The bodies of this tenant's requests in work, and the answers that are not read yet, are too large together. Send fewer requests at once, and read their answers.",
            ),
            Self::TooManyGuesses(TooMany { wait, .. }) => soon(
                wait,
                "Too many requests without an accepted token came from this network. Enter the Secret Token, or the client's id and secret, again under Provisioning, Admin Credentials.",
            ),
        }
    }

    /// An operation of a bulk request that the tenant's rate has no room for in time.
    pub(super) fn no_room_in_rate() -> Self {
        Self::TooMany {
            wait: Duration::from_secs(1),
            untold: None,
        }
    }

    /// Whether it is one of very many, and not the one that tells of them.
    fn is_counted(&self) -> bool {
        match self {
            Self::TooMany { untold, .. } | Self::TooManyGuesses(TooMany { untold, .. }) => {
                untold.is_none()
            }
            _ => false,
        }
    }

    /// The RFC 7644 §3.12 error alone, as one operation of a bulk request answers it.
    pub(super) fn error(self, id: &RequestId) -> ScimError {
        self.draft(id.as_str()).error
    }

    /// The end of its request's story.
    pub(super) fn end(&self, id: &RequestId) -> End {
        let ScimError {
            status,
            scim_type,
            detail,
            ..
        } = self.clone().error(id);
        let (fault, reason, remedy) = match self {
            Self::Failure(failure) => {
                let remedy = failure.action().map(str::to_owned);
                (Fault::of(failure), failure.cause(), remedy)
            }
            _ => (Fault::Client, None, None),
        };
        End::Failed {
            status,
            scim_type: scim_type.map(ScimType::as_str),
            detail,
            fault,
            reason,
            remedy,
        }
    }

    /// Writes the one log line of this fault, inside the request's span. Only
    /// fixed words, never names, values, bodies or tokens.
    pub(super) fn log(&self) {
        match self {
            Self::Failure(failure @ Failure::Vendor(VendorFault::Credential { .. }, _)) => {
                tracing::error!(
                    fault = "vendor",
                    cause = failure.cause(),
                    action = failure
                        .action()
                        .unwrap_or("renew the vendor credential of this tenant"),
                    "the vendor refuses the gateway's credential"
                )
            }
            Self::Failure(failure @ Failure::Vendor(VendorFault::Forbidden { .. }, _)) => {
                tracing::error!(
                    fault = "vendor",
                    cause = failure.cause(),
                    action = failure.action().unwrap_or(
                        "give the vendor credential of this tenant the rights that the adapter's page names"
                    ),
                    "the vendor does not permit the gateway's credential to do this"
                )
            }
            Self::Failure(failure @ Failure::Vendor(fault, _)) => {
                let (cause, action) = (failure.cause(), failure.action());
                tracing::warn!(fault = "vendor", cause, action, "{fault}");
            }
            Self::Failure(failure @ Failure::Script(fault)) => tracing::error!(
                fault = "script",
                script = fault.place.script,
                line = fault.place.line,
                column = fault.place.column,
                reason = fault.message,
                cause = failure.cause(),
                "the script failed"
            ),
            Self::Failure(Failure::Gateway(GatewayFault::Internal)) => {
                tracing::error!(fault = "gateway", "internal error");
            }
            Self::Failure(Failure::Gateway(fault)) => tracing::warn!(fault = "gateway", "{fault}"),
            Self::Failure(failure @ Failure::Client(_)) if failure.action().is_some() => {
                let (cause, action) = (failure.cause(), failure.action());
                tracing::warn!(
                    fault = "client",
                    cause,
                    action,
                    "the vendor's answer needs attention"
                );
            }
            Self::Failure(Failure::Client(error)) | Self::Framing(error) => tracing::debug!(
                fault = "client",
                status = error.status,
                scim_type = ?error.scim_type,
                "request refused"
            ),
            Self::TooMany { untold, .. } => {
                if let Some(requests) = untold {
                    tracing::warn!(fault = "client", requests, "tenant over its limits");
                }
            }
            Self::TooManyBytes => {
                tracing::warn!(fault = "client", "tenant over its share of memory")
            }
            // It is told where the network is known.
            Self::TooManyGuesses(_) => {}
            Self::NoToken
            | Self::BadToken(_)
            | Self::Token(_)
            | Self::NoKeys
            | Self::NoSuchPath
            | Self::MethodNotAllowed { .. } => {
                tracing::debug!(fault = "client", "request refused");
            }
        }
    }
}

/// The end of an operation's story.
pub(super) fn end_of(result: &Result<Response, Failure>, id: &RequestId) -> End {
    match result {
        Ok(response) => End::Done {
            status: response.status,
        },
        Err(failure) => Rejection::from(failure.clone()).end(id),
    }
}

/// Reliability's table: what the operation's failures look like to Entra.
fn of_failure(failure: Failure, id: &str) -> Draft {
    match failure {
        Failure::Client(error) => Draft::new(error),
        Failure::Vendor(fault, _) => of_vendor(fault, id),
        Failure::Script(fault) => plain(
            500,
            &format!(
                "The adapter's script failed at {} line {}. Nothing in Entra has to be changed.{}",
                file_name(&fault.place.script),
                fault.place.line,
                whoever_runs(id)
            ),
        ),
        Failure::Gateway(fault) => of_gateway(&fault, id),
    }
}

/// How whoever runs the gateway comes to the cause. Where no gateway runs, the tool tells it.
fn whoever_runs(id: &str) -> String {
    match id {
        NOWHERE => String::new(),
        id => format!(" The operator of the gateway sees the cause with `scimgate explain {id}`."),
    }
}

/// What the vendor or the gateway's operator is to be given. Where no gateway runs, there is none.
fn request(id: &str) -> String {
    match id {
        NOWHERE => String::new(),
        id => format!(" Request id {id}."),
    }
}

/// Entra's administrator needs no directories of ours.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn of_vendor(fault: VendorFault, id: &str) -> Draft {
    let request = request(id);
    match fault {
        VendorFault::Unreachable => later(
            30,
            &format!(
                "The vendor's API could not be reached. Sending the request again is safe: the gateway continues where it stopped. If this lasts, check the vendor's status and this tenant's base URL.{request}"
            ),
        ),
        VendorFault::UnknownOutcome => later(
            30,
            &format!(
                "The vendor did not confirm the change. Before it sends the change again, the gateway checks whether it was made.{request}"
            ),
        ),
        VendorFault::Unusable | VendorFault::Expired => later(
            30,
            &format!(
                "The vendor's API answered with an error or with something unusable. If this lasts, give the vendor the time of this request.{request}"
            ),
        ),
        VendorFault::Busy {
            retry_after: Some(wait),
        } => plain(429, "The vendor's API asks to slow down.")
            .retry_after(wait.clamp(Duration::from_secs(1), Duration::from_secs(60))),
        VendorFault::Busy { retry_after: None } => later(
            10,
            "The vendor's API is busy. The request will be tried again.",
        ),
        VendorFault::Credential { detail } => later(
            60,
            &format!(
                "backend credentials rejected: the vendor refuses the credential that the gateway has for this tenant. {} in Entra is fine.{request}",
                detail.map_or(
                    "Renew it in the gateway; the token".to_owned(),
                    |detail| format!("{detail} The token")
                )
            ),
        ),
        VendorFault::Setup { detail } => later(
            60,
            &format!(
                "setup rejected: something that this tenant is set up with does not work at the vendor. {detail} The token in Entra is fine.{request}"
            ),
        ),
        VendorFault::Forbidden { detail } => later(
            60,
            &format!(
                "backend permission missing: the vendor accepts the credential that the gateway has for this tenant, but the credential lacks a right. {} The token in Entra is fine.{request}",
                detail
                    .as_deref()
                    .unwrap_or("Give it the rights that the adapter's page names.")
            ),
        ),
    }
}

fn of_gateway(fault: &GatewayFault, id: &str) -> Draft {
    let request = request(id);
    match fault {
        GatewayFault::Overloaded => {
            later(5, "The gateway is overloaded. The request was not started.")
        }
        GatewayFault::DeadlineExceeded => later(
            30,
            &format!(
                "The request took too long. A change that was started is still completed; repeating it is safe.{request}"
            ),
        ),
        GatewayFault::StoreUnavailable(_) => later(
            30,
            &format!(
                "The gateway's store is not available. Sending the request again is safe: the gateway continues where it stopped.{request}"
            ),
        ),
        GatewayFault::TenantUnavailable => later(
            60,
            &format!(
                "The gateway does not serve this tenant now: it is disabled, or its files cannot be used. The token in Entra is fine. The operator of the gateway finds the reason with `scimgate status`.{request}"
            ),
        ),
        GatewayFault::Internal => plain(
            500,
            &format!(
                "Internal error. Nothing in Entra has to be changed.{}",
                whoever_runs(id)
            ),
        ),
    }
}

fn soon(wait: Duration, detail: &str) -> Draft {
    plain(429, detail).retry_after(wait.clamp(Duration::from_secs(1), Duration::from_secs(30)))
}

fn later(seconds: u64, detail: &str) -> Draft {
    plain(503, detail).retry_after(Duration::from_secs(seconds))
}

fn plain(status: u16, detail: &str) -> Draft {
    Draft::new(ScimError::new(status, None, detail))
}

impl Draft {
    fn new(error: ScimError) -> Self {
        Self {
            error,
            retry_after: None,
            header: None,
        }
    }

    fn retry_after(self, wait: Duration) -> Self {
        // Whole seconds on the wire (RFC 9110 §10.2.3), and never too early.
        let seconds = wait
            .as_secs()
            .saturating_add((wait.subsec_nanos() > 0).into());
        Self {
            retry_after: Some(Duration::from_secs(seconds)),
            ..self
        }
    }

    fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, HeaderValue::from_static(value))),
            ..self
        }
    }
}

/// What Entra is told of a failure, where there is no HTTP around it.
pub struct ErrorAnswer {
    /// Status and RFC 7644 §3.12 body.
    pub error: ScimError,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// Stands for the request id where no gateway runs: in transcripts and dry runs.
const NOWHERE: &str = "transcript";

/// The answer to a failed operation, as [`Rejection::answer`] would give it.
pub fn error_answer(failure: Failure) -> ErrorAnswer {
    let draft = of_failure(failure, NOWHERE);
    ErrorAnswer {
        error: draft.error,
        retry_after: draft.retry_after.map(|wait| wait.as_secs()),
    }
}
