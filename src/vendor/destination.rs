//! Where one tenant's calls go, and as whom.

use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::credential::Credential;
use super::state::VendorState;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::Deadlines;
use crate::script::replies::ReplyTable;

/// All that is needed to carry out one tenant's calls. Belongs to one
/// generation of the catalog; only [`VendorState`] outlives it.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Whose calls.
    pub tenant: TenantId,
    /// `http` or `https`, host, port and the path all calls stay under.
    pub base_url: url::Url,
    /// The manifest's fixed headers, tenant settings filled in.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How the gateway shows itself.
    pub credential: Credential,
    /// How long the vendor may take.
    pub deadlines: Deadlines,
    /// How its answers are read.
    pub replies: ReplyTable,
    /// Breakers and what the vendor takes from this tenant, shared by all threads and generations.
    pub state: Arc<VendorState>,
}
