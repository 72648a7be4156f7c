//! Every body shape of Entra and Okta; the numbers are those of the recorded cases.

use super::*;

const STD: &str = r#"{"schemas":["ENT"],"userName":"ada","active":true,"displayName":"Ada Lane","externalId":"x1","title":"Engineer","preferredLanguage":"en",
    "emails":[{"primary":true,"type":"work","value":"ada@x"}],
    "name":{"formatted":"Ada Lane","familyName":"Lane","givenName":"Ada"},
    "phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"},{"type":"fax","value":"3"}],
    "ENT":{"employeeNumber":"E100","department":"R&D"}}"#;

/// The standard user with some members replaced.
#[track_caller]
fn std(operations: &str, changes: &str) {
    if !changes.starts_with('{') {
        return check(STD, operations, changes);
    }
    let mut after = value(STD);
    for (name, value) in object(changes) {
        match value.is_null() {
            true => after.as_object_mut().unwrap().remove(&name),
            false => after.as_object_mut().unwrap().insert(name, value),
        };
    }
    check(STD, operations, &after.to_string());
}

#[test]
fn verbose_single_values() {
    std(
        r#"[{"op":"Replace","path":"userName","value":"new"}]"#,
        r#"{"userName":"new"}"#,
    ); // P-01
    std(
        r#"[{"op":"Replace","path":"displayName","value":"Pat V"},
            {"op":"Replace","path":"emails[type eq \"work\"].value","value":"pat@x"},
            {"op":"Replace","path":"name.givenName","value":"Pat"},
            {"op":"Replace","path":"name.familyName","value":"Voss"},
            {"op":"Replace","path":"externalId","value":"pvoss"},
            {"op":"Replace","path":"ENT:employeeNumber","value":"E777"}]"#, // P-02
        r#"{"displayName":"Pat V","externalId":"pvoss","emails":[{"primary":true,"type":"work","value":"pat@x"}],
            "name":{"formatted":"Ada Lane","familyName":"Voss","givenName":"Pat"},
            "ENT":{"employeeNumber":"E777","department":"R&D"}}"#,
    );
    std(
        r#"[{"op":"Add","path":"nickName","value":"Babs"}]"#,
        r#"{"nickName":"Babs"}"#,
    ); // P-10
    std(
        r#"[{"op":"Add","path":"title","value":"Lead"}]"#,
        r#"{"title":"Lead"}"#,
    ); // P-11
    std(
        r#"[{"op":"REPLACE","path":"DisplayName","value":"T"}]"#,
        r#"{"displayName":"T"}"#,
    ); // P-32
    std(
        r#"[{"op":"Replace","path":"displayName","value":[{"$ref":null,"value":"User X"}]}]"#,
        r#"{"displayName":"User X"}"#,
    ); // P-31
    std(r#"[{"op":"Remove","path":"nickName"}]"#, "{}"); // P-26
    std(
        r#"[{"op":"Merge","path":"displayName","value":"X"}]"#,
        "invalidSyntax: op must be",
    ); // P-34
    std(
        r#"[{"OP":"replace","Path":"title","VALUE":"T","name":"n"}]"#,
        r#"{"title":"T"}"#,
    );
    std(
        r#"[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:user:NAME.givenname","value":"G"}]"#,
        r#"{"name":{"formatted":"Ada Lane","familyName":"Lane","givenName":"G"}}"#,
    );
}

