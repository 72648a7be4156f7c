//! Our reading of filters against another one's, that of the crate `scim_v2`: generated filters
//! are accepted or refused by both, and mean the same on the same resource.
//!
//! Known differences, each skipped where it shows:
//! - the crate knows no schema: what we refuse for an unknown name, or for a value or an
//!   operator that does not fit the attribute's type, it takes ([`SCHEMA_SAYS`]);
//! - it follows the letter of the ABNF in that nothing may follow `emails[…]`; Entra sends
//!   `emails[…].value eq "x"`, so we take it under every profile (not generated, and skipped
//!   where chance makes one);
//! - it allows 64 levels and 1,024 terms, we allow 16 and 64 (generated filters stay below);
//! - it wants a space after `not` and around `and`; we do not (generated ones have them);
//! - it reads `( primary eq true)` as `pr` followed by `imary` ([`glued`] leaves no space there).

use proptest::prelude::*;
use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter as Theirs, ValFilter};
use scimgate::scim::{Filter, Object, Profile, ResourceKind};
use serde_json::Value;

use crate::table::{json_of, long, types};

/// Parts of our refusals that come from a schema and not from the grammar.
const SCHEMA_SAYS: [&str; 6] = [
    "no attribute",
    "is compared with",
    "does not apply to",
    "has parts",
    "brackets need a list",
    "not a sub-attribute",
];

const ADA: &str = r#"{
    "id": "A1", "externalId": "x1", "userName": "Ada", "active": true, "title": "B and c",
    "name": {"givenName": "Ada", "familyName": "Lane"},
    "emails": [{"type": "work", "value": "ada@x", "primary": true}, {"type": "home", "value": "b@x"}],
    "roles": [],
    "meta": {"created": "2026-01-01T00:00:00Z"},
    "ENT": {"department": "R"},
    "KIT": {"count": 7, "weight": 1.5}
}"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_global_rejects: 30_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// R154 R155 R156 R159: what the grammar makes is taken by both and means the same.
    #[test]
    fn both_understand_the_same(text in filter()) {
        let text = long(&glued(&text));
        let ours = Filter::parse(&text, &types(ResourceKind::User), Profile::Strict);
        let theirs: Result<Theirs, _> = text.parse();
        prop_assert!(ours.is_ok(), "{text}: {ours:?}");
        prop_assert!(theirs.is_ok(), "{text}: {theirs:?}");
        let ada = json_of(ADA);
        let ada = ada.as_object().unwrap();
        let want = matches(&theirs.unwrap(), ada);
        prop_assert_eq!(ours.unwrap().matches(ada, &types(ResourceKind::User)), want, "{}", text);
    }

    /// R162: words taken out, doubled and exchanged are refused by both or by none.
    #[test]
    fn both_refuse_the_same(words in filter().prop_map(words), harm in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8), 1..3)) {
        let text = harmed(words, &harm).join(" ");
        let text = long(&glued(&text));
        let follows = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];
        let value_path_goes_on = follows.iter().any(|word| text.contains(&format!("] {word}")));
        prop_assume!(!value_path_goes_on);
        let ours = Filter::parse(&text, &types(ResourceKind::User), Profile::Strict);
        if let Err(error) = &ours {
            prop_assume!(!SCHEMA_SAYS.iter().any(|part| error.detail.contains(part)));
        }
        let theirs: Result<Theirs, _> = text.parse();
        // There `not` may be the name of an attribute; here it is the operator alone.
        prop_assume!(!text.contains("not["));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}: {:?} {:?}", text, ours, theirs);
    }
}

/// Any filter of the grammar over attributes of every type, spaces between all words.
fn filter() -> impl Strategy<Value = String> {
    logical(prop_oneof![4 => comparison(), 1 => value_path()])
}

