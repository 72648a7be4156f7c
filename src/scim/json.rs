//! JSON from strangers, read within bounds in one pass.
//!
//! serde_json alone takes depth 128 and lets the last of two equal keys win; two readers of one
//! document must not be able to see different values, so a duplicate key is an error here.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::{Object, ScimError};

/// What one document may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// Nesting of arrays and objects; a scalar has depth 0.
    pub depth: usize,
    /// Values of any kind, keys not counted.
    pub nodes: usize,
    /// Bytes of one string or key, after unescaping.
    pub string: usize,
    /// Whether texts may hold U+0000.
    pub nul: bool,
}

impl Default for JsonLimits {
    /// The limits for SCIM requests.
    fn default() -> Self {
        Self {
            depth: 32,
            nodes: 20_000,
            string: 64 * 1024,
            nul: false,
        }
    }
}

/// Reads one SCIM request body.
///
/// # Errors
/// `invalidSyntax`, saying what is wrong and at which line and column.
pub fn read(bytes: &[u8]) -> Result<Value, ScimError> {
    read_with(bytes, JsonLimits::default())
}

/// Reads one document within other limits (vendor replies).
///
/// # Errors
/// As [`read`].
pub fn read_with(bytes: &[u8], limits: JsonLimits) -> Result<Value, ScimError> {
    let nodes = Cell::new(0);
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let reader = Reader {
        limits: &limits,
        nodes: &nodes,
        depth: 0,
    };
    reader
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value))
        .map_err(|error| ScimError::invalid_syntax(format!("the body is not valid JSON: {error}")))
}

/// Builds one value; `depth` counts the containers around it.
#[derive(Clone, Copy)]
struct Reader<'a> {
    limits: &'a JsonLimits,
    nodes: &'a Cell<usize>,
    depth: usize,
}

impl Reader<'_> {
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth == self.limits.depth {
            return Err(E::custom(format_args!(
                "nested deeper than {}",
                self.limits.depth
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn count<E: Error>(self) -> Result<(), E> {
        self.nodes.set(self.nodes.get() + 1);
        if self.nodes.get() > self.limits.nodes {
            return Err(E::custom(format_args!(
                "more than {} values",
                self.limits.nodes
            )));
        }
        Ok(())
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        if text.len() > self.limits.string {
            return Err(E::custom(format_args!(
                "string longer than {} bytes",
                self.limits.string
            )));
        }
        if !self.limits.nul && text.contains('\0') {
            return Err(E::custom("the character U+0000 is not allowed"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        self.count()?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.text(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Object::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.text(&key)?;
            if object.contains_key(&key) {
                let shown: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format_args!(
                    "the key {shown:?} stands twice"
                )));
            }
            let value = entries.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = read(text.as_bytes()).unwrap_err();
        assert_eq!(error.scim_type, Some(super::super::ScimType::InvalidSyntax));
        assert!(error.detail.contains(why), "{}", error.detail);
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"b":[1,-2,3.5,true,null,"\u00e9\ud83d\ude00"],"a":{}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap(), expected);
        assert_eq!(
            read(text.as_bytes()).unwrap().to_string(),
            expected.to_string()
        );
    }

    #[test]
    fn refuses_with_the_reason_and_the_place() {
        refused("{\"userName\": tre, ", "line 1 column"); // U-17
        refused("", "EOF");
        refused("{} {}", "trailing");
        refused(r#"{"a":1,"a":2}"#, "the key \"a\" stands twice");
        refused(r#"{"a":"x\u0000"}"#, "U+0000");
        refused(r#"{"a\u0000":"x"}"#, "U+0000");
        refused(r#"{"a":1e999}"#, "number out of range");
        refused(&"[".repeat(40), "nested deeper than 32");
        refused(&"[".repeat(100_000), "nested deeper than 32");
        refused(
            &format!("[{}1]", "1,".repeat(20_000)),
            "more than 20000 values",
        );
        refused(&format!("\"{}\"", "x".repeat(65_537)), "longer than 65536");
        refused("\"\u{fffd}", "EOF");
    }

    #[test]
    fn invalid_utf8_is_refused() {
        assert!(read(b"\"\xff\"").is_err());
    }

    #[test]
    fn depth_of_the_limit_is_taken() {
        let text = format!("{}{}", "[".repeat(32), "]".repeat(32));
        assert!(read(text.as_bytes()).is_ok());
    }
}
