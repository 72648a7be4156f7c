#![allow(clippy::unwrap_used)]

use super::*;
use crate::scim::ScimType;
use crate::scim::tests::{print, types, value};

fn outcome(profile: Profile, kind: char, body: &str) -> Result<Incoming, ScimError> {
    canonicalise(value(body), &types(kind), profile)
}

/// `want` is the canonical resource without `schemas`, then after ` ! ` what was ignored; or a
/// part of the error.
#[track_caller]
fn check_as(profile: Profile, kind: char, body: &str, want: &str) {
    match outcome(profile, kind, body) {
        Ok(mut incoming) => {
            incoming.resource.shift_remove("schemas").unwrap();
            let mut got = print(&incoming.resource.into());
            if !incoming.ignored.is_empty() {
                got = format!("{got} ! {}", incoming.ignored.join(" "));
            }
            assert_eq!(got, want);
        }
        Err(error) => assert!(error.detail.contains(want), "{}", error.detail),
    }
}

/// A user with a name and one more member.
#[track_caller]
fn user(member: &str, want: &str) {
    check_as(
        Profile::Entra,
        'u',
        &format!(r#"{{"userName":"a",{member}}}"#),
        want,
    );
}

const DEFAULT_MAPPING: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","ENT"],
    "externalId":"6f3c","userName":"ada@example.com","active":true,"displayName":" Zoë  Ünal ",
    "emails":[{"primary":true,"type":"work","value":"ada@example.com"}],
    "name":{"formatted":"Ada Lane","familyName":"Lane","givenName":"Ada"},
    "phoneNumbers":[{"type":"work","value":"01904 000001"},{"type":"mobile","value":"07"}],
    "ENT":{"employeeNumber":"E100","department":"R&D","manager":"4b0e"},"roles":[],"meta":{"resourceType":"User"}}"#;

#[test]
fn the_default_mapping_of_entra() {
    // U-02, U-20: values byte for byte, keys in order
    let incoming = outcome(Profile::Entra, 'u', DEFAULT_MAPPING).unwrap();
    assert!(incoming.ignored.is_empty());
    assert_eq!(
        print(&incoming.resource.into()),
        concat!(
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","ENT"],"externalId":"6f3c","userName":"ada@example.com","#,
            r#""active":true,"displayName":" Zoë  Ünal ","emails":[{"primary":true,"type":"work","value":"ada@example.com"}],"#,
            r#""name":{"formatted":"Ada Lane","familyName":"Lane","givenName":"Ada"},"#,
            r#""phoneNumbers":[{"type":"work","value":"01904 000001"},{"type":"mobile","value":"07"}],"#,
            r#""ENT":{"employeeNumber":"E100","department":"R&D","manager":{"value":"4b0e"}}}"#,
        )
    );
}

#[test]
fn schemas_say_what_is_present() {
    for (body, want) in [
        (
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","ENT"],"userName":"a"}"#,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a"}"#,
        ), // U-01
        (
            r#"{"userName":"a","ENT:department":"D"}"#,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","ENT"],"userName":"a","ENT":{"department":"D"}}"#,
        ),
    ] {
        assert_eq!(
            print(&outcome(Profile::Entra, 'u', body).unwrap().resource.into()),
            want
        );
    }
}

