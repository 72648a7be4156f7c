#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::scim::tests::{object, print, types, value};

mod dialects;
mod hostile;
mod limits;
mod members;
mod unknown;

/// Applies `operations` (a JSON list) and returns the resource, or the error as
/// `scimType: detail`.
fn outcome(profile: Profile, kind: char, before: &str, operations: &str) -> Result<String, String> {
    let types = types(kind);
    let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": value(operations) });
    let refusal = |error: ScimError| {
        let keyword = error.scim_type.map_or("-", |scim_type| scim_type.as_str());
        format!("{keyword}: {}", error.detail)
    };
    let request = PatchRequest::parse(body, &types, profile).map_err(refusal)?;
    let mut target = object(before);
    let untouched = target.clone();
    match request.apply(&mut target, &types, profile) {
        Ok(()) => Ok(print(&target.into())),
        Err(stop) => {
            assert_eq!(target, untouched, "a stopped PATCH changed the resource");
            Err(match stop {
                Stop::Refused(error) => refusal(error),
                Stop::NeedsRead => "needs read".to_owned(),
            })
        }
    }
}

/// `after` is the resource, or a part of the error.
#[track_caller]
fn check_as(profile: Profile, kind: char, before: &str, operations: &str, after: &str) {
    match outcome(profile, kind, before, operations) {
        Ok(got) => assert_eq!(value(&got), value(after), "\n{operations}"),
        Err(error) => assert!(error.contains(after), "{error}\n{operations}"),
    }
}

#[track_caller]
fn check(before: &str, operations: &str, after: &str) {
    check_as(Profile::Entra, 'u', before, operations, after);
}

#[track_caller]
fn strict(before: &str, operations: &str, after: &str) {
    check_as(Profile::Strict, 'u', before, operations, after);
}

#[test]
fn rfc_add() {
    strict(
        "{}",
        r#"[{"op":"add","path":"title","value":"x"}]"#,
        r#"{"title":"x"}"#,
    ); // R173
    strict(
        r#"{"title":"a"}"#,
        r#"[{"op":"add","path":"title","value":"b"}]"#,
        r#"{"title":"b"}"#,
    );
    strict(
        r#"{"name":{"givenName":"A"}}"#,
        r#"[{"op":"add","path":"name","value":{"familyName":"L"}}]"#,
        r#"{"name":{"givenName":"A","familyName":"L"}}"#,
    );
    strict(
        r#"{"emails":[{"type":"work","value":"a@x"}]}"#,
        r#"[{"op":"add","path":"emails","value":[{"type":"home","value":"b@x"}]}]"#,
        r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home","value":"b@x"}]}"#,
    );
    strict(
        r#"{"emails":[{"type":"work","value":"a@x"}]}"#,
        r#"[{"op":"add","path":"emails","value":[{"type":"work","value":"A@x"}]}]"#, // R174
        r#"{"emails":[{"type":"work","value":"A@x"}]}"#,
    );
    strict(
        r#"{"title":"a"}"#,
        r#"[{"op":"add","value":{"nickName":"n","emails":[{"value":"a@x"}]}}]"#,
        r#"{"title":"a","nickName":"n","emails":[{"value":"a@x"}]}"#,
    );
    strict(
        "{}",
        r#"[{"op":"add","path":"emails[type eq \"work\"].value","value":"x"}]"#,
        "noTarget",
    );
}

