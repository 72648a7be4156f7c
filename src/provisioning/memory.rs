//! What the gateway must remember because the vendor cannot: the trait that
//! `store` implements.
//!
//! Three things live here: *value overrides* (what the client sent where the vendor's
//! value does not lead back to it, and attributes the vendor has no place
//! for), *issued ids* (for vendors whose own keys change or are unsafe in a
//! URL), *memberships* (for vendors that cannot hold SCIM's group model), *intents* (creates that
//! are begun) and *recent writes* (for vendors whose look-ups lag).

use std::future::Future;
use std::pin::Pin;

use super::intent::Intent;
use super::lease::Lease;
use super::recent::RecentWrite;
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
        Self::Gateway(GatewayFault::StoreUnavailable(error.0))
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

/// What a create leaves to keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Of which resource type the object is.
    pub kind: ResourceKind,
    /// What the vendor calls it.
    pub native: NativeId,
    /// The gateway issues ids of this type; otherwise the native id is the SCIM id.
    pub issued: bool,
    /// The object takes the place of another one under its SCIM id, `reserved`.
    pub rebinds: bool,
    /// The SCIM id it is to have, unless the vendor's key has one already.
    pub reserved: Option<ScimId>,
    /// What is remembered of it.
    pub remembered: Remembered,
}

/// What the gateway keeps for its tenants. All methods take the tenant first,
/// alone or inside a key, and never see another one's rows.
pub trait Memory: Send + Sync {
    /// Under which it is written, and under which the vendor may be.
    fn lease(&self) -> Lease {
        Lease::default()
    }

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

    /// The SCIM id of a native key, if one was issued.
    fn issued_id(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        native: &NativeId,
    ) -> Recall<'_, Option<ScimId>>;

    /// Commits what a create leaves to keep, all of it or nothing, and gives the object's SCIM
    /// id.
    fn complete(&self, tenant: &TenantId, completion: Completion) -> Recall<'_, ScimId>;

    /// Whether writes can be committed, so that nothing is written at the vendor that could not
    /// be noted here. A commit of the last second is proof enough.
    fn ready_to_write(&self) -> Recall<'_, ()>;

    /// The open intents of a tenant, oldest first.
    fn intents(&self, tenant: &TenantId) -> Recall<'_, Vec<Intent>>;

    /// Commits an intent, and deletes others in the same commit.
    fn begin_intent(&self, tenant: &TenantId, intent: Intent, ended: Vec<String>)
    -> Recall<'_, ()>;

    /// Writes an intent anew, unless it was deleted meanwhile: another gateway may have done so.
    fn change_intent(&self, tenant: &TenantId, intent: Intent) -> Recall<'_, ()>;

    /// Deletes intents.
    fn end_intents(&self, tenant: &TenantId, ended: Vec<String>) -> Recall<'_, ()>;

    /// The writes of a tenant that its vendor's look-ups may not show yet, oldest first; those
    /// that count until `since` or longer, in milliseconds since 1970.
    fn recent(&self, tenant: &TenantId, since: u64) -> Recall<'_, Vec<RecentWrite>>;

    /// Keeps such a write, and deletes those that look-ups show by now.
    fn keep_recent(&self, tenant: &TenantId, write: RecentWrite) -> Recall<'_, ()>;
}
