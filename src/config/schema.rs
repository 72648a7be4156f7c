//! The configuration's JSON schema, from its types: for editors, and for the
//! values of the chart. What the types cannot say, as a pattern, stands here
//! beside the deserialiser of the same name in `values.rs`.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::layer::Layer;
use super::{Config, REFERENCE};

/// The JSON schema (draft-07) of a configuration file. Descriptions are the
/// comments of `config.default.toml`; keys without a default are optional, but
/// for those that their section cannot be without.
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<Config>();
    RecursiveTransform(plain).transform(&mut schema);
    let mut schema = Value::from(schema);
    complete(&mut schema, "", &Layer::defaults());
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".into(), "Scimgate's configuration".into());
        schema.insert(
            "description".into(),
            "What is left out has its default.".into(),
        );
    }
    schema
}

pub(super) fn address(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^{ADDRESS}$") })
}

pub(super) fn some_address(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^({ADDRESS})?$") })
}

pub(super) fn web_url(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": r"^https?://[^/?#@\s]+(/[^?#\s]*)?$" })
}

pub(super) fn bytes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["integer", "string"],
        "minimum": 1,
        "pattern": "^[0-9]*[1-9][0-9]* *(B|KiB|MiB)?$",
    })
}

pub(super) fn retention(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": "^0*([6-9][0-9]s|[1-9][0-9]{2,}s|[1-9][0-9]*[mhd])$",
    })
}

const ADDRESS: &str = r"([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}";

/// Words become one `enum`, whose violation is told in one line; formats, which
/// only name Rust's types, become bounds.
fn plain(schema: &mut Schema) {
    if schema.remove("format").is_some_and(|it| it == "uint32") {
        schema.insert("maximum".into(), u32::MAX.into());
    }
    let Some(words) = schema.get("oneOf").and_then(words) else {
        return;
    };
    schema.remove("oneOf");
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), words.into());
}

fn words(choices: &Value) -> Option<Vec<Value>> {
    let each = choices.as_array()?.iter();
    each.map(|choice| choice.get("const").cloned()).collect()
}

/// Adds what the reference says of each key, and takes what has a default out
/// of what is required.
fn complete(schema: &mut Value, above: &str, defaults: &Layer) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    let key = |name: &str| format!("{above}{name}");
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        let names = |name: &Value| name.as_str().map(key);
        required.retain(|name| names(name).is_some_and(|key| defaults.value(&key).is_none()));
        if required.is_empty() {
            schema.remove("required");
        }
    }
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for (name, property) in properties {
        let key = key(name);
        complete(property, &format!("{key}."), defaults);
        let Some(property) = property.as_object_mut() else {
            continue;
        };
        if let Some(comment) = comment(&key) {
            property.insert("description".into(), comment.into());
        }
        property.remove("default");
        if let (Some(value), None) = (defaults.value(&key), property.get("properties")) {
            let value = serde_json::to_value(value).unwrap_or_default();
            property.insert("default".into(), value);
        }
    }
}

/// The comment above a key or section of the reference, in one line.
fn comment(key: &str) -> Option<String> {
    let mut section = "";
    let mut above = Vec::new();
    for line in REFERENCE.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            above.push(text);
            continue;
        }
        let line = line.trim_start_matches('#');
        let named = if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            section == key
        } else {
            let name = line.split_once(" = ").map_or("", |(name, _)| name);
            match key.rsplit_once('.') {
                Some((table, last)) => table == section && last == name,
                None => section.is_empty() && name == key,
            }
        };
        if named {
            return (!above.is_empty()).then(|| above.join(" "));
        }
        above.clear();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_and_has_its_default() {
        let schema = schema();
        let at = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
        let listen = at("/properties/server/properties/listen");
        assert_eq!(listen["default"], "127.0.0.1:8080");
        assert_eq!(
            listen["description"],
            "Address and port. 0.0.0.0 listens on all interfaces; port 0 takes any free port."
        );
        let log = at("/properties/log/properties/format");
        assert_eq!(log["enum"], serde_json::json!(["json", "text"]));
        let tls = at("/properties/server/properties/tls");
        assert_eq!(tls["required"], serde_json::json!(["certificate", "key"]));
        assert!(
            tls["description"]
                .as_str()
                .is_some_and(|it| it.starts_with("TLS 1.2 and"))
        );
        assert_eq!(schema.get("required"), None);
        assert!(!schema.to_string().contains("\"format\":\""), "{schema}");
    }

    #[test]
    fn every_section_refuses_what_is_misspelt() {
        fn walk(schema: &Value) {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                return;
            };
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            properties.values().for_each(walk);
        }
        walk(&schema());
    }
}
