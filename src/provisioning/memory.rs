//! What the gateway must remember because the vendor cannot: the trait that
//! `store` implements.
//!
//! Three things live here: *value overrides* (what the client sent where the vendor's
//! value does not lead back to it, and attributes the vendor has no place
//! for), *issued ids* (for vendors whose own keys change or are unsafe in a
//! URL) and *memberships* (for vendors that cannot hold SCIM's group model).

use std::future::Future;
use std::pin::Pin;

use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::remembered::Remembered;
use crate::scim::ResourceKind;
use crate::script::fault::{Failure, GatewayFault};

/// The future every method of [`Memory`] returns. It belongs to no runtime's
/// reactor: the store works on its own thread and only wakes the waiter.
pub type Recall<'a, T> = Pin<Box<dyn Future<Output = Result<T, MemoryError>> + Send + 'a>>;

/// The store could not be read or written. Nothing was changed, unless the way to a database was
/// lost in the middle of a commit.
#[derive(Debug, thiserror::Error)]
#[error("the gateway's store is not available: {0}")]
pub struct MemoryError(pub String);

impl From<MemoryError> for Failure {
    fn from(error: MemoryError) -> Self {
        tracing::error!(error = %error, action = "check the store's file and disk", "store unavailable");
        Self::Gateway(GatewayFault::StoreUnavailable)
    }
}

/// One resource's membership in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: ScimId,
    /// Smaller is older; unique in the tenant.
    pub order: i64,
}

/// What the gateway keeps for its tenants. All methods take the tenant first,
/// alone or inside a key, and never see another one's rows.
pub trait Memory: Send + Sync {
    /// What is remembered of one resource, if anything.
    fn recall(&self, key: &ObjectKey) -> Recall<'_, Option<Remembered>>;

    /// The same for a page of resources of one kind, in the order asked.
    fn recall_page(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        ids: Vec<ScimId>,
    ) -> Recall<'_, Vec<Option<Remembered>>>;

    /// Replaces what is remembered; an empty value removes the row.
    fn remember(&self, key: &ObjectKey, remembered: Remembered) -> Recall<'_, ()>;

    /// Removes all that is kept of a resource: value overrides, issued id, and its
    /// memberships on either side.
    fn forget(&self, key: &ObjectKey) -> Recall<'_, ()>;

    /// The SCIM ids of native keys, issued (random, never used again) where a
    /// key is seen for the first time. In the order asked.
    fn issue_ids(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        natives: Vec<NativeId>,
    ) -> Recall<'_, Vec<ScimId>>;

    /// The native key behind an issued id.
    fn native_id(&self, key: &ObjectKey) -> Recall<'_, Option<NativeId>>;

    /// Gives an issued id a new native key (a renamed group, a re-created user).
    fn rebind(&self, key: &ObjectKey, native: NativeId) -> Recall<'_, ()>;

    /// Takes the native key that a change asked for ([`Remembered::becoming`]) as
    /// the resource's own, unless somebody concluded that change in the meantime.
    /// One step, for readers do it without the resource's lock.
    fn settle(&self, key: &ObjectKey, becoming: NativeId) -> Recall<'_, ()>;

    /// The members of a group, oldest membership first.
    fn members(&self, group: &ObjectKey) -> Recall<'_, Vec<ScimId>>;

    /// The groups a member is in, oldest membership first.
    fn memberships(&self, tenant: &TenantId, member: &ScimId) -> Recall<'_, Vec<Membership>>;

    /// Notes members; one that is already there keeps its age.
    fn add_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()>;

    /// Drops members; one that is not there is no error.
    fn remove_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()>;
}
