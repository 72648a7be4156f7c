//! A PATCH applied without knowing the vendor's values must come to what it
//! comes to with them, or ask for them.

use serde_json::{Value, json};

use super::super::{Purpose, add_extra, assemble, extra_of, update_overrides};
use super::{Bench, bench};
use crate::adapter::mapping::Refusal;
use crate::adapter::remembered::Remembered;
use crate::scim::{Object, PatchRequest, Profile, Stop};
use crate::script::host::json;

/// A user at the vendor, and what is remembered of it.
struct State {
    row: Value,
    remembered: Remembered,
}

impl State {
    /// After Entra created `resource`.
    fn of(bench: &Bench, resource: &Value) -> Self {
        let resource = resource.as_object().unwrap();
        let changes = bench.mapping.whole(resource);
        let native = bench
            .mapping
            .write(&changes, resource, Purpose::Create, &bench.closures())
            .unwrap();
        let mut row = json::to_value(&native.fields.into()).unwrap();
        row["id"] = 7.into();
        let mut remembered = Remembered {
            extra: extra_of(&bench.mapping, resource),
            ..Remembered::default()
        };
        update_overrides(
            &bench.mapping,
            &mut remembered,
            &native.written,
            &bench.read(&row),
        );
        Self { row, remembered }
    }

    fn blind(&self, bench: &Bench) -> Object {
        let unknown = bench.mapping.unknown().clone();
        add_extra(&bench.mapping, unknown, &self.remembered.extra)
    }

    fn seen(&self, bench: &Bench) -> Object {
        assemble(&bench.mapping, &bench.read(&self.row), &self.remembered)
    }

    /// What Entra reads after `patch`; `None` if it depends on what is not known.
    fn after(
        &self,
        bench: &Bench,
        patch: &PatchRequest,
        before: Object,
    ) -> Option<Result<Object, String>> {
        let types = &bench.mapping.resource_type;
        let mut after = before.clone();
        match patch.apply(&mut after, types, Profile::Entra) {
            Err(Stop::NeedsRead) => return None,
            Err(Stop::Refused(error)) => return Some(Err(error.detail)),
            Ok(()) if !bench.mapping.is_told_apart(&after) => return None,
            Ok(()) => {}
        }
        let changes = bench.mapping.difference(&before, &after);
        let written = bench
            .mapping
            .write(&changes, &after, Purpose::Update, &bench.closures());
        let native = match written {
            Err(Refusal::NeedsRead) => return None,
            Err(refusal) => return Some(Err(format!("{:?}", refusal.into_failure()))),
            Ok(native) => native,
        };
        let mut row = self.row.clone();
        lay_over(&mut row, json::to_value(&native.fields.into()).unwrap());
        let mut remembered = Remembered {
            extra: extra_of(&bench.mapping, &after),
            ..self.remembered.clone()
        };
        let reading = bench.read(&row);
        update_overrides(&bench.mapping, &mut remembered, &native.written, &reading);
        Some(Ok(assemble(&bench.mapping, &reading, &remembered)))
    }
}

/// RFC 7396, but for null, which stays.
fn lay_over(row: &mut Value, changes: Value) {
    match (row, changes) {
        (Value::Object(row), Value::Object(changes)) => {
            for (name, change) in changes {
                lay_over(row.entry(name).or_insert(Value::Null), change);
            }
        }
        (row, changes) => *row = changes,
    }
}

fn states(bench: &Bench) -> Vec<State> {
    let users = [
        json!({"userName": "ada@example.com", "active": true}),
        super::ada(),
        json!({"userName": "ada@example.com", "active": true, "title": "Chief",
            "emails": [{"type": "work", "value": "Ada@Example.com", "primary": true, "display": "Ada"},
                       {"type": "home", "value": "ada@home.example"}],
            "phoneNumbers": [{"type": "work", "value": "+41442681234", "primary": true},
                             {"type": "mobile", "value": "+41790000000"}],
            "addresses": [{"type": "work", "streetAddress": "Hauptstr. 5", "country": "CH", "primary": true},
                          {"type": "home", "country": "DE"}],
            "name": {"givenName": "Ada"}, "roles": [{"value": "admin", "primary": true}]}),
    ];
    users.iter().map(|user| State::of(bench, user)).collect()
}