fn logical(leaf: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(a, b)| format!("{a} and {b}")),
            pair.prop_map(|(a, b)| format!("{a} or {b}")),
            inner.clone().prop_map(|a| format!("not ( {a} )")),
            inner.prop_map(|a| format!("( {a} )")),
        ]
    })
}

fn value_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        texts("type", &["work", "HOME", "x"]),
        texts("value", &["ada@x", "B@x"]),
        any_of(&[
            "primary eq true",
            "primary ne true",
            "display pr",
            "type pr"
        ]),
    ];
    logical(part).prop_map(|inner| format!("emails [ {inner} ]"))
}

fn comparison() -> impl Strategy<Value = String> {
    prop_oneof![
        texts("userName", &["ada", "ADA", "b", "da", ""]),
        texts(
            "title",
            &[
                "b and c",
                "B AND C",
                "x) or (y",
                "\\\"",
                "\\u0041",
                "\\ud83d\\ude00"
            ]
        ),
        texts("id", &["A1", "a1"]),
        texts(
            "urn:ietf:params:scim:schemas:core:2.0:User:externalId",
            &["x1", "X1"]
        ),
        texts("name.familyName", &["lane", "lan"]),
        texts("emails", &["ADA@x", "@"]),
        texts("emails.type", &["work", "other"]),
        texts("emails.display", &["d"]),
        texts("roles.value", &["a"]),
        texts("nickName", &["a", ""]),
        texts("ENT:department", &["r", "q"]),
        ordered("KIT:count", &["7", "7.0", "-1", "0.7e1", "10"]),
        ordered("KIT:weight", &["1.5", "2"]),
        ordered(
            "meta.created",
            &[
                "\"2026-01-01T00:00:00Z\"",
                "\"2026-01-01T01:00:00+01:00\"",
                "\"2027-01-01T00:00:00Z\""
            ]
        ),
        any_of(&[
            "active eq true",
            "active ne true",
            "active eq false",
            "ACTIVE NE null"
        ]),
        any_of(&[
            "title pr",
            "name pr",
            "roles pr",
            "emails pr",
            "nickName eq null",
            "userName ne null"
        ]),
    ]
}

fn texts(path: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    let operators = [
        "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Co",
    ];
    (
        prop::sample::select(operators.to_vec()),
        prop::sample::select(values),
    )
        .prop_map(move |(operator, value)| format!("{path} {operator} \"{value}\""))
}

fn ordered(path: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    let operators = ["eq", "ne", "gt", "ge", "lt", "le"];
    (
        prop::sample::select(operators.to_vec()),
        prop::sample::select(values),
    )
        .prop_map(move |(operator, value)| format!("{path} {operator} {value}"))
}

fn any_of(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(choices).prop_map(str::to_owned)
}

/// Brackets without spaces around them.
fn glued(text: &str) -> String {
    let pairs = [(" [ ", "["), (" ]", "]"), ("( ", "("), (" )", ")")];
    pairs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Split at spaces outside of quotes.
fn words(text: String) -> Vec<String> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    });
    parts.map(str::to_owned).collect()
}

fn harmed(mut words: Vec<String>, harm: &[(prop::sample::Index, u8)]) -> Vec<String> {
    for (place, what) in harm {
        if words.is_empty() {
            break;
        }
        let at = place.index(words.len());
        match what {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at].clone()),
            _ => {
                let middle = words.len() / 2;
                words.swap(at, middle);
            }
        }
    }
    words
}

/// What `scim_v2` understood, evaluated as RFC 7644 says, without our code.
fn matches(filter: &Theirs, resource: &Object) -> bool {
    match filter {
        Theirs::And(all) => all.as_slice().iter().all(|one| matches(one, resource)),
        Theirs::Or(any) => any.as_slice().iter().any(|one| matches(one, resource)),
        Theirs::Not(inner) => !matches(inner, resource),
        Theirs::Attr(test) => test_attribute(test, resource),
        Theirs::ValuePath(path) => {
            let elements = resource.get(&path.attr.name).and_then(Value::as_array);
            elements
                .into_iter()
                .flatten()
                .any(|element| element_matches(&path.filter, element))
        }
    }
}

