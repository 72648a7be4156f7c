//! Entity tags (RFC 7644 §3.14): weak, and computed from the content, so that no counter needs
//! to be stored and every replica answers the same.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Object;

/// The weak ETag of a resource, `W/"<16 hex>"`. `meta` and the order of keys do not count.
pub fn version(resource: &Object) -> String {
    let mut hash = Sha256::new();
    add_object(&mut hash, resource, "meta");
    let digest = hash.finalize();
    let hex: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("W/\"{hex}\"")
}

fn add_object(hash: &mut Sha256, object: &Object, without: &str) {
    let mut entries: Vec<_> = object.iter().filter(|(name, _)| *name != without).collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    hash.update(b"{");
    for (name, value) in entries {
        add_text(hash, name);
        add(hash, value);
    }
    hash.update(b"}");
}

fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(object) => add_object(hash, object, ""),
        Value::Array(list) => {
            hash.update(b"[");
            list.iter().for_each(|item| add(hash, item));
            hash.update(b"]");
        }
        Value::String(text) => add_text(hash, text),
        other => hash.update(other.to_string()),
    }
}

/// The length in front keeps neighbouring texts apart.
fn add_text(hash: &mut Sha256, text: &str) {
    hash.update(b"\"");
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(text: &str) -> String {
        version(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn content_decides_order_and_meta_do_not() {
        let base = of(r#"{"a":"x","b":[1,2],"meta":{"version":"1"}}"#);
        assert_eq!(base, of(r#"{"b":[1,2],"a":"x","meta":{"version":"2"}}"#));
        for other in [
            r#"{"a":"x","b":[2,1]}"#,
            r#"{"a":"y","b":[1,2]}"#,
            r#"{"a":"x"}"#,
        ] {
            assert_ne!(base, of(other));
        }
        assert_ne!(of(r#"{"a":["bc","d"]}"#), of(r#"{"a":["b","cd"]}"#));
    }

    #[test]
    fn looks_weak() {
        let version = of("{}");
        assert_eq!((version.len(), version.get(..3)), (20, Some("W/\"")));
    }
}