fn patches() -> Vec<Value> {
    let lists = ["emails", "phoneNumbers", "addresses"];
    let filters = [
        "",
        r#"[type eq "work"]"#,
        r#"[type eq "home"]"#,
        r#"[type eq "mobile"]"#,
        r#"[type ne "work"]"#,
        "[primary eq true]",
        "[primary eq false]",
        "[display pr]",
        "[value pr]",
        "[country pr]",
        r#"[value eq "x"]"#,
        r#"[type eq "work" and primary eq true]"#,
        r#"[type eq "work" and display eq "Ada"]"#,
    ];
    let subs = [
        (".value", json!("new@example.com")),
        (".value", json!("+41443334455")),
        (".value", json!("044 333 44 55")),
        (".type", json!("home")),
        (".type", json!("work")),
        (".primary", json!(true)),
        (".primary", json!(false)),
        (".display", json!("New")),
        (".country", json!("US")),
        (".streetAddress", json!("Allee 9")),
        ("", json!({"type": "home", "value": "z"})),
        ("", json!({"value": "+41440000000"})),
        ("", json!({"type": "work", "country": "FR"})),
        (
            "",
            json!([{"type": "work", "value": "w@example.com"}, {"type": "home", "value": "h", "primary": true}]),
        ),
        (
            "",
            json!([{"type": "home", "value": "only@home.example", "primary": true}]),
        ),
        ("", json!([{"value": "typeless"}])),
        (
            "",
            json!([{"type": "Work", "value": "W@example.com", "display": "D"}]),
        ),
    ];
    let mut patches = Vec::new();
    for list in lists {
        for filter in filters {
            for (sub, value) in &subs {
                // A part of all elements: of none, if the vendor should hold none.
                if filter.is_empty() && !sub.is_empty() {
                    continue;
                }
                let path = format!("{list}{filter}{sub}");
                for op in ["add", "replace", "remove"] {
                    let mut operation = json!({"op": op, "path": path});
                    if op != "remove" {
                        operation["value"] = value.clone();
                    }
                    patches.push(json!([operation]));
                }
            }
        }
    }
    patches.extend([
        json!([{"op": "remove", "path": "title"}]),
        json!([{"op": "replace", "value": {"title": "T", "nickName": "N", "name.givenName": "G"}}]),
        json!([{"op": "replace", "path": "name", "value": {"familyName": "F"}}]),
        json!([{"op": "remove", "path": "name"}]),
        json!([{"op": "remove", "path": "nickName"}]),
        json!([{"op": "add", "path": "roles", "value": [{"value": "r", "primary": true}]}]),
        json!([{"op": "remove", "path": "roles[primary eq true]"}]),
        json!([{"op": "replace", "path": "active", "value": "False"}]),
        json!([{"op": "remove", "path": "active"}]),
        json!([{"op": "remove", "path": "displayName"}]),
        json!([{"op": "remove", "path": "preferredLanguage"}, {"op": "add", "path": "preferredLanguage", "value": "de-CH"}]),
    ]);
    patches
}

#[test]
fn a_patch_applied_blindly_comes_to_the_same_as_one_that_looked() {
    let bench = bench();
    let (mut differing, mut blindly) = (Vec::new(), 0);
    for (number, state) in states(&bench).iter().enumerate() {
        for operations in patches() {
            let body =
                json!({"schemas": [crate::scim::patch::PATCH_SCHEMA], "Operations": operations});
            let Ok(patch) = PatchRequest::parse(body, &bench.mapping.resource_type, Profile::Entra)
            else {
                continue;
            };
            let Some(blind) = state.after(&bench, &patch, state.blind(&bench)) else {
                continue;
            };
            blindly += 1;
            let seen = state.after(&bench, &patch, state.seen(&bench)).unwrap();
            if blind != seen {
                differing.push(format!(
                    "state {number}: {operations}\n  blind {blind:?}\n  seen  {seen:?}"
                ));
            }
        }
    }
    assert!(blindly > 500, "{blindly}");
    assert!(
        differing.is_empty(),
        "{} of {blindly}:\n{}",
        differing.len(),
        differing.join("\n")
    );
}
