#![allow(clippy::unwrap_used)]

use super::*;
use crate::scim::tests::types;
use crate::scim::{AttrPath, Leaf};

#[test]
fn characteristics_of_the_rfc() {
    // R11
    let user = ResourceType::user();
    let user_name = user.schema.attribute("USERNAME").unwrap();
    assert!(user_name.required && !user_name.case_exact);
    assert_eq!(user_name.uniqueness, Uniqueness::Server);
    assert_eq!(
        user.schema.attribute("groups").unwrap().mutability,
        Mutability::ReadOnly
    );
    let members = ResourceType::group()
        .schema
        .attribute("members")
        .unwrap()
        .clone();
    assert_eq!(
        members.sub("value").unwrap().mutability,
        Mutability::Immutable
    );
    let password = user.schema.attribute("password").unwrap();
    assert!(password.is_write_only() && password.returned == Returned::Never);
    // Nobody but a vendor with a field for it keeps one.
    assert!(
        user.clone()
            .serving([])
            .schema
            .attribute("password")
            .is_none()
    );
    assert!(
        user.clone()
            .readable()
            .schema
            .attribute("password")
            .is_none()
    );
}

#[test]
fn slots_are_where_types_are_suggested() {
    let user = ResourceType::user();
    let slots: Vec<&str> = (user.schema.attributes.iter())
        .filter(|attribute| attribute.has_slots())
        .map(|attribute| attribute.name.as_str())
        .collect();
    assert_eq!(
        slots,
        ["emails", "phoneNumbers", "ims", "photos", "addresses"]
    );
    assert!(
        !ResourceType::group()
            .schema
            .attribute("members")
            .unwrap()
            .has_slots()
    );
}

#[test]
fn a_definition_survives_publication() {
    for schema in [ResourceType::user().schema, ResourceType::group().schema] {
        let text = serde_json::to_string(&schema).unwrap();
        assert!(!text.contains("null"), "{text}");
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), *schema);
    }
}

#[test]
fn names_are_found_in_any_case_and_bare() {
    let user = ResourceType::user();
    for (path, found) in [
        ("NAME.GIVENNAME", "name.givenName"),
        ("externalid", "externalId"),
        ("meta.location", "meta.location"),
        (
            "Manager",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        ),
        (
            "department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ),
        (
            "urn:IETF:params:scim:schemas:extension:enterprise:2.0:user:manager.VALUE",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        ),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", "title"),
    ] {
        let path = AttrPath::parse(path, &user).unwrap();
        assert_eq!(path.to_string(), found);
        assert!(user.attribute(&path).is_some());
    }
}

#[test]
fn suggestions() {
    let user = ResourceType::user();
    for (wrong, near) in [
        ("usrName", Some("userName")),
        ("name.givename", Some("name.givenName")),
        ("emial", None),
        ("emials", Some("emails")),
        ("deparment", Some("department")),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCentre",
            Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter"),
        ),
        ("flavour", None),
    ] {
        assert_eq!(user.suggest(wrong).as_deref(), near, "{wrong}");
    }
    assert_eq!(user.suggest(&"x".repeat(100_000)), None);
}

/// Places of a user with what a table demands there: required, unique.
fn statements(rows: &[(&str, bool, bool)]) -> Vec<Statement> {
    let statement = |(row, required, unique): &(&str, bool, bool)| Statement {
        leaf: Leaf::parse(row, &types('u')).unwrap(),
        required: *required,
        made: false,
        unique: *unique,
        values: Vec::new(),
    };
    rows.iter().map(statement).collect()
}

#[test]
fn what_is_taken_and_answered_is_published_and_nothing_else() {
    // R123
    let rows = statements(&[
        (r#"phoneNumbers[type eq "mobile"].value"#, false, false),
        (r#"phoneNumbers[type eq "work"].value"#, false, false),
        (r#"addresses[type eq "work"].locality"#, false, false),
        ("department", false, false),
    ]);
    let user = ResourceType::user().stating(&rows);
    let at = |name: &str| user.schema.attribute(name).unwrap();
    let types = |name: &str| at(name).sub("type").unwrap().canonical_values.join(" ");
    // Where there are places, their types; where not, those of the RFC.
    assert_eq!(types("phoneNumbers"), "mobile work");
    assert_eq!(types("addresses"), "work");
    assert_eq!(types("emails"), "work home other");
    assert!(at("externalId").case_exact);
    // Only the vendor could set them, and this one does not.
    assert!(user.schema.attribute("groups").is_none());
    let enterprise = &user.extensions[0].schema;
    let manager = enterprise.attribute("manager").unwrap();
    assert!(manager.sub("value").is_some() && manager.sub("displayName").is_none());
    // What is kept by the gateway alone says so.
    let is_kept = |attribute: &Attribute| attribute.description.ends_with(" the gateway keeps it.");
    let address = at("addresses");
    assert!(!is_kept(address) && !is_kept(address.sub("locality").unwrap()));
    assert!(is_kept(address.sub("region").unwrap()) && !is_kept(address.sub("type").unwrap()));
    assert!(is_kept(at("title")) && is_kept(manager));
    assert!(!is_kept(enterprise.attribute("department").unwrap()));
    let group = ResourceType::group().stating(&[]);
    let members = group.schema.attribute("members").unwrap();
    assert!(
        !is_kept(members) && members.sub("value").is_some() && members.sub("display").is_none()
    );
}

#[test]
fn what_the_vendor_demands_is_published() {
    // R123, R130
    let mut rows = statements(&[
        (r#"emails[type eq "work"].value"#, true, true),
        ("name.givenName", true, false),
        ("externalId", false, true),
        ("userType", false, false),
    ]);
    rows[3].values = vec!["Member".to_owned(), "Guest".to_owned()];
    rows[3].made = true;
    let stated = ResourceType::user().stating(&rows);
    let at = |name: &str| stated.schema.attribute(name).unwrap();
    let [emails, name, external] = ["emails", "name", "externalId"].map(at);
    assert!(emails.required && name.required && !external.required);
    assert!(emails.sub("type").unwrap().required && !emails.sub("display").unwrap().required);
    assert!(emails.sub("value").unwrap().required && name.sub("givenName").unwrap().required);
    assert_eq!(emails.sub("value").unwrap().uniqueness, Uniqueness::None); // those at home are kept as they come
    assert_eq!(external.uniqueness, Uniqueness::Server);
    assert_eq!(at("userName").uniqueness, Uniqueness::Server);
    assert_eq!(at("userType").canonical_values, ["Member", "Guest"]);
    let description = &at("userType").description;
    assert!(
        description.ends_with(" can be made of other attributes."),
        "{description}"
    );
}
