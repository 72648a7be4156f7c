//! What creating an object needs.

use super::intent::{Intent, Purpose};
use super::name::Name;
use crate::adapter::mapping::Change;

/// What a create needs beside the resource.
pub(super) struct Making {
    /// What for.
    pub(super) purpose: Purpose,
    /// The values that name the object, the primary one first.
    pub(super) names: Vec<Name>,
    /// The changes of the whole resource.
    pub(super) changes: Vec<Change>,
    /// The intent that was committed, or that an earlier try left.
    pub(super) intent: Option<Intent>,
}