fn element_matches(filter: &ValFilter, element: &Value) -> bool {
    match filter {
        ValFilter::And(all) => all
            .as_slice()
            .iter()
            .all(|one| element_matches(one, element)),
        ValFilter::Or(any) => any
            .as_slice()
            .iter()
            .any(|one| element_matches(one, element)),
        ValFilter::Not(inner) => !element_matches(inner, element),
        ValFilter::Attr(test) => test_attribute(test, element.as_object().unwrap()),
    }
}

fn test_attribute(test: &AttrExp, holder: &Object) -> bool {
    let path = match test {
        AttrExp::Present(path) | AttrExp::Comparison(path, ..) => path,
    };
    let values = values(path, holder);
    match test {
        AttrExp::Present(_) => values.iter().any(Option::is_some),
        AttrExp::Comparison(path, operator, wanted) => {
            let exact = matches!(path.name.as_str(), "id" | "externalId");
            values
                .iter()
                .any(|value| compare(*value, operator, wanted, exact))
        }
    }
}

/// The values a path stands for; `None` is an absent one.
fn values<'r>(path: &AttrPath, holder: &'r Object) -> Vec<Option<&'r Value>> {
    let mut holder = holder;
    if let Some(urn) = path.uri.as_deref().filter(|urn| !urn.contains(":core:")) {
        match holder.get(urn).and_then(Value::as_object) {
            Some(extension) => holder = extension,
            None => return vec![None],
        }
    }
    let found = holder
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&path.name));
    let part = |value: &'r Value| match (value, &path.sub_attr) {
        (Value::Object(parts), Some(sub)) => parts.get(sub),
        (Value::Object(parts), None) if parts.contains_key("value") => parts.get("value"),
        _ => Some(value),
    };
    match found.map(|(_, value)| value) {
        None => vec![None],
        Some(Value::Array(list)) if list.is_empty() => vec![None],
        Some(Value::Array(list)) => list.iter().map(part).collect(),
        Some(one) => vec![part(one)],
    }
}

fn compare(value: Option<&Value>, operator: &CompareOp, wanted: &CompValue, exact: bool) -> bool {
    let Some(value) = value else {
        let null = matches!(wanted, CompValue::Null);
        return (*operator == CompareOp::Eq && null) || (*operator == CompareOp::Ne && !null);
    };
    match (value, wanted) {
        (_, CompValue::Null) => *operator == CompareOp::Ne,
        (Value::Bool(a), CompValue::True | CompValue::False) => {
            let equal = *a == (*wanted == CompValue::True);
            equal == (*operator == CompareOp::Eq)
        }
        (Value::Number(a), CompValue::Number(b)) => {
            ordered_by(operator, a.as_f64().partial_cmp(&b.as_f64()).unwrap())
        }
        (Value::String(a), CompValue::Str(b)) => {
            if let (Ok(a), Ok(b)) = (a.parse::<jiff::Timestamp>(), b.parse::<jiff::Timestamp>()) {
                return ordered_by(operator, a.cmp(&b));
            }
            let fold = |text: &str| {
                if exact {
                    text.to_owned()
                } else {
                    text.to_lowercase()
                }
            };
            compare_texts(operator, &fold(a), &fold(b))
        }
        _ => *operator == CompareOp::Ne,
    }
}

fn compare_texts(operator: &CompareOp, a: &str, b: &str) -> bool {
    match operator {
        CompareOp::Co => a.contains(b),
        CompareOp::Sw => a.starts_with(b),
        CompareOp::Ew => a.ends_with(b),
        _ => ordered_by(operator, a.cmp(b)),
    }
}

fn ordered_by(operator: &CompareOp, order: std::cmp::Ordering) -> bool {
    match operator {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        _ => false,
    }
}
