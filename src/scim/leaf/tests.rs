#![allow(clippy::unwrap_used)]

use super::*;
use crate::scim::tests::{object, print, types};

fn leaf(kind: char, text: &str) -> Leaf {
    let text = text.replace("ENT", crate::scim::schema::ENTERPRISE_USER);
    Leaf::parse(&text, &types(kind)).unwrap()
}

#[test]
fn spellings() {
    for (kind, text, canonical) in [
        ('u', "USERNAME", "userName"),
        ('u', "name.GivenName", "name.givenName"),
        (
            'u',
            r#"Emails[Type Eq "Work"].Value"#,
            r#"emails[type eq "work"].value"#,
        ),
        (
            'u',
            r#"roles[primary eq "True"].value"#,
            "roles[primary eq true].value",
        ),
        (
            'u',
            r#"emails[type eq "a\"b"].value"#,
            r#"emails[type eq "a\\\"b"].value"#,
        ),
        ('u', "roles", "roles"),
        ('u', "manager", "ENT:manager"),
        ('u', "ENT:manager.value", "ENT:manager"),
        ('u', "ENT:manager.displayName", "ENT:manager.displayName"),
        ('u', "costCenter", "ENT:costCenter"),
        ('u', "id", "id"),
        ('u', "meta.created", "meta.created"),
        ('g', "members", "members"),
        ('g', "members.value", "members"),
    ] {
        let leaf = leaf(kind, text);
        assert_eq!(
            leaf.to_string()
                .replace(crate::scim::schema::ENTERPRISE_USER, "ENT"),
            canonical
        );
    }
}

#[test]
fn refusals_say_what_to_write() {
    for (text, want) in [
        ("usrName", "did you mean userName?"),
        ("name", "name has parts; name one of them"),
        (
            "emails.value",
            r#"choose an element, as in emails[type eq "work"]"#,
        ),
        (r#"emails[type eq "work"]"#, "has parts; name one of them"),
        (r#"emails[value eq "x"].type"#, "choose by [type eq"),
        (
            r#"emails[type eq 'work'].value"#,
            "compared with a quoted string",
        ),
        (
            r#"emails[type eq "work"].vale"#,
            "did you mean emails.value?",
        ),
        ("", "expected an attribute"),
    ] {
        let error = Leaf::parse(text, &types('u')).unwrap_err();
        assert!(error.detail.contains(want), "{text}: {}", error.detail);
    }
}

/// Sets, reads and removes: `after` is the resource with the value, `end` the one without.
#[track_caller]
fn round(kind: char, text: &str, before: &str, after: &str, end: &str) {
    let leaf = leaf(kind, text);
    let mut resource = object(before);
    leaf.set(&mut resource, "v".into());
    assert_eq!(print(&resource.clone().into()), after);
    assert_eq!(leaf.get(&resource), Some(&Value::from("v")));
    assert_eq!(leaf.remove(&mut resource), Some("v".into()));
    assert_eq!(print(&resource.clone().into()), end);
    assert_eq!(leaf.get(&resource), None);
    assert_eq!(leaf.remove(&mut resource), None);
}

#[test]
fn set_get_remove() {
    round(
        'u',
        "manager",
        "{}",
        r#"{"schemas":["ENT"],"ENT":{"manager":{"value":"v"}}}"#,
        "{}",
    );
    round('u', "title", "{}", r#"{"title":"v"}"#, "{}");
    round(
        'u',
        "title",
        r#"{"title":"a","id":"1"}"#,
        r#"{"title":"v","id":"1"}"#,
        r#"{"id":"1"}"#,
    );
    round(
        'u',
        "name.givenName",
        "{}",
        r#"{"name":{"givenName":"v"}}"#,
        "{}",
    );
    round(
        'u',
        "name.givenName",
        r#"{"name":{"familyName":"L"}}"#,
        r#"{"name":{"familyName":"L","givenName":"v"}}"#,
        r#"{"name":{"familyName":"L"}}"#,
    );
    let work = r#"emails[type eq "work"].value"#;
    round(
        'u',
        work,
        "{}",
        r#"{"emails":[{"type":"work","value":"v"}]}"#,
        "{}",
    );
    round(
        'u',
        work,
        r#"{"emails":[{"value":"h","type":"home"},{"type":"Work","primary":true}]}"#,
        r#"{"emails":[{"value":"h","type":"home"},{"type":"Work","primary":true,"value":"v"}]}"#,
        r#"{"emails":[{"value":"h","type":"home"}]}"#,
    );
    round(
        'u',
        "roles[primary eq true].value",
        "{}",
        r#"{"roles":[{"primary":true,"value":"v"}]}"#,
        "{}",
    );
    round(
        'u',
        "roles",
        r#"{"roles":[{"value":"a"}]}"#,
        r#"{"roles":"v"}"#,
        "{}",
    );
    round('g', "members", "{}", r#"{"members":[{"value":"v"}]}"#, "{}");
    round(
        'u',
        "manager",
        r#"{"schemas":["core"]}"#,
        r#"{"schemas":["core","ENT"],"ENT":{"manager":{"value":"v"}}}"#,
        r#"{"schemas":["core"]}"#,
    );
    round(
        'u',
        "ENT:costCenter",
        r#"{"schemas":["ENT"],"ENT":{"division":"d"}}"#,
        r#"{"schemas":["ENT"],"ENT":{"division":"d","costCenter":"v"}}"#,
        r#"{"schemas":["ENT"],"ENT":{"division":"d"}}"#,
    );
}
