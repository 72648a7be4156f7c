//! What was expected against what was found.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What it is: `address.city`, `manifest limits.per_second`, `user ada, city`.
    pub what: String,
    /// What a transcript has, Entra wanted or runs now; `None` for nothing.
    #[serde(rename = "before")]
    pub expected: Option<String>,
    /// What came, the vendor holds or lies on disk; `None` for nothing.
    #[serde(rename = "after")]
    pub found: Option<String>,
}

/// What differs between two sets of named texts.
pub fn differences(
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let different = names.into_iter().filter_map(|name| {
        let (expected, found) = (expected.get(name), found.get(name));
        (expected != found).then(|| Difference {
            what: name.clone(),
            expected: expected.cloned(),
            found: found.cloned(),
        })
    });
    different.collect()
}
