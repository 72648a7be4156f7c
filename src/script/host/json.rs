//! Between JSON and script values, without rhai's own `parse_json`, which is
//! slow and deaf to deadlines.

use std::collections::btree_map::Entry;

use bytes::Bytes;
use rhai::{Array, Dynamic, Map};
use serde_json::{Number, Value};

use super::item::Item;
use crate::scim::json::{JsonLimits, Sizes, Tree, read_with};
use crate::script::{fiber, limits};

/// Deeper values are refused in both directions.
const DEPTH: usize = 64;

/// What one reply may hold; a page of 200 users has some 10,000 values.
const REPLY: JsonLimits = JsonLimits {
    depth: DEPTH,
    nodes: 100_000,
    string: 1 << 20,
    nul: true,
    all: Sizes::ANY,
    pause: fiber::rest,
};

/// What a script may hold, by the engine's way of counting.
const HELD: Sizes = Sizes {
    text: limits::MOST_TEXT,
    elements: limits::MOST_ELEMENTS,
    members: limits::MOST_MEMBERS,
};

/// Reads a vendor's reply body in one pass. `None` if it is no JSON, has a key twice in one
/// object, or is more than a script may hold.
pub(crate) fn parse(body: &[u8]) -> Option<Value> {
    read_with(body, JsonLimits { all: HELD, ..REPLY }).ok()
}

/// The same as a script sees it (see [`to_dynamic`]).
pub(crate) fn read(body: &[u8]) -> Option<Dynamic> {
    let Held(value) = read_with(body, JsonLimits { all: HELD, ..REPLY }).ok()?;
    Some(value)
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// A script cannot hold so much.
    TooMuch,
    /// It begins as JSON and ends too early.
    Cut,
    /// It is no JSON, or holds more than a reply may.
    Unlike,
}

/// Looks at a body that was not read, and keeps nothing of it.
pub(crate) fn why_unread(body: &[u8]) -> Unread {
    match read_with::<Nothing>(body, REPLY) {
        Ok(Nothing) => Unread::TooMuch,
        Err(error) if error.detail.contains("EOF while parsing") => Unread::Cut,
        Err(_) => Unread::Unlike,
    }
}

/// What is left of a document that is only looked at.
struct Nothing;

impl Tree for Nothing {
    type Key = ();
    type Members = ();

    fn null() -> Self {
        Self
    }

    fn truth(_: bool) -> Self {
        Self
    }

    fn integer(_: i64) -> Self {
        Self
    }

    fn natural(_: u64) -> Self {
        Self
    }

    fn real(_: f64) -> Option<Self> {
        Some(Self)
    }

    fn text(_: &str) -> Self {
        Self
    }

    fn list(_: Vec<Self>) -> Self {
        Self
    }

    fn object((): ()) -> Self {
        Self
    }

    fn key(_: &str) {}

    fn add((): &mut (), (): (), _: Self) -> Result<(), String> {
        Ok(())
    }
}

/// A value of a script in the making.
struct Held(Dynamic);

impl Tree for Held {
    type Key = rhai::Identifier;
    type Members = Map;

    fn null() -> Self {
        Self(Dynamic::UNIT)
    }

    fn truth(value: bool) -> Self {
        Self(value.into())
    }

    fn integer(value: i64) -> Self {
        Self(value.into())
    }

    fn natural(value: u64) -> Self {
        Self(natural(value))
    }

    fn real(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self(value.into()))
    }

    fn text(value: &str) -> Self {
        Self(value.into())
    }

    fn list(items: Vec<Self>) -> Self {
        let items: Array = items.into_iter().map(|Self(item)| item).collect();
        Self(items.into())
    }

    fn object(members: Map) -> Self {
        Self(members.into())
    }

    fn key(name: &str) -> Self::Key {
        name.into()
    }

    fn add(members: &mut Map, key: Self::Key, Self(value): Self) -> Result<(), String> {
        match members.entry(key) {
            Entry::Occupied(there) => Err(there.key().to_string()),
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
        }
    }
}

/// Whether a script may hold the value.
pub(crate) fn fits(value: &Value) -> bool {
    let mut sizes = Sizes::default();
    add(&mut sizes, value);
    sizes.text <= HELD.text && sizes.elements <= HELD.elements && sizes.members <= HELD.members
}

fn add(sizes: &mut Sizes, value: &Value) {
    match value {
        Value::String(text) => sizes.text += text.len(),
        Value::Array(items) => {
            sizes.elements += items.len();
            items.iter().for_each(|item| add(sizes, item));
        }
        Value::Object(members) => {
            sizes.members += members.len();
            members.values().for_each(|item| add(sizes, item));
        }
        _ => {}
    }
}

/// JSON as a script sees it. Integers beyond 64 bits become text, so that an id
/// never loses digits.
pub(crate) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => number_to_dynamic(number),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(to_dynamic).collect::<Array>().into(),
        Value::Object(members) => members
            .iter()
            .map(|(name, item)| (name.as_str().into(), to_dynamic(item)))
            .collect::<Map>()
            .into(),
    }
}

fn number_to_dynamic(number: &Number) -> Dynamic {
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => integer.into(),
        (None, Some(integer)) => natural(integer),
        (None, None) => number.as_f64().map_or(Dynamic::UNIT, Dynamic::from),
    }
}

fn natural(number: u64) -> Dynamic {
    i64::try_from(number).map_or_else(|_| number.to_string().into(), Dynamic::from)
}

