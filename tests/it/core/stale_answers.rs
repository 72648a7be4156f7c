//! The answer to a change is what the vendor holds after its last step, whichever of the vendor's
//! functions says something of the object.

use std::sync::Arc;

use scimgate::scim::Profile;
use serde_json::{Value, json};

use super::play::{Play, Way, both_ways};
use super::stand::{Edit, Stand};
use super::vendors::{SOSAFE, Vendor, WEBROOT, WEDO};
use crate::harness::person;

/// A script of which a function gives `()` where it could give the user.
struct Silent {
    vendor: &'static Vendor,
    edits: &'static [Edit],
}

const SILENT: &[Silent] = &[
    // The change is silent, the switch is not.
    Silent {
        vendor: &SOSAFE,
        edits: &[(
            "rhai",
            "fn update_user(id, changes) { patch(`/users/${id}`, changes) }",
            "fn update_user(id, changes) { patch(`/users/${id}`, changes); () }",
        )],
    },
    Silent {
        vendor: &WEDO,
        edits: &[(
            "rhai",
            "shown(graphql(mutation, variables).updateUser.user)",
            "graphql(mutation, variables);\n    ()",
        )],
    },
    Silent {
        vendor: &WEBROOT,
        edits: &[
            (
                "rhai",
                "fn update_user(id, changes) {",
                "fn update_user(id, changes) {\n    written(id, changes);\n    ()\n}\n\nfn written(id, changes) {",
            ),
            (
                "rhai",
                "fn activate_user(id)   { update_user(",
                "fn activate_user(id)   { written(",
            ),
            (
                "rhai",
                "fn deactivate_user(id) { update_user(",
                "fn deactivate_user(id) { written(",
            ),
        ],
    },
    // The switch is silent, the change is not.
    Silent {
        vendor: &SOSAFE,
        edits: &[
            (
                "rhai",
                "post_again(`/users/${id}/activate`)",
                "post_again(`/users/${id}/activate`); ()",
            ),
            (
                "rhai",
                "post_again(`/users/${id}/deactivate`)",
                "post_again(`/users/${id}/deactivate`); ()",
            ),
        ],
    },
    // Both are.
    Silent {
        vendor: &SOSAFE,
        edits: &[
            (
                "rhai",
                "fn update_user(id, changes) { patch(`/users/${id}`, changes) }",
                "fn update_user(id, changes) { patch(`/users/${id}`, changes); () }",
            ),
            (
                "rhai",
                "post_again(`/users/${id}/activate`)",
                "post_again(`/users/${id}/activate`); ()",
            ),
            (
                "rhai",
                "post_again(`/users/${id}/deactivate`)",
                "post_again(`/users/${id}/deactivate`); ()",
            ),
        ],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_with_a_switch_is_answered_from_the_last_of_them() {
    let mut failures = Vec::new();
    for Silent { vendor, edits } in SILENT {
        for profile in Profile::ALL {
            let stand = Arc::new(Stand::edited(vendor, profile, edits).await);
            let failed = both_ways(
                stand,
                |play| async move { switched_and_changed(&play).await },
            );
            failures.extend(failed.await);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn switched_and_changed(play: &Play) {
    let user = person();
    let path = format!("/Users/{}", play.make("/Users", &user).await);
    for (number, active) in [false, true, false, true].into_iter().enumerate() {
        let name = format!("New{number}");
        let switch = json!({"op": "replace", "path": "active", "value": active});
        let change = json!({"op": "replace", "path": "name.givenName", "value": name});
        let operations = match number {
            0 | 1 => json!([switch, change]),
            _ => json!([change, switch]),
        };
        let what = format!("PATCH {operations}");
        let answer = play.patch(&path, operations).await;
        answer.is(200, &what);
        says(play, &path, &answer.body, (&name, active), &what).await;
    }
    for active in [false, true] {
        let mut body = user.clone();
        body["active"] = active.into();
        body["name"]["givenName"] = format!("Put{active}").into();
        let what = format!("PUT, active {active}");
        let answer = play.put(&path, &body).await;
        answer.is(200, &what);
        let expected = (body["name"]["givenName"].as_str().unwrap(), active);
        says(play, &path, &answer.body, expected, &what).await;
    }
}

/// The answer says what has become of the user, and so does the next reading.
async fn says(play: &Play, path: &str, answer: &Value, expected: (&str, bool), what: &str) {
    let held = play.tenant.get(path).await.json();
    let of = |user: &Value| (user["name"]["givenName"].clone(), user["active"].clone());
    let expected = (Value::from(expected.0), Value::from(expected.1));
    assert_eq!(of(&held), expected, "{what}: read afterwards");
    if play.way == Way::Alone {
        assert_eq!(of(answer), expected, "{what}: answered");
        assert_eq!(*answer, held, "{what}: answered, and read afterwards");
    }
}
