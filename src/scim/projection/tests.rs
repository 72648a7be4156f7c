#![allow(clippy::unwrap_used)]

use super::*;
use crate::scim::tests::{object, print, types};

const ADA: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","ENT"],"id":"1","userName":"a",
    "name":{"givenName":"A","familyName":"L"},"emails":[{"type":"work","value":"x"}],
    "ENT":{"department":"D","manager":{"value":"m"}},"meta":{"location":"l"}}"#;

/// `want` is the resource without its `schemas`, then the number of schemas.
#[track_caller]
fn check(only: Option<&str>, without: Option<&str>, want: &str) {
    let types = types('u');
    let ent = |text: &str| text.replace("ENT", crate::scim::schema::ENTERPRISE_USER);
    let (only, without) = (only.map(ent), without.map(ent));
    let projection = Projection::parse(only.as_deref(), without.as_deref(), &types);
    let mut resource = object(ADA);
    projection.apply(&mut resource, &types);
    let schemas = resource
        .shift_remove("schemas")
        .and_then(|urns| Some(urns.as_array()?.len()));
    assert_eq!(
        format!(
            "{} {}",
            print(&resource.into()),
            schemas.unwrap_or_default()
        ),
        want
    );
}

#[test]
fn named_attributes_and_the_minimum() {
    let nothing = r#"{"id":"1"} 1"#;
    check(Some("id"), None, nothing); // Q-06
    check(Some("userName"), None, r#"{"id":"1","userName":"a"} 1"#); // R-04
    check(
        Some("USERNAME, name.givenname"),
        None,
        r#"{"id":"1","userName":"a","name":{"givenName":"A"}} 1"#,
    ); // R39
    check(Some("bogus"), None, nothing);
    check(
        Some(r#"emails[type eq "work"].value"#),
        None,
        r#"{"id":"1","emails":[{"value":"x"}]} 1"#,
    );
    check(
        Some("ENT:department"),
        None,
        r#"{"id":"1","ENT":{"department":"D"}} 2"#,
    );
    check(
        Some("manager"),
        None,
        r#"{"id":"1","ENT":{"manager":{"value":"m"}}} 2"#,
    );
    check(
        Some("ENT"),
        None,
        r#"{"id":"1","ENT":{"department":"D","manager":{"value":"m"}}} 2"#,
    );
    check(Some("name.formatted"), None, r#"{"id":"1","name":{}} 1"#);
}

#[test]
fn excluded_attributes() {
    check(
        None,
        Some("id,schemas,userName,emails,name,ENT"),
        r#"{"id":"1","meta":{"location":"l"}} 1"#,
    ); // R44
    check(
        None,
        Some("meta,name.givenName,emails.value,emails.type,ENT:manager"),
        r#"{"id":"1","userName":"a","name":{"familyName":"L"},"ENT":{"department":"D"}} 2"#,
    );
    check(
        Some("userName,name"),
        Some("name.givenName"),
        r#"{"id":"1","userName":"a","name":{"familyName":"L"}} 1"#,
    );
}

#[test]
fn nothing_said_is_everything() {
    let mut resource = object(ADA);
    Projection::default().apply(&mut resource, &types('u'));
    assert_eq!(resource, object(ADA));
    assert_eq!(
        Projection::parse(Some(""), Some(" "), &types('u')),
        Projection::default()
    );
}

#[test]
fn members_need_not_be_asked_for() {
    for (only, without, wanted) in [
        (None, None, true),
        (None, Some("members"), false), // G-10
        (None, Some("MEMBERS"), false),
        (None, Some("members.display"), true),
        (None, Some("displayName"), true),
        (Some("id"), None, false), // G-26
        (Some("members.value"), None, true),
    ] {
        let projection = Projection::parse(only, without, &types('g'));
        assert_eq!(projection.wants("members"), wanted, "{only:?} {without:?}");
    }
}

#[test]
fn what_is_returned_on_request_is_shown_when_asked_for_or_written() {
    // R129
    let mut types = types('u');
    let schema = std::sync::Arc::make_mut(&mut types.schema);
    for text in [
        r#"{"name": "badge", "returned": "request"}"#,
        r#"{"name": "seal", "returned": "always"}"#,
    ] {
        schema.attributes.push(serde_json::from_str(text).unwrap());
    }
    let shown = |only: Option<&str>, without: Option<&str>, written: bool| {
        let projection = Projection::parse(only, without, &types);
        let projection = projection.showing_written(
            |urn, name| written && urn.is_none() && name == "badge",
            &types,
        );
        let mut resource = object(r#"{"userName":"a","badge":"b","seal":"s"}"#);
        projection.apply(&mut resource, &types);
        print(&resource.into())
    };
    assert_eq!(shown(None, None, false), r#"{"userName":"a","seal":"s"}"#);
    assert_eq!(
        shown(None, None, true),
        r#"{"userName":"a","badge":"b","seal":"s"}"#
    );
    assert_eq!(
        shown(Some("badge"), None, false),
        r#"{"badge":"b","seal":"s"}"#
    );
    assert_eq!(
        shown(Some("userName"), None, true),
        r#"{"userName":"a","seal":"s"}"#
    );
    assert_eq!(
        shown(None, Some("badge,seal"), true),
        r#"{"userName":"a","seal":"s"}"#
    );
}