/// A script value as JSON. `None` for what JSON cannot hold (functions, custom
/// types, NaN) and for values nested too deeply.
pub(crate) fn to_value(dynamic: &Dynamic) -> Option<Value> {
    convert(dynamic, DEPTH)
}

/// A script value as JSON text. `None` as of [`to_value`].
pub(super) fn written(dynamic: &Dynamic) -> Option<Bytes> {
    let value = to_value(dynamic)?;
    serde_json::to_vec(&value).ok().map(Bytes::from)
}

fn convert(dynamic: &Dynamic, room: usize) -> Option<Value> {
    if dynamic.is_unit() {
        return Some(Value::Null);
    }
    if let Ok(truth) = dynamic.as_bool() {
        return Some(truth.into());
    }
    if let Ok(integer) = dynamic.as_int() {
        return Some(integer.into());
    }
    if let Ok(float) = dynamic.as_float() {
        return Number::from_f64(float).map(Value::Number);
    }
    if let Some(text) = text_of(dynamic) {
        return Some(text.into());
    }
    if let Some(item) = dynamic.read_lock::<Item>() {
        return Some(item.value().clone());
    }
    let room = room.checked_sub(1)?;
    if let Some(items) = dynamic.read_lock::<Array>() {
        return items
            .iter()
            .map(|item| convert(item, room))
            .collect::<Option<_>>()
            .map(Value::Array);
    }
    let members = dynamic.read_lock::<Map>()?;
    let pairs = members
        .iter()
        .map(|(name, item)| Some((name.to_string(), convert(item, room)?)));
    pairs.collect::<Option<_>>().map(Value::Object)
}

fn text_of(dynamic: &Dynamic) -> Option<String> {
    dynamic
        .read_lock::<rhai::ImmutableString>()
        .map(|text| text.to_string())
        .or_else(|| dynamic.as_char().ok().map(String::from))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reply_of_too_many_values_is_not_read() {
        let many = |count: usize| format!("[0{}]", ",0".repeat(count));
        assert!(parse(many(9_000).as_bytes()).is_some());
        for (count, why) in [(99_000, Unread::TooMuch), (4_000_000, Unread::Unlike)] {
            let many = many(count);
            assert!(parse(many.as_bytes()).is_none());
            assert_eq!(why_unread(many.as_bytes()), why);
        }
        assert_eq!(why_unread(br#"{"a":[1,"#), Unread::Cut);
        assert!(
            parse(br#"{"a":1,"a":2}"#).is_none(),
            "two readers, two values"
        );
        assert!(parse(br#"{"a":"\u0000"}"#).is_some());
    }

    #[test]
    fn a_page_of_200_rich_users_is_held_by_a_script() {
        let user = |n: usize| {
            let fields = (0..100).map(|field| (format!("field{field}"), "x".repeat(160).into()));
            let mut user: serde_json::Map<_, _> = fields.collect();
            user.insert("groups".into(), (0..20).map(|id| json!(id + n)).collect());
            Value::Object(user)
        };
        let page = json!({"rows": (0..200).map(user).collect::<Vec<_>>()});
        assert!(fits(&page));
        let source = "fn main(page) { let rows = page.rows; rows.len() }";
        let engine = &crate::script::engine::scripting().engine;
        let ast = engine.compile(source).unwrap();
        let scope = &mut rhai::Scope::new();
        let held = engine.call_fn::<i64>(scope, &ast, "main", (to_dynamic(&page),));
        assert_eq!(held.unwrap(), 200);
        assert!(!fits(&json!({"rows": vec![0; 10_001]})));
        assert!(!fits(&json!({"text": "x".repeat((4 << 20) + 1)})));
    }

    #[test]
    fn a_reply_is_read_for_a_script_as_its_tree_would_be() {
        let texts = [
            r#"{"a":[1,-2,3.5,null,true,"x\n\u00e9"],"b":{},"big":18446744073709551615}"#,
            r#"{"a":1,"a":2}"#,
            r#"["#,
            r#"1e999"#,
            "[] []",
        ];
        for text in texts {
            let tree = parse(text.as_bytes()).map(|value| format!("{:?}", to_dynamic(&value)));
            let read = read(text.as_bytes()).map(|value| format!("{value:?}"));
            assert_eq!(read, tree, "{text}");
        }
        for large in [
            format!("[0{}]", ",0".repeat(10_000)),
            format!("\"{}\"", "x".repeat((4 << 20) + 1)),
        ] {
            assert!(read(large.as_bytes()).is_none());
        }
    }

    #[test]
    fn scripts_see_what_the_vendor_said_and_give_it_back() {
        let reply = json!({"id": 18231, "login": "ada", "tags": ["a", null, true], "rate": 1.5});
        let round = to_value(&to_dynamic(&reply)).unwrap();
        assert_eq!(round, reply);
    }

    #[test]
    fn an_integer_beyond_64_bits_keeps_its_digits_as_text() {
        let value = parse(b"18446744073709551615").unwrap();
        assert_eq!(
            to_value(&to_dynamic(&value)).unwrap(),
            json!("18446744073709551615")
        );
    }

    #[test]
    fn depth_is_bounded_both_ways() {
        let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        assert!(parse(deep.as_bytes()).is_none());
        let mut value = Dynamic::from(1_i64);
        for _ in 0..65 {
            value = vec![value].into();
        }
        assert!(to_value(&value).is_none());
    }

    #[test]
    fn functions_are_not_json() {
        let pointer = rhai::FnPtr::new("f").unwrap();
        assert!(to_value(&Dynamic::from(pointer)).is_none());
    }
}