#[test]
fn active_in_every_spelling() {
    for value in [
        r#""False""#,
        r#""false""#,
        "false",
        r#"[{"$ref":null,"value":"False"}]"#,
    ] {
        for op in ["Replace", "replace", "Add"] {
            let operations = format!(r#"[{{"op":"{op}","path":"active","value":{value}}}]"#);
            std(&operations, r#"{"active":false}"#); // P-15
        }
    }
    std(r#"[{"op":"Add","path":"active","value":"True"}]"#, "{}"); // P-16
    std(
        r#"[{"op":"Replace","path":"active","value":"no"}]"#,
        "invalidValue: active must be true or false",
    );
    std(
        r#"[{"op":"Replace","path":"active","value":"False"},{"op":"Replace","path":"displayName","value":"Gone"}]"#,
        r#"{"active":false,"displayName":"Gone"}"#,
    ); // P-37
    std(
        r#"[{"op":"replace","value":{"active":false}}]"#,
        r#"{"active":false}"#,
    ); // R187
    std(
        r#"[{"op":"Replace","path":"extensionAttribute7","value":"x"},{"op":"Replace","path":"active","value":"False"}]"#,
        r#"{"active":false}"#,
    ); // an unknown path must not hold up a disable
}

#[test]
fn typed_values_are_made_when_absent() {
    let work = r#"{"emails":[{"type":"work","value":"m@x"}]}"#;
    check(
        "{}",
        r#"[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"m@x"}]"#,
        work,
    ); // P-04
    check(
        "{}",
        r#"[{"op":"Add","path":"emails[type eq \"work\"].value","value":"m@x"},
            {"op":"Add","path":"emails[type eq \"work\"].primary","value":"true"},
            {"op":"Add","path":"emails[type eq \"work\"].type","value":"work"}]"#, // P-05
        r#"{"emails":[{"type":"work","value":"m@x","primary":true}]}"#,
    );
    check(
        "{}",
        r#"[{"op":"Add","path":"addresses[type eq \"work\"].streetAddress","value":"9 Quay"},
            {"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Leith"},
            {"op":"Add","path":"addresses[type eq \"work\"].country","value":"GB"}]"#, // P-07, R183
        r#"{"addresses":[{"type":"work","streetAddress":"9 Quay","locality":"Leith","country":"GB"}]}"#,
    );
    check(
        "{}",
        r#"[{"op":"Replace","path":"addresses[type eq \"other\"].Formatted","value":"Dock 5"}]"#,
        r#"{"addresses":[{"type":"other","formatted":"Dock 5"}]}"#,
    ); // P-08
    check(
        "{}",
        r#"[{"op":"replace","path":"roles[primary eq \"True\"].value","value":"Admin"}]"#,
        r#"{"roles":[{"primary":true,"value":"Admin"}]}"#,
    ); // R186
    check(
        r#"{"emails":[{"type":"work","value":"a"}]}"#,
        r#"[{"op":"Add","path":"emails","value":[{"type":"work","value":"b"}]}]"#,
        r#"{"emails":[{"type":"work","value":"b"}]}"#,
    );
    check(
        "{}",
        r#"[{"op":"add","path":"emails[value co \"x\"].display","value":"d"}]"#,
        "noTarget",
    );
    check(
        "{}",
        r#"[{"op":"add","path":"addresses[type eq \"work\"]","value":{"Locality":"York"}}]"#,
        r#"{"addresses":[{"type":"work","locality":"York"}]}"#,
    );
}

#[test]
fn flat_objects_without_path() {
    std(
        r#"[{"op":"replace","path":"emails[type eq \"work\"].value","value":"kim@x"},
            {"op":"replace","value":{"displayName":"Kim U","name.givenName":"Kim","name.familyName":"Ung","ENT:employeeNumber":"E900"}}]"#, // F-01
        r#"{"displayName":"Kim U","emails":[{"primary":true,"type":"work","value":"kim@x"}],
            "name":{"formatted":"Ada Lane","familyName":"Ung","givenName":"Kim"},"ENT":{"employeeNumber":"E900","department":"R&D"}}"#,
    );
    check(
        "{}",
        r#"[{"op":"add","value":{"name.givenName":"Jo","name.familyName":"Doe","name.formatted":"Jo Doe"}}]"#,
        r#"{"name":{"givenName":"Jo","familyName":"Doe","formatted":"Jo Doe"}}"#,
    ); // F-02
    std(
        r#"[{"op":"replace","value":{"userName":"h","name.familyName":"R","active":false}}]"#,
        r#"{"userName":"h","active":false,"name":{"formatted":"Ada Lane","familyName":"R","givenName":"Ada"}}"#,
    ); // F-04
    std(
        r#"[{"op":"replace","value":{"ENT":{"department":"Ops"}}}]"#,
        r#"{"ENT":{"employeeNumber":"E100","department":"Ops"}}"#,
    ); // F-07
    std(
        r#"[{"op":"replace","value":{"name":{"givenName":"Z"}}}]"#,
        r#"{"name":{"formatted":"Ada Lane","familyName":"Lane","givenName":"Z"}}"#,
    ); // simpleidserver#690
    check(
        "{}",
        r#"[{"op":"add","value":{"emails[type eq \"work\"].value":"a@x","phoneNumbers[type eq \"fax\"].value":"3"}}]"#,
        r#"{"emails":[{"type":"work","value":"a@x"}],"phoneNumbers":[{"type":"fax","value":"3"}]}"#,
    ); // R185
    std(
        r#"[{"op":"remove","path":"externalId"},{"op":"add","path":"externalId","value":"step-2"},{"op":"replace","path":"externalId","value":"step-3"}]"#,
        r#"{"externalId":"step-3"}"#,
    ); // F-13
    std(
        r#"[{"op":"remove","path":"preferredLanguage"},{"op":"add","path":"externalId","value":"m"},{"op":"replace","path":"displayName","value":"M"}]"#,
        r#"{"preferredLanguage":null,"externalId":"m","displayName":"M"}"#,
    ); // F-14
    std(
        r#"[{"op":"replace","value":{"id":"other","schemas":[],"meta":{},"title":"T"}}]"#,
        r#"{"title":"T"}"#,
    ); // R187
    std(r#"[{"op":"replace","value":"x"}]"#, "must be an object");
}