#[test]
fn rfc_remove() {
    strict(
        r#"{"title":"a"}"#,
        r#"[{"op":"remove","path":"title"}]"#,
        "{}",
    );
    strict("{}", r#"[{"op":"remove","path":"title"}]"#, "{}"); // R176
    strict("{}", r#"[{"op":"remove"}]"#, "noTarget"); // R175
    strict(
        "{}",
        r#"[{"op":"remove","path":"userName"}]"#,
        "mutability: userName is required",
    );
    strict(
        "{}",
        r#"[{"op":"remove","path":"id"}]"#,
        "mutability: id is read-only",
    );
    strict("{}", r#"[{"op":"remove","path":"groups"}]"#, "mutability");
    strict(
        r#"{"emails":[{"type":"work","value":"a"},{"type":"home","value":"b"}]}"#,
        r#"[{"op":"remove","path":"emails[type eq \"work\" and value co \"a\"]"}]"#,
        r#"{"emails":[{"type":"home","value":"b"}]}"#,
    );
    strict(
        r#"{"emails":[{"type":"work","value":"a"}],"name":{"givenName":"A"},"ENT":{"department":"D"}}"#,
        r#"[{"op":"remove","path":"emails[value pr]"},{"op":"remove","path":"name.givenName"},{"op":"remove","path":"ENT:department"}]"#,
        "{}",
    );
    strict(
        r#"{"emails":[{"type":"work","value":"a"},{"display":"d","value":"b"}]}"#,
        r#"[{"op":"remove","path":"emails.value"}]"#,
        r#"{"emails":[{"display":"d"}]}"#,
    );
}

#[test]
fn rfc_replace() {
    strict(
        r#"{"name":{"givenName":"A","familyName":"L"}}"#,
        r#"[{"op":"replace","path":"name","value":{"givenName":"B"}}]"#, // R177
        r#"{"name":{"givenName":"B","familyName":"L"}}"#,
    );
    strict(
        r#"{"emails":[{"type":"work","value":"a"}]}"#,
        r#"[{"op":"replace","path":"emails","value":[{"value":"b"},{"value":"c"}]}]"#,
        r#"{"emails":[{"value":"b"},{"value":"c"}]}"#,
    );
    strict(
        r#"{"emails":[{"type":"work","value":"a"},{"type":"work","value":"b"},{"type":"home","value":"c"}]}"#,
        r#"[{"op":"replace","path":"emails[type eq \"work\"].display","value":"d"}]"#, // R178
        r#"{"emails":[{"type":"work","value":"a","display":"d"},{"type":"work","value":"b","display":"d"},{"type":"home","value":"c"}]}"#,
    );
    strict(
        r#"{"addresses":[{"type":"work","locality":"York","region":"N"}]}"#,
        r#"[{"op":"replace","path":"addresses[type eq \"work\"]","value":{"locality":"Leith"}}]"#,
        r#"{"addresses":[{"type":"work","locality":"Leith"}]}"#,
    );
    strict(
        "{}",
        r#"[{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}]"#,
        "noTarget",
    ); // R179
    strict(
        "{}",
        r#"[{"op":"replace","path":"title","value":null}]"#,
        "{}",
    );
    strict(
        "{}",
        r#"[{"op":"replace","path":"active","value":"False"}]"#,
        "active must be true or false",
    ); // R181
    strict(
        "{}",
        r#"[{"op":"replace","path":"title","value":7}]"#,
        "invalidValue: title must be a string",
    );
    strict(
        "{}",
        r#"[{"op":"replace","path":"id","value":"x"}]"#,
        "mutability",
    );
    strict(
        "{}",
        r#"[{"op":"replace","value":{"id":"x"}}]"#,
        "mutability",
    );
    strict(
        "{}",
        r#"[{"op":"replace","path":"bogus","value":"x"}]"#,
        "invalidPath: User has no attribute",
    ); // R180
    strict(
        "{}",
        r#"[{"op":"replace","path":"emails[type eq","value":"x"}]"#,
        "invalidPath: the path is wrong at byte 14",
    );
    strict(
        "{}",
        r#"[{"op":"replace","path":"userName","value":""}]"#,
        "invalidValue: userName is required",
    );
}

#[test]
fn one_primary() {
    // R134
    let two =
        r#"{"emails":[{"type":"work","value":"a","primary":true},{"type":"home","value":"b"}]}"#;
    let moved = r#"{"emails":[{"type":"work","value":"a","primary":false},{"type":"home","value":"b","primary":true}]}"#;
    strict(
        two,
        r#"[{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}]"#,
        moved,
    );
    strict(
        two,
        r#"[{"op":"add","path":"emails","value":[{"type":"other","value":"c","primary":true}]}]"#,
        r#"{"emails":[{"type":"work","value":"a","primary":false},{"type":"home","value":"b"},{"type":"other","value":"c","primary":true}]}"#,
    );
    let both = r#"[{"op":"replace","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}]"#;
    strict("{}", both, "emails has more than one primary value");
    check(
        "{}",
        both,
        r#"{"emails":[{"value":"a","primary":true},{"value":"b","primary":false}]}"#,
    );
}

#[test]
fn immutable_parts() {
    // R127
    let team = r#"{"members":[{"value":"u1"}]}"#;
    let rename = r#"[{"op":"replace","path":"members[value eq \"u1\"].value","value":"u2"}]"#;
    check_as(
        Profile::Strict,
        'g',
        team,
        rename,
        "mutability: value is immutable",
    );
    let same = r#"[{"op":"replace","path":"members[value eq \"u1\"].value","value":"u1"}]"#;
    check_as(Profile::Strict, 'g', team, same, team);
    let set = r#"[{"op":"add","path":"members[value eq \"u1\"].display","value":"U"}]"#;
    check_as(
        Profile::Strict,
        'g',
        team,
        set,
        r#"{"members":[{"value":"u1","display":"U"}]}"#,
    );
}

#[test]
fn in_order_and_all_or_nothing() {
    // R172; the last operation fails, `outcome` checks that nothing changed
    strict(
        r#"{"title":"a"}"#,
        r#"[{"op":"replace","path":"title","value":"b"},{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}]"#,
        "noTarget",
    );
    strict(
        r#"{"title":"a"}"#,
        r#"[{"op":"remove","path":"title"},{"op":"add","path":"title","value":"b"},{"op":"replace","path":"title","value":"c"}]"#,
        r#"{"title":"c"}"#,
    );
}

#[test]
fn schemas_follow_the_extensions() {
    // R138
    strict(
        r#"{"schemas":["core"]}"#,
        r#"[{"op":"add","path":"ENT:department","value":"D"}]"#,
        r#"{"schemas":["core","ENT"],"ENT":{"department":"D"}}"#,
    );
    strict(
        r#"{"schemas":["core","ENT"],"ENT":{"department":"D"}}"#,
        r#"[{"op":"remove","path":"ENT:department"}]"#,
        r#"{"schemas":["core"]}"#,
    );
    strict(
        r#"{"schemas":["core","ENT"],"ENT":{"department":"D","division":"V"}}"#,
        r#"[{"op":"remove","path":"ENT"}]"#,
        r#"{"schemas":["core"]}"#,
    );
}

#[test]
fn operations_on_long_lists_of_long_texts_are_given_up() {
    let types = types('u');
    let long = "\u{fdfa}".repeat(2_000);
    let elements: Vec<_> = (0..20)
        .map(|number| json!({ "value": format!("{long}{number}"), "type": format!("{number}") }))
        .collect();
    let mut user = Object::from_iter([("emails".to_owned(), elements.into())]);
    let remove = json!({ "op": "remove", "path": "emails[value co \"é\" or value co \"ü\"]" });
    let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": vec![remove; 60] });
    let request = PatchRequest::parse(body, &types, Profile::Entra).unwrap();
    let before = user.clone();
    match request.apply(&mut user, &types, Profile::Entra) {
        Err(Stop::Refused(error)) => assert_eq!(error.status, 413, "{}", error.detail),
        other => panic!("{other:?}"),
    }
    assert_eq!(user, before);
}

/// Each alone asks for little.
#[test]
fn what_can_be_applied_without_reading_has_one_budget_for_all_operations() {
    let types = types('u');
    let long = "\u{fdfa}".repeat(2_700);
    let phones: Vec<_> = (0..90)
        .map(|number| json!({ "value": long, "type": format!("{number}") }))
        .collect();
    let replace = json!({ "op": "replace", "path": "phoneNumbers", "value": phones });
    let remove = json!({ "op": "remove", "path": "phoneNumbers[value co \"é\"]" });
    let mut operations = vec![replace];
    operations.extend(vec![remove; 900]);
    let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": operations });
    let request = PatchRequest::parse(body, &types, Profile::Entra).unwrap();
    let applied = request.applied_so_far(&Object::new(), &types, Profile::Entra);
    assert_eq!(applied.unwrap_err().status, 413);
}

#[test]
fn an_operation_that_cannot_be_applied_without_reading_leaves_the_others() {
    let types = types('u');
    let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": [
        { "op": "replace", "path": "userName", "value": "ada" },
        { "op": "remove", "path": "phoneNumbers[type eq \"work\"]" },
        { "op": "add", "path": "emails", "value": [{ "value": "a@b.example", "type": "work" }] },
        { "op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@b.example" },
        { "op": "add", "path": "title", "value": "Boss" },
    ]});
    let request = PatchRequest::parse(body, &types, Profile::Strict).unwrap();
    let known = json!({ "phoneNumbers": UNKNOWN });
    let known = known.as_object().unwrap();
    assert!(request.applied(known, &types, Profile::Strict).is_err());
    let applied = request
        .applied_so_far(known, &types, Profile::Strict)
        .unwrap();
    let expect = json!({
        "phoneNumbers": UNKNOWN, "userName": "ada",
        "emails": [{ "value": "a@b.example", "type": "work" }], "title": "Boss",
    });
    assert_eq!(Value::Object(applied), expect);
}
