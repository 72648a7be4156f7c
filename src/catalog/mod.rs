//! Everything loadable, as one immutable generation.
//!
//! [`load()`] is the one door: `serve`, `check`, `test` and the demonstration come
//! through it. A request holds on to the generation it began with.

pub mod diagnostics;
mod lint;
pub mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use lint::lint;
pub use load::{Sources, load};

use crate::adapter::{Adapter, TenantId};
use crate::tenant::Tenant;

/// One generation of adapters and tenants.
#[derive(Debug, Default)]
pub struct Catalog {
    /// By name.
    pub adapters: BTreeMap<String, Arc<Adapter>>,
    /// By id.
    pub tenants: BTreeMap<TenantId, Arc<Tenant>>,
    /// Tenants that are there and cannot be used, by mistakes in their files or
    /// their adapter's. Their tokens are good, so nobody may be told otherwise.
    pub unusable: BTreeSet<TenantId>,
}
