//! Applying without having read: the result must be the one that reading would have given, or
//! "needs read".

use super::*;
use proptest::prelude::*;

const BLIND: &str = r#"{"userName":"?","active":"?","title":"?","name":{"givenName":"?","familyName":"?"},
    "emails":[{"type":"work","value":"?"}],"roles":[{"primary":true,"value":"?"}],"ENT":{"manager":{"value":"?"}}}"#;

/// `?` stands for an unknown value.
#[track_caller]
fn blind(operations: &str, changes: &str) {
    let before = BLIND.replace('?', "\\u0000unknown");
    let mut after = object(&before);
    if !changes.starts_with('{') {
        assert_eq!(
            outcome(Profile::Entra, 'u', &before, operations).unwrap_err(),
            changes
        );
        return;
    }
    for (name, value) in object(&changes.replace('?', "\\u0000unknown")) {
        match value.is_null() {
            true => after.remove(&name),
            false => after.insert(name, value),
        };
    }
    check_as(
        Profile::Entra,
        'u',
        &before,
        operations,
        &Value::Object(after).to_string(),
    );
}

#[test]
fn overwriting_and_removing_need_no_read() {
    blind(
        r#"[{"op":"Replace","path":"active","value":"False"}]"#,
        r#"{"active":false}"#,
    );
    blind(
        r#"[{"op":"Add","path":"title","value":"x"}]"#,
        r#"{"title":"x"}"#,
    );
    blind(
        r#"[{"op":"Replace","path":"title","value":""}]"#,
        r#"{"title":null}"#,
    );
    blind(
        r#"[{"op":"Replace","path":"name.givenName","value":"B"}]"#,
        r#"{"name":{"givenName":"B","familyName":"?"}}"#,
    );
    blind(
        r#"[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"b"}]"#,
        r#"{"emails":[{"type":"work","value":"b"}]}"#,
    );
    blind(
        r#"[{"op":"Add","path":"emails","value":[{"type":"Work","value":"b"}]}]"#,
        r#"{"emails":[{"type":"Work","value":"b"}]}"#,
    );
    blind(
        r#"[{"op":"Add","path":"emails","value":[{"type":"home","value":"b"}]}]"#,
        r#"{"emails":[{"type":"work","value":"?"},{"type":"home","value":"b"}]}"#,
    );
    blind(
        r#"[{"op":"Remove","path":"emails[type eq \"work\"].value"}]"#,
        r#"{"emails":null}"#,
    );
    blind(
        r#"[{"op":"Remove","path":"emails[type eq \"work\"]"}]"#,
        r#"{"emails":null}"#,
    );
    blind(r#"[{"op":"Remove","path":"emails"}]"#, r#"{"emails":null}"#);
    blind(
        r#"[{"op":"replace","path":"roles[primary eq \"True\"].value","value":"A"}]"#,
        r#"{"roles":[{"primary":true,"value":"A"}]}"#,
    );
    blind(
        r#"[{"op":"add","path":"roles","value":[{"primary":"True","value":"A"}]}]"#,
        r#"{"roles":[{"primary":true,"value":"A"}]}"#,
    );
    blind(
        r#"[{"op":"replace","path":"ENT:manager","value":"m2"}]"#,
        r#"{"schemas":["ENT"],"ENT":{"manager":{"value":"m2"}}}"#,
    );
    blind(
        r#"[{"op":"replace","path":"ENT:manager","value":""}]"#,
        r#"{"ENT":null}"#,
    );
}

#[test]
fn decisions_need_a_read() {
    blind(
        r#"[{"op":"replace","path":"emails[value eq \"a\"].type","value":"home"}]"#,
        "needs read",
    );
    blind(
        r#"[{"op":"remove","path":"emails[type eq \"work\" and value co \"a\"]"}]"#,
        "needs read",
    );
    blind(
        r#"[{"op":"remove","path":"emails","value":[{"type":"work","value":"a"}]}]"#,
        "needs read",
    );
    blind(
        r#"[{"op":"remove","path":"emails[value pr]"}]"#,
        "needs read",
    );
    let all = r#"{"emails":"\u0000unknown"}"#;
    for operations in [
        r#"[{"op":"add","path":"emails","value":[{"value":"x"}]}]"#,
        r#"[{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}]"#,
        r#"[{"op":"remove","path":"emails[type eq \"work\"]"}]"#,
    ] {
        check(all, operations, "needs read");
    }
    check(
        all,
        r#"[{"op":"replace","path":"emails","value":[{"value":"x"}]}]"#,
        r#"{"emails":[{"value":"x"}]}"#,
    );
    check(all, r#"[{"op":"remove","path":"emails"}]"#, "{}");
}

/// Operations as Entra may send them, in any order.
fn any_operations() -> impl Strategy<Value = Vec<Value>> {
    let one = prop::sample::select(vec![
        r#"{"op":"Replace","path":"title","value":"x"}"#,
        r#"{"op":"Replace","path":"title","value":""}"#,
        r#"{"op":"Add","path":"emails[type eq \"work\"].value","value":"n@x"}"#,
        r#"{"op":"Replace","path":"emails[type eq \"home\"].value","value":"h@x"}"#,
        r#"{"op":"Remove","path":"emails[type eq \"work\"]"}"#,
        r#"{"op":"Remove","path":"emails[type eq \"work\"].value","value":"old@x"}"#,
        r#"{"op":"Remove","path":"emails[value eq \"n@x\"]"}"#,
        r#"{"op":"Remove","path":"emails","value":[{"type":"work","value":"old@x"}]}"#,
        r#"{"op":"Add","path":"emails","value":[{"type":"work","value":"n@x"}]}"#,
        r#"{"op":"Add","path":"emails","value":[{"value":"old@x"}]}"#,
        r#"{"op":"Add","path":"emails","value":[{"type":"home","value":"n@x","primary":true}]}"#,
        r#"{"op":"Replace","path":"emails","value":[{"type":"work","value":"r@x"}]}"#,
        r#"{"op":"Replace","path":"emails[primary eq \"True\"].value","value":"p@x"}"#,
        r#"{"op":"Remove","path":"emails"}"#,
        r#"{"op":"replace","value":{"ENT:manager":"m2","name.givenName":"G"}}"#,
        r#"{"op":"Remove","path":"ENT:manager"}"#,
        r#"{"op":"Add","path":"roles","value":[{"value":"A"}]}"#,
        r#"{"op":"Add","path":"roles","value":[{"value":"B","primary":true}]}"#,
        r#"{"op":"Replace","path":"roles[primary eq \"True\"].value","value":"C"}"#,
    ]);
    prop::collection::vec(one.prop_map(value), 1..5)
}

proptest! {
    /// Whatever the unknown values are: a blind result is the seeing one, in which the values
    /// that stayed unknown are those that were there.
    #[test]
    fn blind_is_as_seeing(operations in any_operations(), mail in "old@x|n@x|z@x", role in "A|B|Z") {
        let types = types('u');
        let fill = |mail: &str, role: &str, rest: &str| object(&json!({
            "title": rest, "name": { "givenName": rest },
            "emails": [{ "type": "work", "value": mail }],
            "roles": [{ "primary": true, "value": role }],
            "ENT": { "manager": { "value": rest } },
        }).to_string());
        let request = PatchRequest::parse(json!({ "Operations": operations }), &types, Profile::Entra).unwrap();
        let (mut seeing, mut blind) = (fill(&mail, &role, "old"), fill(UNKNOWN, UNKNOWN, UNKNOWN));
        let stop = request.apply(&mut blind, &types, Profile::Entra);
        request.apply(&mut seeing, &types, Profile::Entra).unwrap();
        if stop == Err(Stop::NeedsRead) {
            return Ok(());
        }
        for leaf in [r#"title"#, "name.givenName", "manager", r#"emails[type eq "work"].value"#, r#"emails[type eq "home"].value"#, "roles[primary eq true].value"] {
            let leaf = crate::scim::Leaf::parse(leaf, &types).unwrap();
            match leaf.get(&blind) {
                Some(value) if value == UNKNOWN => {
                    let kept = leaf.get(&fill(&mail, &role, "old")).cloned();
                    prop_assert_eq!(leaf.get(&seeing).cloned(), kept, "{}", leaf);
                }
                other => prop_assert_eq!(other, leaf.get(&seeing), "{}", leaf),
            }
        }
    }
}
