//! What the gateway is about to create, as it is written down before the vendor is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::Moment;
use super::name::Name;
use super::process::Process;
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::remembered::Remembered;
use crate::scim::ResourceKind;

/// How long an unheard intent counts. Entra gives up on a user long before.
pub(super) const EXPIRES: Duration = Duration::from_secs(7 * 24 * 3600);

/// One create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Random; also the key of the hashes.
    pub id: String,
    /// What is created.
    pub kind: ResourceKind,
    /// What for.
    pub purpose: Purpose,
    /// The request that began it: the operations of one bulk request share it.
    pub request: String,
    /// The process that began it.
    pub epoch: String,
    /// The values that name the object, the primary one first.
    pub names: Vec<Name>,
    /// `externalId` as Entra sent it.
    pub external_id: Option<String>,
    /// The SCIM id that the object is to have, where the gateway issues ids.
    pub reserved: Option<ScimId>,
    /// What the vendor calls the object, once that is known.
    pub native: Option<NativeId>,
    /// A keyed hash of each native value sent, by attribute.
    pub hashes: Vec<(String, String)>,
    /// What the gateway has to remember of the object.
    pub remembered: Remembered,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Until when calls that create the object may begin: the end of its request, or when its last
    /// call ended. Milliseconds since 1970.
    pub calls_until: u64,
    /// Which objects were seen before it; `None` if another process began it.
    #[serde(skip)]
    pub began: Option<Moment>,
}

/// What an object is created for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A POST.
    Post,
    /// The vendor removed a disabled object; it is created again under this SCIM id.
    Recreate(ScimId),
    /// Nothing any more: the client knows which object has the name. The create may still take
    /// effect, so that nobody else may give the name away or take it.
    Answered,
}

impl Intent {
    /// How long ago it was written.
    pub(super) fn age(&self, process: &Process) -> Duration {
        Duration::from_millis(process.now().saturating_sub(self.at))
    }

    pub(super) fn shares_a_name(&self, names: &[Name]) -> bool {
        self.names.iter().any(|sent| names.contains(sent))
    }

    /// Whether it is of an earlier try of a POST with these names.
    pub(super) fn is_earlier_try(
        &self,
        kind: ResourceKind,
        names: &[Name],
        external_id: Option<&str>,
    ) -> bool {
        if self.kind != kind || self.purpose != Purpose::Post {
            return false;
        }
        let primary = self.names.first();
        let same_primary = primary.is_some() && primary == names.first();
        let same_external = external_id.is_some() && self.external_id.as_deref() == external_id;
        same_primary || (same_external && self.shares_a_name(names))
    }
}
