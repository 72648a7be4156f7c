//! Where the cases meet SoSafe: what it needs beyond what Entra's smallest bodies have.

use serde_json::{Value, json};

use super::Case;

/// SoSafe has no account without first and last name (its contract: mandatory
/// fields). Cases that create a user with less get the two; so does the
/// fixture `user:min`.
const NEED_NAMES: &[&str] = &["L-04"];

pub(super) fn adapt(case: &mut Case) {
    if NEED_NAMES.contains(&case.id.as_str()) {
        add_names(&mut case.body);
    }
}

/// Adds the two mandatory name parts.
pub(super) fn add_names(user: &mut Value) {
    user["name"] = json!({"givenName": "Ada", "familyName": "Lane"});
}