#[test]
fn flags_as_text() {
    user(r#""active":"True""#, r#"{"userName":"a","active":true}"#); // U-07
    user(r#""active":"False""#, r#"{"userName":"a","active":false}"#); // U-08
    user(r#""active":"maybe""#, "active must be true or false");
    user(
        r#""emails":[{"value":"x","primary":"True"}]"#,
        r#"{"userName":"a","emails":[{"value":"x","primary":true}]}"#,
    );
}

#[test]
fn absent_things() {
    user(
        r#""title":null,"nickName":"","addresses":null,"roles":[],"name":{"givenName":null},"emails":[{"value":""},null]"#,
        r#"{"userName":"a"}"#,
    ); // R136
    user(
        r#""ENT":null,"locale":"x""#,
        r#"{"userName":"a","locale":"x"}"#,
    );
    user(
        r#""emails":[{"$ref":null,"value":"x"}]"#,
        r#"{"userName":"a","emails":[{"value":"x"}]} ! emails.$ref"#,
    );
}

#[test]
fn managers() {
    let want = r#"{"userName":"a","ENT":{"manager":{"value":"m"}}}"#;
    for manager in [
        r#""ENT":{"manager":"m"}"#,
        r#""ENT":{"manager":{"value":"m"}}"#, // U-04
        r#""ENT":{"manager":{"value":"m","displayName":"x","$ref":null}}"#,
        r#""ENT":{"manager":[{"value":"m"}]}"#,
        r#""ENT:manager":"m""#, // U-05
        r#""ENT:manager.value":"m""#,
        r#""manager":"m""#,
        r#""manager":"x","ENT":{"manager":"m"}"#, // said properly as well
    ] {
        user(manager, want);
    }
    user(r#""ENT":{"manager":7}"#, "manager must be an object");
}

#[test]
fn roles_of_entra() {
    user(
        r#""roles":[{"primary":true,"type":"W","value":"Admin"}]"#,
        r#"{"userName":"a","roles":[{"primary":true,"type":"W","value":"Admin"}]}"#,
    ); // U-10
    user(
        r#""roles":[{"primary":false,"displayName":"Admin","value":"A"},{"display":"User","value":"U"}]"#, // U-11
        r#"{"userName":"a","roles":[{"primary":false,"display":"Admin","value":"A"},{"display":"User","value":"U"}]}"#,
    );
}

#[test]
fn unusual_keys() {
    user(
        r#""NAME":{"GIVENNAME":"G"},"name.familyName":"F""#,
        r#"{"userName":"a","name":{"givenName":"G","familyName":"F"}}"#,
    );
    user(
        r#""name.familyName":"F","name":{"givenName":"G"}"#,
        r#"{"userName":"a","name":{"familyName":"F","givenName":"G"}}"#,
    );
    user(
        r#""emails[type eq \"work\"].value":"x""#,
        r#"{"userName":"a","emails":[{"type":"work","value":"x"}]}"#,
    );
    user(
        r#""urn:ietf:params:scim:schemas:core:2.0:User:title":"t""#,
        r#"{"userName":"a","title":"t"}"#,
    );
    user(r#""title":"x","Title":"y""#, "title stands twice");
    user(
        r#""department":"D","bogus":1,"urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"x":1},"name":{"alias":"x"},"emails.value":"x""#,
        r#"{"userName":"a","ENT":{"department":"D"}} ! bogus urn:ietf:params:scim:schemas:extension:enterprise:2.0User name.alias emails.value"#,
    );
}

#[test]
fn read_only_things_are_dropped() {
    user(
        r#""id":"x","meta":{"version":"1"},"groups":[{"value":"g"}]"#,
        r#"{"userName":"a"}"#,
    ); // R126
}

#[test]
fn refusals() {
    let cases = [
        ('u', r#"[]"#, "the body must be a JSON object"), // R25
        (
            'u',
            r#"{"active":true,"displayName":"No Name"}"#,
            "userName is required",
        ), // U-16
        ('u', r#"{"userName":""}"#, "userName is required"),
        ('u', r#"{"userName":7}"#, "userName must be a string"),
        (
            'u',
            r#"{"userName":"a","name":"x"}"#,
            "name must be an object",
        ),
        (
            'u',
            r#"{"userName":"a","emails":7}"#,
            "emails must be an object",
        ),
        ('u', r#"{"userName":"a","ENT":[]}"#, "must be an object"),
        ('g', r#"{"members":[]}"#, "displayName is required"),
    ];
    for (kind, body, want) in cases {
        check_as(Profile::Entra, kind, body, want);
    }
    let error = outcome(Profile::Entra, 'u', r#"{"userName":{"x":"secret"}}"#).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    assert!(!error.detail.contains("secret"));
}

#[test]
fn the_strict_profile() {
    let core = r#""schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]"#;
    for (rest, want) in [
        (
            r#""userName":"a","title":"""#,
            r#"{"userName":"a","title":""}"#,
        ),
        (
            r#""userName":"a","active":"True""#,
            "active must be true or false",
        ),
        (r#""userName":"a","bogus":1"#, "no schema has an attribute"),
        (
            r#""userName":"a","emails":{"value":"x"}"#,
            "emails must be a list",
        ),
        (
            r#""userName":"a","ENT":{"manager":"m"}"#,
            "manager must be an object",
        ),
        (
            r#""userName":"a","emails":[{"value":"x","primary":true},{"value":"y","primary":true}]"#,
            "more than one primary",
        ),
        (r#""userName":"""#, "userName is required"),
    ] {
        check_as(Profile::Strict, 'u', &format!("{{{core},{rest}}}"), want);
    }
    // R26, R27, R137
    let enterprise = crate::scim::schema::ENTERPRISE_USER;
    for schemas in [
        r#""schemas":["urn:x"],"#.to_owned(),
        r#""schemas":[],"#.to_owned(),
        r#""schemas":[7],"#.to_owned(),
        format!(r#""schemas":["{enterprise}"],"#),
        format!(r#"{core},"Schemas":[],"#),
        core.replace(']', &format!(r#","{}"],"#, crate::scim::schema::USER)),
        String::new(),
    ] {
        let body = format!(r#"{{{schemas}"userName":"a"}}"#);
        check_as(Profile::Strict, 'u', &body, "schemas must list the URN");
    }
}

#[test]
fn groups() {
    let sales = r#"{"displayName":"Sales","externalId":"x"}"#;
    check_as(
        Profile::Entra,
        'g',
        r#"{"displayName":"Sales","externalId":"x","members":[],"meta":{"resourceType":"Group"}}"#,
        sales,
    ); // G-01
    check_as(
        Profile::Entra,
        'g',
        r#"{"schemas":["http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"displayName":"Sales","externalId":"x"}"#,
        sales,
    ); // G-02
    check_as(
        Profile::Entra,
        'g',
        r#"{"displayName":"Sales","members":[{"$ref":null,"value":"u1","display":"VP"},"u2"]}"#, // G-04
        r#"{"displayName":"Sales","members":[{"value":"u1","display":"VP"},{"value":"u2"}]}"#,
    );
}
