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
    assert!(user.schema.attribute("password").is_none());
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

/// Attributes with their parts and suggested types, as text.
fn outline(schema: &Schema) -> String {
    let attribute = |attribute: &Attribute| {
        let parts: Vec<&str> = attribute
            .sub_attributes
            .iter()
            .map(|sub| sub.name.as_str())
            .collect();
        let types = attribute
            .sub("type")
            .map(|sub| sub.canonical_values.join("|"));
        match attribute.is_complex() {
            true => format!(
                "{}({}){}",
                attribute.name,
                parts.join(" "),
                types.unwrap_or_default()
            ),
            false => attribute.name.clone(),
        }
    };
    schema
        .attributes
        .iter()
        .map(attribute)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn what_is_published_is_what_is_mapped() {
    // R123
    let leaves = |kind: char, rows: &[&str]| -> Vec<Leaf> {
        rows.iter()
            .map(|row| Leaf::parse(row, &types(kind)).unwrap())
            .collect()
    };
    let rows = [
        "externalId",
        "active",
        "name.familyName",
        r#"emails[type eq "work"].value"#,
        r#"phoneNumbers[type eq "mobile"].value"#,
        r#"phoneNumbers[type eq "work"].value"#,
        r#"addresses[type eq "work"].locality"#,
        r#"roles[primary eq "True"].value"#,
        "manager",
        "department",
    ];
    let user = ResourceType::user().narrowed(&leaves('u', &rows));
    assert_eq!(
        outline(&user.schema),
        "userName name(familyName) active emails(value type primary)work \
         phoneNumbers(value type primary)mobile|work addresses(locality type primary)work \
         roles(value type primary) externalId"
    );
    assert_eq!(
        outline(&user.extensions[0].schema),
        "department manager(value $ref)"
    );
    let bare = ResourceType::user().narrowed(&leaves('u', &["displayName"]));
    assert_eq!(outline(&bare.schema), "userName displayName");
    assert!(bare.extensions.is_empty());
    let group = ResourceType::group().narrowed(&[]);
    assert_eq!(
        outline(&group.schema),
        "displayName members(value $ref type)User"
    );
}

#[test]
fn what_the_vendor_demands_is_published() {
    // R123, R130
    let rows = [
        r#"emails[type eq "work"].value"#,
        r#"emails[type eq "home"].value"#,
        "name.givenName",
        "externalId",
    ];
    let leaves: Vec<Leaf> = rows
        .iter()
        .map(|row| Leaf::parse(row, &types('u')).unwrap())
        .collect();
    let statements: Vec<Statement> = leaves
        .iter()
        .zip([(true, true), (false, false), (true, false), (false, true)])
        .map(|(leaf, (required, unique))| Statement {
            leaf: leaf.clone(),
            required,
            unique,
        })
        .collect();
    let stated = ResourceType::user().narrowed(&leaves).stating(&statements);
    let at = |name: &str| stated.schema.attribute(name).unwrap();
    let [emails, name, external] = ["emails", "name", "externalId"].map(at);
    assert!(emails.required && name.required && !external.required);
    assert!(emails.sub("value").unwrap().required && name.sub("givenName").unwrap().required);
    assert_eq!(emails.sub("value").unwrap().uniqueness, Uniqueness::None); // home addresses are not
    assert_eq!(external.uniqueness, Uniqueness::Server);
    assert_eq!(at("userName").uniqueness, Uniqueness::Server);
}
