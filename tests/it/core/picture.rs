//! All there is at one moment, to tell whether a request changed anything.

use serde_json::Value;

/// The vendor's whole state, and all users and groups as Entra sees them, members included.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) vendor: Value,
    pub(super) users: Value,
    pub(super) groups: Value,
}

impl Picture {
    /// Asserts that nothing has changed but what a vendor counts with each write, whether or not
    /// the write changes a value.
    #[track_caller]
    pub(super) fn has_the_same_values(&self, now: &Self, what: &str) {
        let mut changes = Vec::new();
        differences("vendor", &self.vendor, &now.vendor, &mut changes);
        differences("Users", &self.users, &now.users, &mut changes);
        differences("Groups", &self.groups, &now.groups, &mut changes);
        let counted = [
            "/RowVersion:",
            "/updated_at:",
            "/lastModified:",
            "/version:",
        ];
        changes.retain(|change| counted.iter().all(|name| !change.contains(name)));
        let changes = changes.join("\n  ");
        assert!(changes.is_empty(), "{what}: changed\n  {changes}");
    }

    /// Asserts that nothing has changed since this picture was taken.
    #[track_caller]
    pub(super) fn is_still(&self, now: &Self, what: &str) {
        let mut changes = Vec::new();
        differences("vendor", &self.vendor, &now.vendor, &mut changes);
        differences("Users", &self.users, &now.users, &mut changes);
        differences("Groups", &self.groups, &now.groups, &mut changes);
        let changes = changes.join("\n  ");
        assert!(changes.is_empty(), "{what}: changed\n  {changes}");
    }
}

/// Every place at which two values differ, and how.
fn differences(place: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in old {
                let now = new.get(name).unwrap_or(&Value::Null);
                differences(&format!("{place}/{name}"), value, now, found);
            }
            for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                differences(&format!("{place}/{name}"), &Value::Null, value, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                differences(&format!("{place}/{index}"), old, new, found);
            }
        }
        (before, now) if before != now => found.push(format!("{place}: {before} -> {now}")),
        _ => {}
    }
}
