//! Group members: applied to a list, and folded into differences.

use super::*;

#[track_caller]
fn group(before: &str, operations: &str, after: &str) {
    let members = |text: &str| -> Value {
        let ids = text.split_whitespace().map(|id| json!({ "value": id }));
        ids.collect::<Vec<_>>().into()
    };
    let mut expected = json!({ "displayName": "Sales" });
    let mut resource = expected.clone();
    if !before.is_empty() {
        resource["members"] = members(before);
    }
    if !after.is_empty() {
        expected["members"] = members(after);
    }
    check_as(
        Profile::Entra,
        'g',
        &resource.to_string(),
        operations,
        &expected.to_string(),
    );
    folded(before, operations, after);
}

/// The differences, applied to a set, give the same members.
#[track_caller]
fn folded(before: &str, operations: &str, after: &str) {
    let (rest, changes) = changes(operations);
    assert!(rest.operations.is_empty());
    let mut ids: Vec<&str> = before.split_whitespace().collect();
    if changes.from_empty {
        assert!(changes.remove.is_empty());
        ids.clear();
    }
    ids.retain(|id| !changes.remove.iter().any(|gone| gone == id));
    for id in &changes.add {
        assert!(!changes.remove.contains(id));
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    ids.sort_unstable();
    let mut wanted: Vec<&str> = after.split_whitespace().collect();
    wanted.sort_unstable();
    assert_eq!(ids, wanted, "{operations}: {changes:?}");
}

fn changes(operations: &str) -> (PatchRequest, MemberChanges) {
    let body = json!({ "Operations": value(operations) });
    PatchRequest::parse(body, &types('g'), Profile::Entra)
        .unwrap()
        .split_members()
}

#[test]
fn both_dialects() {
    group(
        "",
        r#"[{"op":"Add","path":"members","value":[{"$ref":null,"value":"u1"}]}]"#,
        "u1",
    ); // G-12
    group(
        "u9",
        r#"[{"op":"Add","path":"members","value":[{"value":"u1"},{"value":"u2"},{"value":"u3"}]}]"#,
        "u9 u1 u2 u3",
    ); // G-13
    group(
        "u1",
        r#"[{"op":"add","path":"members","value":[{"value":"u1"}]}]"#,
        "u1",
    ); // G-15
    group("", r#"[{"op":"add","path":"members","value":"u1"}]"#, "u1");
    group(
        "",
        r#"[{"op":"add","path":"members","value":["u1","u1","u2"]}]"#,
        "u1 u2",
    );
    group(
        "",
        r#"[{"op":"add","value":{"members":[{"value":"u1"}]}}]"#,
        "u1",
    );
    group(
        "u1 u2",
        r#"[{"op":"Remove","path":"members","value":[{"value":"u1"}]}]"#,
        "u2",
    ); // G-16
    group(
        "u1 u2 u3",
        r#"[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"},{"value":"u2"}]}]"#,
        "u3",
    ); // G-18
    group(
        "u1 u2",
        r#"[{"op":"remove","path":"members[value eq \"u1\"]"}]"#,
        "u2",
    ); // G-19
    group(
        "u1 u2 u3",
        r#"[{"op":"remove","path":"members[value eq \"u1\" or value eq \"u3\"]"}]"#,
        "u2",
    );
    group(
        "u1 u2",
        r#"[{"op":"remove","path":"members[value eq \"u7\"]"}]"#,
        "u1 u2",
    ); // G-21
    group(
        "",
        r#"[{"op":"add","path":"members","value":[{"value":"u1"}]},{"op":"remove","path":"members[value eq \"u1\"]"}]"#,
        "",
    ); // G-22
    group(
        "u1",
        r#"[{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u1"}]}]"#,
        "u1",
    );
    group(
        "u9",
        r#"[{"op":"replace","path":"members","value":[{"value":"u1"},{"value":"u2"}]}]"#,
        "u1 u2",
    ); // G-24
    group("u1 u2", r#"[{"op":"remove","path":"members"}]"#, ""); // G-25
    group(
        "u1 u2",
        r#"[{"op":"remove","path":"members"},{"op":"add","path":"members","value":[{"value":"u3"}]}]"#,
        "u3",
    );
    group(
        "u1 u2",
        r#"[{"op":"replace","path":"members","value":[]}]"#,
        "",
    );
    group(
        "u1 u2",
        r#"[{"op":"Remove","path":"members","value":[]}]"#,
        "u1 u2",
    ); // never "all"
    group(
        "u1 u2",
        r#"[{"op":"Remove","path":"members","value":[{"value":"U1"}]}]"#,
        "u1 u2",
    ); // caseExact
    group(
        "u1 u2",
        r#"[{"op":"Remove","path":"members","value":[{"value":"u1","type":"User"}]}]"#,
        "u2",
    );
    group(
        "u1 u2",
        r#"[{"op":"Remove","path":"members","value":"u1"}]"#,
        "u2",
    );
}

#[test]
fn a_rename_leaves_members_alone() {
    for operations in [
        r#"[{"op":"Replace","path":"displayName","value":"New"}]"#, // G-28
        r#"[{"op":"replace","value":{"displayName":"New"}}]"#,      // G-29
        r#"[{"op":"replace","value":{"id":"g1","displayName":"New"}}]"#, // R187
    ] {
        check_as(
            Profile::Entra,
            'g',
            r#"{"displayName":"S","members":[{"value":"u1"}]}"#,
            operations,
            r#"{"displayName":"New","members":[{"value":"u1"}]}"#,
        );
        let (rest, changes) = changes(operations);
        assert!(changes.is_empty());
        assert_eq!(rest.operations.len(), 1);
    }
}

#[test]
fn order_is_kept_and_nothing_stands_twice() {
    let (rest, changes) = changes(
        r#"[{"op":"add","path":"members","value":["b","a","b"]},{"op":"replace","path":"displayName","value":"N"},
            {"op":"remove","path":"members","value":["c","b","c"]},{"op":"add","path":"members","value":["d","b"]}]"#,
    );
    assert_eq!(rest.operations.len(), 1);
    assert_eq!(changes.add, ["a", "d", "b"]);
    assert_eq!(changes.remove, ["c"]);
    assert!(!changes.from_empty);
}

#[test]
fn what_is_no_difference_stays_in_the_request() {
    let (rest, changes) = changes(r#"[{"op":"remove","path":"members[display co \"x\"]"}]"#);
    assert_eq!((rest.operations.len(), changes.is_empty()), (1, true));
}

#[test]
fn thousands_of_members_are_quick() {
    // G-32; quadratic comparison of 4,900 on 50,000 would take minutes in a debug build
    let ids = |range: std::ops::Range<u32>| -> Value {
        range
            .map(|id| json!({ "value": format!("u{id}") }))
            .collect::<Vec<_>>()
            .into()
    };
    let mut group = object("{}");
    group.insert("members".to_owned(), ids(0..50_000));
    let types = types('g');
    for (op, left) in [("add", 54_000), ("remove", 49_100)] {
        let range = 49_100..54_000;
        let body = json!({ "Operations": [{ "op": op, "path": "members", "value": ids(range) }] });
        let request = PatchRequest::parse(body, &types, Profile::Entra).unwrap();
        request.apply(&mut group, &types, Profile::Entra).unwrap();
        assert_eq!(group["members"].as_array().unwrap().len(), left);
    }
}
