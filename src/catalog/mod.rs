//! Everything loadable, as one immutable generation.
//!
//! [`load()`] is the one door: `serve`, `check`, `test` and the demonstration come
//! through it. A request holds on to the generation it began with.
//!
//! - `disk`: the files, read once; `shelf`: the tenants in the store; `fingerprint`: what they hold, in 32 bytes; `places`: where
//!   a change of them shows; [`built_in`]: the adapters in the program;
//! - [`mod@load`]: from files to adapters and tenants; [`diagnostics`]: what is wrong
//!   with them;
//! - `held`: what runs, part by part, and what the next look changes of it;
//! - [`reload`]: the one that looks, and swaps; [`watch`]: what makes it look;
//! - [`preview`]: what a reload would change;
//! - [`standing`]: what runs against what lies on disk, for people;
//! - `mounts`: files that will never change, because of how they are mounted.

pub mod built_in;
pub mod diagnostics;
mod disk;
mod fingerprint;
mod held;
pub mod load;
mod mounts;
mod places;
pub mod preview;
pub mod reload;
mod shelf;
pub mod standing;
pub mod watch;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use diagnostics::Report;
pub use disk::Text;
pub use fingerprint::Fingerprint;
pub use held::unfit_certificate;
pub use load::{Sources, check_stored, load, load_with};
pub use preview::Preview;
pub use reload::{Demand, Effects, Plan, Reloader, log_problems};
pub use standing::{Outcome, Standing};

use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
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
    /// Adapters of which there are files, and which cannot be used by mistakes in them.
    pub broken_adapters: BTreeSet<String>,
}
