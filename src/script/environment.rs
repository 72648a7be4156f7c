//! What a running script sees of its vendor and tenant.

use serde_json::Value;

use super::effects::Effects;
use super::fiber::Results;
use super::once::TenantLookUps;
use super::replies::ReplyTable;

/// What a script runs in: its vendor's manifest, its tenant's settings and batches.
pub(crate) trait Environment {
    /// How the vendor's replies are read and judged.
    fn replies(&self) -> &ReplyTable;

    /// A setting of the tenant.
    fn setting(&self, name: &str) -> Option<&Value>;

    /// Where GraphQL is spoken, if the manifest says so.
    fn graphql(&self) -> Option<&str>;

    /// The header of requests that are carried out once, if the manifest names one.
    fn request_token(&self) -> Option<&str>;

    /// What its calls have done at the vendor.
    fn effects(&self) -> &Effects;

    /// What the tenant's scripts have looked up.
    fn look_ups(&self) -> &TenantLookUps;

    /// Who takes items of batches; `None` in a batch's own function.
    fn batches(&self) -> Option<&dyn BatchPort>;
}

/// Takes items that go to the vendor by the batch.
pub(crate) trait BatchPort {
    /// Hands items in, in this order; their results come in the same order. `None` if there is
    /// no batch of this name.
    fn submit(&self, name: &str, items: Vec<Value>) -> Option<Results>;
}