#[test]
fn clearing() {
    let cleared = r#"{"title":null,"preferredLanguage":null,"name":{"familyName":"Lane","givenName":"Ada"},"ENT":{"employeeNumber":"E100"}}"#;
    for empty in [r#""""#, "null"] {
        let verbose = format!(
            r#"[{{"op":"replace","path":"title","value":{empty}}},{{"op":"replace","path":"preferredLanguage","value":{empty}}},
                {{"op":"replace","path":"name.formatted","value":{empty}}},{{"op":"replace","path":"ENT:department","value":{empty}}}]"#
        );
        std(&verbose, cleared); // F-09, F-10
        let flat = format!(
            r#"[{{"op":"replace","value":{{"title":{empty},"preferredLanguage":{empty},"name.formatted":{empty},"ENT:department":{empty}}}}}]"#
        );
        std(&flat, cleared); // F-12
    }
    std(
        r#"[{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":""}]"#,
        r#"{"phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"}]}"#,
    ); // F-09
    std(
        r#"[{"op":"Remove","path":"emails[type eq \"work\"].value","value":"stale@x"}]"#,
        r#"{"emails":null}"#,
    ); // P-25
    std(
        r#"[{"op":"replace","path":"name","value":{"formatted":"","givenName":"B"}}]"#,
        r#"{"name":{"familyName":"Lane","givenName":"B"}}"#,
    );
    std(
        r#"[{"op":"replace","path":"phoneNumbers","value":[]}]"#,
        r#"{"phoneNumbers":null}"#,
    );
    std(r#"[{"op":"add","path":"phoneNumbers","value":[]}]"#, "{}");
    std(
        r#"[{"op":"replace","path":"userName","value":""}]"#,
        "invalidValue: userName is required",
    );
}

#[test]
fn manager() {
    let ada = r#"{"ENT":{"manager":{"value":"m1"}}}"#;
    for value in [r#""m1""#, r#"{"value":"m1"}"#, r#"[{"value":"m1"}]"#] {
        for path in ["ENT:manager", "manager", "ent:Manager"] {
            let path = path.replace(
                "ent:",
                "URN:ietf:params:scim:schemas:extension:Enterprise:2.0:User:",
            );
            for before in ["{}", r#"{"ENT":{"manager":{"value":"m0"}}}"#] {
                let operations = format!(r#"[{{"op":"Add","path":"{path}","value":{value}}}]"#);
                let types = types('u');
                let body = json!({ "operations": self::value(&operations) });
                let request = PatchRequest::parse(body, &types, Profile::Entra).unwrap();
                let mut target = object(before);
                request.apply(&mut target, &types, Profile::Entra).unwrap();
                target.remove("schemas");
                assert_eq!(Value::Object(target), self::value(ada), "{operations}"); // P-17, P-18, P-20
            }
        }
    }
    check(
        r#"{"schemas":[]}"#,
        r#"[{"op":"Add","path":"manager","value":[{"$ref":"https://x/Users/m1","value":"m1"}]}]"#,
        r#"{"schemas":["ENT"],"ENT":{"manager":{"value":"m1","$ref":"https://x/Users/m1"}}}"#,
    ); // P-23
    for gone in [
        r#"{"op":"replace","path":"ENT:manager","value":{"value":""}}"#, // P-21
        r#"{"op":"replace","path":"ENT:manager","value":""}"#,
        r#"{"op":"remove","path":"ENT:manager"}"#,
        r#"{"op":"Remove","path":"ENT:manager","value":"m1"}"#,
        r#"{"op":"replace","value":{"ENT:manager":null}}"#,
    ] {
        check(ada, &format!("[{gone}]"), "{}");
    }
}

#[test]
fn roles() {
    let admin = r#"{"roles":[{"value":"Admin"}]}"#;
    check(
        admin,
        r#"[{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"0a1b\",\"value\":\"25\",\"displayName\":\"Role25\"}"}]}]"#,
        r#"{"roles":[{"value":"Admin"},{"value":"25","display":"Role25"}]}"#,
    ); // P-27
    let two = r#"[{"primary":false,"type":"W","display":"User","value":"User"},{"primary":false,"type":"W","display":"Test","value":"Test"}]"#;
    check(
        admin,
        &format!(r#"[{{"op":"replace","path":"roles","value":{two}}}]"#),
        &format!(r#"{{"roles":{two}}}"#),
    ); // P-28
    check(
        "{}",
        r#"[{"op":"add","path":"roles","value":[{"primary":"True","displayName":"D","value":"A"}]}]"#,
        r#"{"roles":[{"primary":true,"display":"D","value":"A"}]}"#,
    );
    check(
        r#"{"roles":[{"value":"A","type":"W"},{"value":"B","type":"W"}]}"#,
        r#"[{"op":"Remove","path":"roles","value":[{"value":"B"}]}]"#,
        r#"{"roles":[{"value":"A","type":"W"}]}"#,
    );
}

#[test]
fn what_was_skipped_is_told() {
    let body = json!({ "Operations": value(r#"[
        {"op":"Replace","path":"bogus","value":"x"},{"op":"add","path":"emails[foo eq \"x\"].value","value":"x"},
        {"op":"replace","value":{"urn:acme:2.0:User:badge":"1","name":{"alias":"x"},"bogus":"y"}}]"#) });
    let request = PatchRequest::parse(body, &types('u'), Profile::Entra).unwrap();
    assert_eq!(
        request.ignored,
        [
            "bogus",
            r#"emails[foo eq "x"].value"#,
            "urn:acme:2.0:User:badge",
            "name.alias"
        ]
    );
    assert!(request.operations.is_empty());
}
