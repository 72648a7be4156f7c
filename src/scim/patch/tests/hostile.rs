//! Any JSON at all: no panic, and what comes out is in canonical form.

use super::*;
use crate::scim::resource::canonicalise;
use proptest::prelude::*;

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "userName",
            "emails",
            "name",
            "name.givenName",
            "value",
            "type",
            "primary",
            "manager",
            "members",
            "roles",
            "ENT",
            "ENT:manager",
            "schemas",
            "id",
            "$ref",
            "displayName",
            "active",
            "addresses",
            "op",
            "path",
            r#"emails[type eq "work"].value"#,
            r#"roles[primary eq "True"].value"#,
        ])
        .prop_map(|key| key.replace("ENT", crate::scim::schema::ENTERPRISE_USER)),
        any::<String>(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["", "a", "True", "work", "{\"value\":\"1\"}"])
            .prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Nothing empty is left, however deep.
fn is_canonical(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty() && list.iter().all(is_canonical),
        Value::Object(parts) => !parts.is_empty() && parts.values().all(is_canonical),
        _ => true,
    }
}

proptest! {
    #[test]
    fn resources(mut body in any_json(), named in any::<bool>()) {
        if let (true, Some(body)) = (named, body.as_object_mut()) {
            body.insert("userName".to_owned(), "a".into());
        }
        let types = types('u');
        let _ = canonicalise(body.clone(), &types, Profile::Strict);
        if let Ok(once) = canonicalise(body, &types, Profile::Entra) {
            let resource = Value::Object(once.resource.clone());
            prop_assert!(is_canonical(&resource), "{}", resource);
            let twice = canonicalise(resource, &types, Profile::Strict);
            prop_assert_eq!(twice.map(|twice| twice.resource), Ok(once.resource));
        }
    }

    #[test]
    fn patches(
        operations in prop::collection::vec((prop::sample::select(vec!["add", "remove", "replace"]), prop::option::of(any_key()), any_json()), 1..4)
    ) {
        let types = types('u');
        let operations: Vec<Value> = operations
            .into_iter()
            .map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }))
            .collect();
        for profile in [Profile::Entra, Profile::Strict] {
            let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": operations.clone() });
            let Ok(request) = PatchRequest::parse(body, &types, profile) else { continue };
            let mut ada = object(r#"{"userName":"ada","emails":[{"type":"work","value":"a"}],"name":{"givenName":"A"}}"#);
            if request.apply(&mut ada, &types, profile).is_ok() {
                let ada = Value::Object(ada);
                prop_assert!(is_canonical(&ada), "{}", ada);
                prop_assert!(canonicalise(ada, &types, Profile::Entra).is_ok());
            }
            let _ = request.split_members();
        }
    }
}
