//! Custom attributes: those a vendor's customer defines for itself. The tenant lists them, and they
//! are served, published and kept like the table's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::Adapter;
use super::manifest::CustomAttributes;
use super::mapping;
use super::settings::Settings;
use crate::scim::compare::fold;
use crate::scim::schema::{Attribute, Extension, Schema};

impl Adapter {
    /// The adapter with the custom attributes that a tenant's settings list; itself if they list
    /// none.
    ///
    /// # Errors
    /// A sentence about a name that no attribute can have (RFC 7643 §2.1), or that comes twice.
    pub fn for_tenant(self: &Arc<Self>, settings: &Settings) -> Result<Arc<Self>, String> {
        let Some(custom) = &self.manifest.custom_attributes else {
            return Ok(Arc::clone(self));
        };
        let names = settings
            .get(&custom.setting)
            .map(listed)
            .unwrap_or_default();
        if names.is_empty() {
            return Ok(Arc::clone(self));
        }
        check(&names)?;
        let field = |name: &str| custom.field.replace("{name}", name);
        let user = mapping::with_custom(&self.user, extension(custom, &names), field);
        Ok(Arc::new(Self {
            user: Arc::new(user.map_err(|_| format!("`{}` cannot be served", custom.setting))?),
            ..Self::clone(self)
        }))
    }
}

fn listed(setting: &Value) -> Vec<String> {
    let texts: Vec<&str> = match setting {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::String(names) => names.split(',').collect(),
        _ => Vec::new(),
    };
    let names = texts
        .into_iter()
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn check(names: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        let fits = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"$-_".contains(&b));
        if !fits {
            return Err(format!(
                "`{name}` cannot be the name of an attribute: a letter, then letters, digits, `-`, `_`, `$`"
            ));
        }
        if !seen.insert(fold(name).into_owned()) {
            return Err(format!("`{name}` is listed twice"));
        }
    }
    Ok(())
}

fn extension(custom: &CustomAttributes, names: &[String]) -> Extension {
    let attribute = |name: &String| Attribute {
        name: name.clone(),
        kind: Default::default(),
        multi_valued: false,
        description: "Custom attribute".to_owned(),
        required: false,
        canonical_values: Vec::new(),
        case_exact: false,
        mutability: Default::default(),
        returned: Default::default(),
        uniqueness: Default::default(),
        reference_types: Vec::new(),
        sub_attributes: Vec::new(),
    };
    let schema = Schema {
        id: custom.schema.clone(),
        name: "CustomAttributes".to_owned(),
        description: "Attributes this customer has defined".to_owned(),
        attributes: names.iter().map(attribute).collect(),
    };
    Extension {
        schema: Arc::new(schema),
        required: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_listed_as_an_array_or_with_commas() {
        let both = [json!(["Badge", "Cost-Group"]), json!("Badge, Cost-Group,")];
        for setting in both {
            assert_eq!(listed(&setting), ["Badge", "Cost-Group"]);
        }
        assert!(listed(&json!([])).is_empty() && listed(&json!("")).is_empty());
    }

    #[test]
    fn a_name_that_no_attribute_can_have_is_told() {
        let told = |names: &[&str]| {
            check(
                &names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(told(&["Badge", "a-b_c$1"]).is_ok());
        for names in [&["a b"][..], &["1a"], &["a.b"], &["ä"], &["Badge", "badge"]] {
            assert!(told(names).is_err(), "{names:?}");
        }
    }
}
