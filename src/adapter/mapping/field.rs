//! Where a value stands in the vendor's objects: `address.city`, `custom_fields[id=3].value`.

use rhai::{Array, Dynamic, Map};

/// A native field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    steps: Vec<Step>,
    written: String,
}

/// One member on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    name: String,
    /// The member is a list, and this is the element meant: the one with this value of that name.
    element: Option<(String, Key)>,
}

/// What tells the elements of a list apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Number(i64),
    Text(String),
}

impl Field {
    /// What a path must look like, for whoever wrote another.
    pub(super) const FORM: &str = "write members with dots between, and an element of a list as list[id=3].value or list[name='Cost centre'].value";

    /// Reads a path; `None` if it is none.
    pub(super) fn parse(written: &str) -> Option<Self> {
        let (mut steps, mut rest) = (Vec::new(), written);
        loop {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            let (element, behind) = match behind.strip_prefix('[') {
                None => (None, behind),
                Some(inside) => {
                    let (element, behind) = element(inside)?;
                    // What is told apart by one value has another one to hold.
                    behind.starts_with('.').then_some(())?;
                    (Some(element), behind)
                }
            };
            steps.push(Step {
                name: name.to_owned(),
                element,
            });
            match behind.strip_prefix('.') {
                Some(next) => rest = next,
                None => break,
            }
        }
        Some(Self {
            steps,
            written: written.to_owned(),
        })
    }

    /// The path as it is written.
    pub(super) fn dotted(&self) -> &str {
        &self.written
    }

    /// The member of the object that it stands in.
    pub(super) fn first(&self) -> &str {
        self.steps.first().map_or("", |step| &step.name)
    }

    /// The value in a native object; none if it is not there, or `()`.
    pub(super) fn get(&self, object: &Map) -> Option<Dynamic> {
        let (first, rest) = self.steps.split_first()?;
        let mut value = first.of(object)?;
        for step in rest {
            let inner = step.of(&*value.read_lock::<Map>()?)?;
            value = inner;
        }
        (!value.is_unit()).then_some(value)
    }

    /// Puts a value into the fields of a write.
    pub(super) fn put(&self, fields: &mut Map, value: Dynamic) {
        put(fields, &self.steps, value);
    }
}

/// What stands in brackets, and what follows them.
fn element(inside: &str) -> Option<((String, Key), &str)> {
    let (name, rest) = inside.split_once('=')?;
    let quote = rest
        .chars()
        .next()
        .filter(|first| matches!(first, '\'' | '"'));
    let (key, behind) = match quote {
        Some(quote) => {
            let (text, behind) = rest.get(1..)?.split_once(quote)?;
            (Key::Text(text.to_owned()), behind.strip_prefix(']')?)
        }
        None => {
            let (word, behind) = rest.split_once(']')?;
            let number = word.parse().map(Key::Number);
            (
                number.unwrap_or_else(|_| Key::Text(word.to_owned())),
                behind,
            )
        }
    };
    (!name.is_empty()).then(|| ((name.trim().to_owned(), key), behind))
}

impl Step {
    fn of(&self, object: &Map) -> Option<Dynamic> {
        let value = object.get(self.name.as_str())?;
        let Some((name, key)) = &self.element else {
            return Some(value.clone());
        };
        let list = value.read_lock::<Array>()?;
        list.iter().find(|one| key.is_of(one, name)).cloned()
    }
}

impl Key {
    /// A vendor may write the number as text.
    fn is_of(&self, element: &Dynamic, name: &str) -> bool {
        let element = element.read_lock::<Map>();
        let held = element.as_ref().and_then(|element| element.get(name));
        held.is_some_and(|held| match self {
            Self::Number(number) => held.to_string() == number.to_string(),
            Self::Text(text) => held.to_string() == *text,
        })
    }

    fn value(&self) -> Dynamic {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
        }
    }
}

fn put(fields: &mut Map, steps: &[Step], value: Dynamic) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    let name = step.name.as_str().into();
    if rest.is_empty() {
        fields.insert(name, value);
        return;
    }
    let Some((key_name, key)) = &step.element else {
        let inner = fields.entry(name).or_insert_with(|| Map::new().into());
        if let Some(mut inner) = inner.write_lock::<Map>() {
            put(&mut inner, rest, value);
        }
        return;
    };
    let list = fields.entry(name).or_insert_with(|| Array::new().into());
    let Some(mut list) = list.write_lock::<Array>() else {
        return;
    };
    let at = list.iter().position(|one| key.is_of(one, key_name));
    let at = at.unwrap_or_else(|| {
        list.push(Map::from([(key_name.as_str().into(), key.value())]).into());
        list.len() - 1
    });
    if let Some(mut inner) = list.get_mut(at).and_then(|one| one.write_lock::<Map>()) {
        put(&mut inner, rest, value);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::script::host::json;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(paths: &[(&str, Value)], object: Value) {
        let mut fields = Map::new();
        for (path, value) in paths {
            let field = Field::parse(path).unwrap();
            field.put(&mut fields, json::to_dynamic(value));
        }
        let written = Dynamic::from(fields.clone());
        assert_eq!(json::to_value(&written).unwrap(), object);
        for (path, value) in paths {
            let field = Field::parse(path).unwrap();
            let held = field
                .get(&fields)
                .map(|held| json::to_value(&held).unwrap());
            assert_eq!(held.as_ref(), Some(value), "{path}");
        }
    }

    #[test]
    fn a_path_leads_to_the_same_place_both_ways() {
        check(&[("mail", json!("a"))], json!({"mail": "a"}));
        check(
            &[("a.b", json!(1)), ("a.c", json!(2))],
            json!({"a": {"b": 1, "c": 2}}),
        );
        check(
            &[
                ("fields[id=3].value", json!("x")),
                ("fields[id=4].value", json!("y")),
                ("fields[id=3].note.text", json!("z")),
                ("fields[name='Cost. centre'].value", json!(7)),
            ],
            json!({"fields": [
                {"id": 3, "value": "x", "note": {"text": "z"}},
                {"id": 4, "value": "y"},
                {"name": "Cost. centre", "value": 7},
            ]}),
        );
    }

    #[test]
    fn an_element_that_is_not_there_holds_nothing() {
        let object = json!({"fields": [{"id": "3", "value": "x"}, 7], "other": {}});
        let object = json::to_dynamic(&object).cast::<Map>();
        let get = |path: &str| Field::parse(path).unwrap().get(&object);
        assert_eq!(get("fields[id=3].value").unwrap().to_string(), "x");
        assert!(get("fields[id=4].value").is_none());
        assert!(get("other[id=3].value").is_none());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "a[id=3]",
            "a[3].b",
            "a[id=3",
            "a[id='3].b",
            "a[=3].b",
            "a[id=3]b",
        ] {
            assert_eq!(Field::parse(path), None, "{path}");
        }
    }
}
