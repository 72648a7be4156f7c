//! The network as a [`Backend`].

use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::client;
use super::destination::Destination;
use super::pool::Pool;
use crate::provisioning::lease::Lease;
use crate::provisioning::trace::Story;
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};

/// Carries out one tenant's calls over the network. Cheap: made for a request,
/// dropped with it.
///
/// What its answers mean beyond [`CallFault`]:
/// - a reply judged [`Busy`](crate::script::replies::Meaning::Busy) or
///   [`Credential`](crate::script::replies::Meaning::Credential) never comes as
///   a reply but as the fault of that name;
/// - any other reply comes as it is, a 503 or a redirect too;
/// - `NotSent` from a call that changes something means that *no* try of it can
///   have been carried out;
/// - a repeatable call may have been carried out more than once: a `DELETE` that
///   was lost first can answer 404, and its reply then says `after_loss`.
#[derive(Clone)]
pub struct Network {
    pool: Rc<Pool>,
    destination: Arc<Destination>,
    story: Option<Rc<Story>>,
    lease: Lease,
}

impl Network {
    /// Over this thread's connections, to `destination`.
    pub fn new(pool: Rc<Pool>, destination: Arc<Destination>) -> Self {
        Self {
            pool,
            destination,
            story: None,
            lease: Lease::default(),
        }
    }

    /// Changing nothing once `lease` has ended.
    pub fn under(self, lease: Lease) -> Self {
        Self { lease, ..self }
    }

    /// Taking notes of tries and waits in a request's story.
    pub fn noting(self, story: Rc<Story>) -> Self {
        Self {
            story: Some(story),
            ..self
        }
    }
}

impl Backend for Network {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        Box::pin(async move {
            let connections = self.pool.connections(&self.destination);
            let story = self.story.as_deref();
            let (to, lease) = (&self.destination, &self.lease);
            client::carry_out(&connections, to, call, deadline, story, lease).await
        })
    }

    fn apart(&self) -> Option<Rc<dyn Backend>> {
        Some(Rc::new(Self {
            story: None,
            lease: self.lease.latest(),
            ..self.clone()
        }))
    }
}
