//! Where in a resource an expectation looks.
//!
//! `meta.resourceType`, `Resources[0].id`, `emails[work].value` (the entry of
//! that type), `addresses[type=work].locality`, `emails[type eq "work"].value`,
//! `{enterprise}.manager.value`, and the same with the extension's URN.

use serde_json::Value;

use super::world::ENTERPRISE;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
    Type(String),
}

/// A place in a resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path(Vec<Step>);

impl Path {
    /// Reads a place; `None` for a text that is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        let urn = rest
            .strip_prefix("{enterprise}")
            .or_else(|| rest.strip_prefix(ENTERPRISE));
        if let Some(below) = urn {
            steps.push(Step::Key(ENTERPRISE.to_owned()));
            rest = below.strip_prefix(['.', ':']).unwrap_or(below);
        }
        for part in split_outside(rest)
            .into_iter()
            .filter(|part| !part.is_empty())
        {
            steps.extend(steps_of(part)?);
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    /// What stands there.
    pub(super) fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Index(index) => value.get(index),
            Step::Type(name) => value
                .as_array()?
                .iter()
                .find(|entry| entry["type"] == name.as_str()),
            // Attribute names do not depend on case (RFC 7643 §2.1).
            Step::Key(key) => {
                let fields = value.as_object()?;
                let same = |name: &&String| name.eq_ignore_ascii_case(key);
                fields.keys().find(same).and_then(|name| fields.get(name))
            }
        })
    }
}

/// Splits at dots that are not inside brackets.
fn split_outside(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == '.' && depth == 0
    })
    .collect()
}

fn steps_of(part: &str) -> Option<Vec<Step>> {
    let (name, bracket) = match part.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']')?)),
        None => (part, None),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '$' | '_');
    let plain = !name.is_empty() && name.chars().all(fits);
    if !plain {
        return None;
    }
    let mut steps = vec![Step::Key(name.to_owned())];
    if let Some(inside) = bracket {
        let entry = inside.trim_start_matches("type").trim_start_matches(" eq ");
        let entry = entry.trim_start_matches('=').trim_matches('"');
        steps.push(match entry.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Type(entry.to_owned()),
        });
    }
    Some(steps)
}

#[test]
fn a_place_is_found_in_every_spelling() {
    let user = serde_json::json!({
        "userName": "ada",
        "emails": [{"type": "home", "value": "h"}, {"type": "work", "value": "w"}],
        ENTERPRISE: {"manager": {"value": "m"}},
    });
    for (text, found) in [
        ("userName", "ada"),
        ("USERNAME", "ada"),
        ("emails[0].value", "h"),
        ("emails[work].value", "w"),
        ("emails[type=work].value", "w"),
        (r#"emails[type eq "work"].value"#, "w"),
        ("{enterprise}.manager.value", "m"),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "m",
        ),
    ] {
        let path = Path::parse(text).unwrap();
        assert_eq!(path.of(&user), Some(&Value::from(found)), "{text}");
    }
    assert_eq!(Path::parse("two words"), None);
    assert_eq!(Path::parse("emails[work].nothing").unwrap().of(&user), None);
}
