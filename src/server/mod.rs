//! The identity provider's side.
//!
//! | File | Subject |
//! |---|---|
//! | `listener` | worker threads, accepting, stopping |
//! | `connection`, `socket`, `tls` | one connection: protocol, clocks, certificate |
//! | `permits`, `standing` | how many there may be, and which gives way |
//! | `frames` | floods of HTTP/2 frames |
//! | `edge` | what every request passes: id, log line, rescue, limits |
//! | `observer` | who hears of every request, for metrics and traces |
//! | `handle` | the walk of a request, one function |
//! | `framing`, `route`, `authenticate`, `gates`, `decode`, `encode` | its steps |
//! | `oauth` | the token endpoint |
//! | `bodies`, `guesses`, `seldom` | memory for bodies; bad tokens from one network; many events in one log line |
//! | `rescue` | what went wrong becomes an answer |
//! | `side` | ports beside the one that serves SCIM, on the control thread |
//! | [`mod@ops`], `pulse` | probes and metrics |
//! | [`admin`] | administration: who may do what, and what was done |
//! | [`Limits`] | every number |
//!
//! The server knows HTTP and nothing of vendors: what it needs from above are
//! the two traits below, and its tests put fakes there.

pub mod admin;
mod authenticate;
mod bodies;
mod body;
mod connection;
mod decode;
mod edge;
mod encode;
mod expiry;
mod frames;
mod framing;
mod gates;
mod guesses;
mod handle;
mod limits;
mod listener;
mod oauth;
mod observer;
pub mod ops;
mod permits;
mod pulse;
mod rescue;
mod route;
mod seldom;
mod side;
mod socket;
mod standing;
mod tls;

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

pub use limits::{Limits, TenantLimits};
pub use listener::{Running, Server, Settings};
pub use observer::{RequestObserver, Seen};
pub use pulse::Pulse;
pub use rescue::{ErrorAnswer, error_answer};
pub use route::tenant_path;
pub use side::{Side, SidePort};
pub use tls::{Certificate, TlsFault};

use crate::adapter::keys::TenantId;
use crate::provisioning::trace::Story;
use crate::scim;
use crate::script::call::LocalBoxFuture;
use crate::script::fault::Failure;
use crate::tenant::oauth::{Claim, Granted};
use crate::tenant::token::AuthFault;

/// An access token, and the way in that it opens.
pub type Grant = (Rc<dyn Admission>, Granted);

/// What stands behind the server; one per worker thread, and it stays there.
pub trait Application {
    /// Finds out whose token this is. One that Entra makes itself names no tenant: it is of the one
    /// in the request's path, `named`.
    ///
    /// # Errors
    /// [`AuthFault`]. `StoreUnavailable` and `TenantUnavailable` are our own
    /// faults and must not look like a bad token.
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        named: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Result<Rc<dyn Admission>, AuthFault>>;

    /// Gives an access token to a client that shows itself, and the way in that it opens.
    ///
    /// # Errors
    /// [`AuthFault`], as of [`authenticate`](Self::authenticate).
    fn grant<'a>(&'a self, claim: &'a Claim<'a>) -> LocalBoxFuture<'a, Result<Grant, AuthFault>>;
}

/// One request's way in: a tenant, on the catalog generation the request began with.
pub trait Admission {
    /// Whose.
    fn tenant(&self) -> &TenantId;

    /// What the tenant's adapter offers, to parse the request by.
    fn service(&self) -> Arc<scim::Service>;

    /// Begins the story of a request: its id, method and route.
    fn begin(&self, request_id: Arc<str>, method: &'static str, route: &'static str) -> Rc<Story>;

    /// Carries the request out before `deadline`, taking notes in `story`. `base_url` is the
    /// Tenant URL without a slash at its end, for locations.
    fn perform(
        self: Rc<Self>,
        request: scim::Request,
        base_url: String,
        deadline: Instant,
        story: Rc<Story>,
    ) -> LocalBoxFuture<'static, Result<scim::Response, Failure>>;
}
