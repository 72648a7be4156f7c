//! What `/Schemas` is to say, and to say of each attribute (RFC 7643 §7).

use serde_json::{Value, json};

use super::hold::{CORE_GROUP, CORE_USER, Held, same, that};
use super::world::ENTERPRISE;

pub(super) fn all_discovered(here: &Value) -> Held {
    for urn in [CORE_USER, CORE_GROUP, ENTERPRISE] {
        schema(here, urn)?;
    }
    Ok(())
}

fn schema<'v>(here: &'v Value, urn: &str) -> Result<&'v Value, String> {
    let schemas = here["Resources"]
        .as_array()
        .ok_or("there are no Resources")?;
    schemas
        .iter()
        .find(|schema| schema["id"] == urn)
        .ok_or_else(|| format!("{urn} is missing"))
}

pub(super) fn attributes_described(here: &Value) -> Held {
    for schema in here["Resources"].as_array().into_iter().flatten() {
        described(&schema["attributes"])?;
    }
    Ok(())
}

fn described(attributes: &Value) -> Held {
    let attributes = attributes.as_array().ok_or("attributes is no array")?;
    for attribute in attributes {
        let one_of = |key: &str, values: &[&str]| {
            let value = attribute[key].as_str().unwrap_or_default();
            that(values.contains(&value), || format!("{key} of {attribute}"))
        };
        that(attribute["name"].is_string(), || attribute.to_string())?;
        that(attribute["multiValued"].is_boolean(), || {
            attribute.to_string()
        })?;
        one_of(
            "type",
            &[
                "string",
                "boolean",
                "decimal",
                "integer",
                "dateTime",
                "reference",
                "complex",
                "binary",
            ],
        )?;
        one_of(
            "mutability",
            &["readOnly", "readWrite", "immutable", "writeOnly"],
        )?;
        one_of("returned", &["always", "never", "default", "request"])?;
        one_of("uniqueness", &["none", "server", "global"])?;
        if attribute["type"] == "complex" {
            described(&attribute["subAttributes"])?;
        }
    }
    Ok(())
}

/// SoSafe holds one e-mail address, one phone number and one address of a user,
/// all of them for work: more cannot be published, for what is published is
/// expected back. The other types of the sentence are remembered, not held.
pub(super) fn canonical_types(here: &Value) -> Held {
    let user = schema(here, CORE_USER)?;
    for name in ["emails", "phoneNumbers", "addresses"] {
        let attribute = named(&user["attributes"], name)?;
        let kind = named(&attribute["subAttributes"], "type")?;
        same(&kind["canonicalValues"], &json!(["work"]), name)?;
    }
    Ok(())
}

fn named<'v>(attributes: &'v Value, name: &str) -> Result<&'v Value, String> {
    let attributes = attributes.as_array().ok_or("attributes is no array")?;
    let found = attributes
        .iter()
        .find(|attribute| attribute["name"] == name);
    found.ok_or_else(|| format!("{name} is missing"))
}
