//! JSON from strangers, read within bounds in one pass.
//!
//! serde_json alone takes depth 128 and lets the last of two equal keys win; two readers of one
//! document must not be able to see different values, so a duplicate key is an error here.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Number, Value};

use super::error::quoted;
use super::{Object, ScimError};

/// What one document may hold.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    /// Nesting of arrays and objects; a scalar has depth 0.
    pub depth: usize,
    /// Values of any kind, keys not counted.
    pub nodes: usize,
    /// Bytes of one string or key, after unescaping.
    pub string: usize,
    /// Whether texts may hold U+0000.
    pub nul: bool,
    /// Of all values together.
    pub all: Sizes,
    /// Called now and then, for whoever lets others have their turn.
    pub pause: fn(),
}

/// So many values are read before the next pause.
const PAUSE: usize = 256;

/// How much all values of a document hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of texts, keys not counted.
    pub text: usize,
    /// Elements of arrays.
    pub elements: usize,
    /// Members of objects.
    pub members: usize,
}

impl Sizes {
    /// What [`JsonLimits::nodes`] does not bound is not bounded.
    pub const ANY: Self = Self {
        text: usize::MAX,
        elements: usize::MAX,
        members: usize::MAX,
    };
}

impl Default for JsonLimits {
    /// The limits for SCIM requests.
    fn default() -> Self {
        Self {
            depth: 32,
            nodes: 20_000,
            string: 64 * 1024,
            nul: false,
            all: Sizes::ANY,
            pause: || (),
        }
    }
}

/// What a document becomes.
pub trait Tree: Sized {
    /// A member's name.
    type Key;
    /// Members of an object.
    type Members: Default;

    /// `null`.
    fn null() -> Self;
    /// `true` or `false`.
    fn truth(value: bool) -> Self;
    /// A whole number.
    fn integer(value: i64) -> Self;
    /// A whole number, perhaps too large for an `i64`.
    fn natural(value: u64) -> Self;
    /// Another number; `None` if it cannot be held.
    fn real(value: f64) -> Option<Self>;
    /// A text.
    fn text(value: &str) -> Self;
    /// An array.
    fn list(items: Vec<Self>) -> Self;
    /// An object.
    fn object(members: Self::Members) -> Self;
    /// A name.
    fn key(name: &str) -> Self::Key;
    /// Adds a member.
    ///
    /// # Errors
    /// The name, if there is one of this name.
    fn add(members: &mut Self::Members, key: Self::Key, value: Self) -> Result<(), String>;
}

impl Tree for Value {
    type Key = String;
    type Members = Object;

    fn null() -> Self {
        Self::Null
    }

    fn truth(value: bool) -> Self {
        value.into()
    }

    fn integer(value: i64) -> Self {
        value.into()
    }

    fn natural(value: u64) -> Self {
        value.into()
    }

    fn real(value: f64) -> Option<Self> {
        Number::from_f64(value).map(Self::Number)
    }

    fn text(value: &str) -> Self {
        value.into()
    }

    fn list(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn object(members: Object) -> Self {
        Self::Object(members)
    }

    fn key(name: &str) -> String {
        name.to_owned()
    }

    fn add(members: &mut Object, key: String, value: Self) -> Result<(), String> {
        match members.entry(key) {
            Entry::Occupied(there) => Err(there.key().clone()),
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
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
pub fn read_with<T: Tree>(bytes: &[u8], limits: JsonLimits) -> Result<T, ScimError> {
    let held = Cell::new(Held::default());
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let reader = Reader {
        limits: &limits,
        held: &held,
        depth: 0,
        tree: PhantomData,
    };
    reader
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value))
        .map_err(|error| ScimError::invalid_syntax(format!("the body is not valid JSON: {error}")))
}

/// What was read so far.
#[derive(Clone, Copy, Default)]
struct Held {
    nodes: usize,
    all: Sizes,
}

/// Builds one value; `depth` counts the containers around it.
struct Reader<'a, T> {
    limits: &'a JsonLimits,
    held: &'a Cell<Held>,
    depth: usize,
    tree: PhantomData<T>,
}

impl<T> Clone for Reader<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reader<'_, T> {}

impl<T> Reader<'_, T> {
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

    fn count<E: Error>(self, more: impl FnOnce(&mut Held)) -> Result<(), E> {
        let mut held = self.held.get();
        more(&mut held);
        self.held.set(held);
        let JsonLimits { nodes, all, .. } = self.limits;
        if held.nodes > *nodes {
            return Err(E::custom(format_args!("more than {nodes} values")));
        }
        let Sizes {
            text,
            elements,
            members,
        } = held.all;
        if text > all.text || elements > all.elements || members > all.members {
            return Err(E::custom("more than may be held"));
        }
        Ok(())
    }

    fn check<E: Error>(self, text: &str) -> Result<(), E> {
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

impl<'de, T: Tree> DeserializeSeed<'de> for Reader<'_, T> {
    type Value = T;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<T, D::Error> {
        self.count(|held| held.nodes += 1)?;
        if self.held.get().nodes.is_multiple_of(PAUSE) {
            (self.limits.pause)();
        }
        source.deserialize_any(self)
    }
}

impl<'de, T: Tree> Visitor<'de> for Reader<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::null())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::truth(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Ok(T::integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Ok(T::natural(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        T::real(value).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        self.check(value)?;
        self.count(|held| held.all.text += value.len())?;
        Ok(T::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            self.count(|held| held.all.elements += 1)?;
            list.push(item);
        }
        Ok(T::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<T, A::Error> {
        let inner = self.inner()?;
        let mut members = T::Members::default();
        while let Some(key) = entries.next_key_seed(Name(self))? {
            self.count(|held| held.all.members += 1)?;
            let value = entries.next_value_seed(inner)?;
            T::add(&mut members, key, value).map_err(|name| {
                A::Error::custom(format_args!("the key {} stands twice", quoted(&name)))
            })?;
        }
        Ok(T::object(members))
    }
}

/// Reads a member's name.
struct Name<'a, T>(Reader<'a, T>);

impl<'de, T: Tree> DeserializeSeed<'de> for Name<'_, T> {
    type Value = T::Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<T::Key, D::Error> {
        source.deserialize_str(self)
    }
}

impl<T: Tree> Visitor<'_> for Name<'_, T> {
    type Value = T::Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T::Key, E> {
        self.0.check(name)?;
        Ok(T::key(name))
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
