//! PATCH (RFC 7644 §3.5.2): every dialect is parsed into one normal form, which is applied to a
//! resource or, for group members, folded into two lists.

mod apply;
mod elements;
mod members;
mod parse;
mod received;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::work::{self, Spent, Work};
use super::{Object, Path, Profile, ResourceType, ScimError};

pub use members::MemberChanges;

/// The message schema of a PATCH body.
pub const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Stands in a resource for a value that only the vendor knows. It begins with U+0000, which no
/// request can contain, so it equals nothing that was ever sent.
pub const UNKNOWN: &str = "\u{0}unknown";

/// Most operations in one request, counted as received.
pub const MAX_OPERATIONS: usize = 1000;
/// Most objects, list elements and single values in one request.
pub const MAX_VALUES: usize = 5000;
/// Longest path, in bytes.
pub const MAX_PATH: usize = 512;

/// A PATCH of more operations, or of a list of more elements, may take a millisecond or two to apply.
const MANY: usize = 50;

/// A PATCH body in normal form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatchRequest {
    /// In the order of the request; one received operation may have become several or none.
    pub operations: Vec<Operation>,
    /// Paths and names that no schema has, as they were spelt. They are skipped, so that an
    /// unmapped attribute cannot hold up the disabling of an account.
    pub ignored: Vec<String>,
}

/// One change.
///
/// `Add` and `Replace` carry a value in canonical form: a list for a multi-valued attribute
/// without filter, an object only for the elements a filter selects. `Remove` carries none, or
/// the list of elements to be removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What is done.
    pub op: Op,
    /// Where.
    pub path: Path,
    /// With what.
    pub value: Option<Value>,
}

impl Operation {
    /// Whether it is about a core attribute.
    pub fn is_about(&self, attribute: &str) -> bool {
        self.path.attr.schema.is_none() && self.path.attr.attribute == attribute
    }
}

/// The three operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// RFC 7644 §3.5.2.1.
    Add,
    /// RFC 7644 §3.5.2.2.
    Remove,
    /// RFC 7644 §3.5.2.3.
    Replace,
}

/// Why a PATCH was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The request is at fault.
    Refused(ScimError),
    /// The outcome depends on a value that is [`UNKNOWN`]: read the resource and apply again.
    NeedsRead,
}

impl From<ScimError> for Stop {
    fn from(error: ScimError) -> Self {
        Self::Refused(error)
    }
}

impl PatchRequest {
    /// Applies all operations in order, or none: on any stop the target is untouched.
    ///
    /// [`UNKNOWN`] values may be overwritten, removed and left alone; a decision that depends on
    /// one stops with [`Stop::NeedsRead`].
    ///
    /// # Errors
    /// [`Stop::Refused`] with `noTarget` or `mutability`, or 413 when it asks for too much
    /// [`Work`]; [`Stop::NeedsRead`].
    pub fn apply(
        &self,
        target: &mut Object,
        types: &ResourceType,
        profile: Profile,
    ) -> Result<(), Stop> {
        *target = self.applied(target, types, profile)?;
        Ok(())
    }

    /// The same, and the target stays.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn applied(
        &self,
        target: &Object,
        types: &ResourceType,
        profile: Profile,
    ) -> Result<Object, Stop> {
        let mut draft = target.clone();
        let mut operations = self.operations.iter();
        let applied = Work::of(work::PATCH).charged(|| {
            operations.try_for_each(|operation| apply::apply(operation, &mut draft, types, profile))
        });
        applied.map_err(|spent| Stop::Refused(spent.by_patch()))??;
        Ok(draft)
    }

    /// The operations that can be applied to what is known of the target, without the others: those that
    /// depend on a value that is [`UNKNOWN`], or are refused, are judged when it is read.
    ///
    /// # Errors
    /// 413 when they ask for too much [`Work`] in all.
    pub fn applied_so_far(
        &self,
        target: &Object,
        types: &ResourceType,
        profile: Profile,
    ) -> Result<Object, ScimError> {
        let mut draft = target.clone();
        let applied = Work::of(work::PATCH).charged(|| {
            for operation in &self.operations {
                apply::apply_or_leave(operation, &mut draft, types, profile);
            }
        });
        applied.map_err(Spent::by_patch)?;
        Ok(draft)
    }

    /// Whether applying it may take so long that it waits for its turn.
    pub fn is_long(&self) -> bool {
        let length = |value: &Value| value.as_array().map_or(0, Vec::len);
        let mut values = self.operations.iter().filter_map(|it| it.value.as_ref());
        self.operations.len() > MANY || values.any(|value| length(value) > MANY)
    }

    /// Whether an operation is about an attribute, by the extension it stands under.
    pub fn writes(&self, urn: Option<&str>, attribute: &str) -> bool {
        let mut paths = self.operations.iter().map(|operation| &operation.path.attr);
        paths.any(|path| path.schema.as_deref() == urn && path.attribute == attribute)
    }

    /// The same without what is about `members`.
    #[must_use]
    pub fn without_members(&self) -> Self {
        let (mut rest, _) = self.clone().split_members();
        rest.operations
            .retain(|operation| !operation.is_about("members"));
        rest
    }
}
