//! Administration: JSON over HTTP below `/admin/v1`, and for vendors' consoles below
//! `/onboarding/v1`, on a port of its own.
//!
//! | File | Subject |
//! |---|---|
//! | `handle` | the walk of a request: who, what, may he, do it, note it |
//! | `route` | the table of all there is to ask, with the role it takes |
//! | `ask`, `refusal` | what is asked, and why it is not answered |
//! | `bodies` | what requests bring and answers hold |
//! | `attempts` | tokens tried in vain, by source |
//! | `openapi` | the table as a document |
//!
//! The server knows nothing of what it administers: what stands behind it is a
//! [`Console`].

mod ask;
mod attempts;
pub mod bodies;
mod handle;
mod openapi;
mod refusal;
mod route;

#[cfg(test)]
mod tests;

use std::io;
use std::rc::Rc;

pub use ask::{Answered, Ask};
pub use openapi::document;
pub use refusal::Refusal;
pub use route::{Access, ROUTES, Route, Shape, shape};

use super::side::{Side, SidePort, few};
use crate::script::call::LocalBoxFuture;
use crate::tenant::audit::Deed;
use crate::tenant::token::AuthFault;
use crate::tenant::token::admin::Actor;
use crate::tenant::token::onboarding::Scope;

/// Where all paths of administrators begin.
pub const BASE: &str = "/admin/v1";

/// Where all paths of vendors' consoles begin.
pub const ONBOARDING: &str = "/onboarding/v1";

/// What stands behind the admin port.
pub trait Console {
    /// Whoever presents a pass that only a process on this host can make.
    fn local(&self, presented: &str) -> Option<Actor>;

    /// Whose token this is.
    ///
    /// # Errors
    /// [`AuthFault`].
    fn authenticate<'a>(
        &'a self,
        presented: &'a str,
    ) -> LocalBoxFuture<'a, Result<Actor, AuthFault>>;

    /// What the token of a vendor's console may do.
    ///
    /// # Errors
    /// [`AuthFault`].
    fn scope<'a>(&'a self, presented: &'a str) -> LocalBoxFuture<'a, Result<Scope, AuthFault>>;

    /// Does what is asked. Whether the actor may was decided before.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn answer(&self, ask: Ask) -> LocalBoxFuture<'_, Result<Answered, Refusal>>;

    /// Notes what was done, or tried, for good.
    fn record(&self, deed: Deed) -> LocalBoxFuture<'_, ()>;
}

/// Serves `port` on this thread, which must be that of a `LocalRuntime`.
///
/// # Errors
/// There is no event queue left for the listener.
pub fn start(port: SidePort, console: Rc<dyn Console>) -> io::Result<Side> {
    let desk = Rc::new(handle::Desk::new(console));
    port.start(few(), move |peer, request| {
        let desk = Rc::clone(&desk);
        Box::pin(async move { Ok(desk.handle(peer, request).await) })
    })
}
