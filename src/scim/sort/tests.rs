#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn people() -> Vec<Value> {
    let enterprise = crate::scim::schema::ENTERPRISE_USER;
    vec![
        json!({ "id": "1", "userName": "bea", "externalId": "a", "active": true,
            "name": { "familyName": "Zorn" }, "meta": { "created": "2024-05-01T12:00:00+02:00" },
            "emails": [{ "value": "z@x", "type": "home" }, { "value": "b@x", "primary": true }] }),
        json!({ "id": "2", "userName": "Ärger", "active": false, enterprise: { "costCenter": "9" },
            "meta": { "created": "2024-05-01T11:00:00Z" }, "emails": [{ "value": "A@x" }, { "value": "z@x" }] }),
        json!({ "id": "3", "userName": "ANNA", "externalId": "B", "name": { "familyName": "adler" } }),
        json!({ "id": "4", "userName": "carl", "externalId": "", enterprise: { "costCenter": "10" } }),
    ]
}

fn sorted(by: &str, order: &str) -> String {
    let types = ResourceType::user();
    let sort = Sort::parse(Some(by), Some(order), &types, Profile::Strict)
        .unwrap()
        .unwrap();
    let mut keyed: Vec<(Option<Key>, Value)> = people()
        .into_iter()
        .map(|person| (sort.key(person.as_object().unwrap(), &types), person))
        .collect();
    sort.arrange(&mut keyed);
    keyed
        .iter()
        .map(|(_, person)| person["id"].as_str().unwrap())
        .collect()
}

#[track_caller]
fn check(by: &str, ascending: &str, descending: &str) {
    assert_eq!(sorted(by, "ascending"), ascending, "{by}");
    assert_eq!(sorted(by, "Descending"), descending, "{by}, descending");
}

#[test]
fn values_are_ordered_by_their_type() {
    check("userName", "3142", "2413"); // R59: letters, not bytes
    check("USERNAME", "3142", "2413"); // R124
    check("externalId", "3124", "2413"); // caseExact: B before a
    check("active", "2134", "3412");
    check("meta.created", "1234", "3421"); // R58: the same day in two offsets
    check("id", "1234", "4321");
}

#[test]
fn what_has_no_value_is_last_then_first() {
    check("name.familyName", "3124", "2413"); // R61, R62
    check("nickName", "1234", "1234"); // nobody has one: the order stays
    check(
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
        "4213",
        "1324",
    );
    check("costCenter", "4213", "1324");
    check(
        "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
        "3124",
        "2413",
    );
}

#[test]
fn of_a_list_the_primary_value_counts_else_the_first() {
    check("emails", "2134", "3412"); // R63
    check("emails.value", "2134", "3412");
    check("emails.type", "1234", "1234"); // the primary one has no type
}

#[test]
fn what_cannot_be_sorted_by() {
    let types = ResourceType::user();
    for (by, order) in [
        ("bogus", ""),
        ("name", ""),
        ("name.bogus", ""),
        ("emails[type eq \"work\"]", ""),
        ("userName", "upwards"),
    ] {
        let strict = Sort::parse(Some(by), Some(order), &types, Profile::Strict);
        let error = strict.unwrap_err();
        assert_eq!(
            error.scim_type,
            Some(crate::scim::ScimType::InvalidValue),
            "{by}"
        );
        let entra = Sort::parse(Some(by), Some(order), &types, Profile::Entra).unwrap();
        assert_eq!(entra.is_some(), by == "userName", "{by}");
    }
    for nothing in [None, Some(""), Some(" ")] {
        let sort = Sort::parse(nothing, Some("descending"), &types, Profile::Strict);
        assert_eq!(sort, Ok(None)); // an order without attribute says nothing
    }
}
