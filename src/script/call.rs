//! The line between a script and the world: one call, one reply.
//!
//! A script never performs I/O. It asks for a [`VendorCall`], its fiber
//! suspends, a [`Backend`] carries the call out and the fiber goes on with the
//! [`VendorReply`]. The network, a transcript and a dry run are three
//! backends, and nothing else differs between them.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use serde::Deserialize;
use tokio::time::Instant;

use crate::scim::ResourceKind;

/// A future that stays on its thread, as fibers do.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Carries out vendor calls for one tenant.
pub trait Backend {
    /// Carries `call` out, or says how far it came. Answers before `deadline`.
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>>;

    /// Waits for the vendor's sake: between two looks at a job, or for more to hand in with it.
    /// Where there is no vendor there is nothing to wait for.
    fn wait(&self, until: Instant) -> LocalBoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(until))
    }

    /// The same vendor for work that is no single request's and may outlast it; `None` if this
    /// one holds nothing of a request.
    fn apart(&self) -> Option<Rc<dyn Backend>> {
        None
    }
}

/// What a script asks of the vendor. Credentials, fixed headers, host and
/// retries are added behind the [`Backend`], out of the script's reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorCall {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: Verb,
    /// Below the tenant's base URL, starting with `/`, query included, quoted.
    pub path: String,
    /// The body and its media type.
    pub body: Option<CallBody>,
    /// The vendor documents that carrying this out twice does no more than once.
    pub idempotent: bool,
    /// The same for every try of this call, so that the vendor carries it out once.
    pub token: Option<RequestToken>,
    /// What the function is about that makes the call, if it is about one kind of resource.
    pub resource: Option<ResourceKind>,
}

/// What a call is for: what a manifest's error rows may ask beside the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errand {
    /// The method; none of a part of a reply.
    pub verb: Option<Verb>,
    /// What the function is about that made the call.
    pub resource: Option<ResourceKind>,
}

/// A header by which the vendor knows a request again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestToken {
    /// Its name, as the manifest's `request_token` has it.
    pub header: String,
    /// Its value, random.
    pub value: String,
}

impl VendorCall {
    /// Whether the call may be sent again when its outcome is not known: all
    /// but POST (RFC 9110 §9.2.2, and PATCH because ours are merges of fixed
    /// values), a POST that the script declares idempotent, and one with a token.
    pub fn is_repeatable(&self) -> bool {
        self.idempotent || self.token.is_some() || self.method != Verb::Post
    }

    /// What the call is for.
    pub fn errand(&self) -> Errand {
        Errand {
            verb: Some(self.method),
            resource: self.resource,
        }
    }
}

/// The methods a script may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Read.
    Get,
    /// Create or act.
    Post,
    /// Put in place.
    Put,
    /// Change in part.
    Patch,
    /// Remove.
    Delete,
}

impl Verb {
    /// The method as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallBody {
    /// `application/json`, `application/x-www-form-urlencoded`, …
    pub media_type: &'static str,
    /// The body.
    pub bytes: Bytes,
}

/// What the vendor answered, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorReply {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, as a span of time.
    pub retry_after: Option<Duration>,
    /// All headers; of which a script sees those the manifest names.
    pub headers: HeaderMap,
    /// The body, bounded by the backend.
    pub body: Bytes,
    /// An earlier try of this call was lost and may have been carried out, so
    /// that "absent" after a DELETE can mean "done".
    pub after_loss: bool,
}

impl VendorReply {
    /// An empty one.
    pub(crate) fn silent() -> Self {
        Self {
            status: 200,
            retry_after: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            after_loss: false,
        }
    }
}

/// Why there is no reply. The one thing that matters is whether the vendor may
/// have carried the call out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The call never reached the vendor: refused, no route, no TLS, circuit open.
    #[error("the vendor could not be reached: {0}")]
    NotSent(String),
    /// The call went out and no whole reply came back: reset, cut, timed out.
    #[error("the vendor's reply was lost: {0}")]
    Lost(String),
    /// The vendor asks us to wait longer than this request can.
    #[error("the vendor is busy")]
    Busy {
        /// How long it asks for.
        retry_after: Option<Duration>,
    },
    /// The vendor refuses our credential, so the call was not carried out.
    #[error("the vendor refuses the gateway's credential")]
    Credential,
    /// The vendor gave no key, so the call was not sent: what is wrong with the login.
    #[error("no key was given: {0}")]
    Login(String),
    /// Another replica may do by now what this one was doing, so the call was kept back.
    #[error("the replica's lease has ended")]
    LeaseEnded,
}
