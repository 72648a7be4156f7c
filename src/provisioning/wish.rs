//! What a PATCH or PUT wants of a resource.

use serde_json::Value;

use crate::scim::patch::{Op, Operation};
use crate::scim::{AttrPath, Incoming, PatchRequest, Path};

/// What a request wants of a resource.
pub(super) enum Wish {
    /// These changes.
    Patch(PatchRequest),
    /// This resource in its place.
    Replace(Incoming),
}

impl Wish {
    /// Whether it switches an account off.
    pub(super) fn disables(&self) -> bool {
        match self {
            Self::Replace(incoming) => incoming.resource.get("active") == Some(&false.into()),
            Self::Patch(patch) => {
                let is_active =
                    |path: &Path| path.attr.schema.is_none() && path.attr.attribute == "active";
                let mut last_first = patch.operations.iter().rev();
                let last = last_first.find(|operation| is_active(&operation.path));
                last.is_some_and(|operation| operation.value == Some(Value::Bool(false)))
            }
        }
    }

    /// Switching an account off and nothing else.
    pub(super) fn disabling() -> Self {
        let path = Path::of(AttrPath {
            schema: None,
            attribute: "active".to_owned(),
            sub: None,
        });
        Self::Patch(PatchRequest {
            operations: vec![Operation {
                op: Op::Replace,
                path,
                value: Some(Value::Bool(false)),
            }],
            ignored: Vec::new(),
        })
    }
}
