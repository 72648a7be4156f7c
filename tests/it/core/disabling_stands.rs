//! A leaver is disabled even if something else of the same PATCH is refused: an account that stays
//! open is the worse mistake. The refusal names the other value, and nothing else is changed.

use std::sync::Arc;

use scimgate::scim::Profile;
use serde_json::{Value, json};

use super::play::{Play, both_ways, everywhere, with_each};
use super::stand::{Edit, Stand};
use super::vendors::{ALL, PALOALTO, SOSAFE, Vendor, WEBROOT, WEDO, WSS};
use crate::harness::{group, person};

const MAIL: &str = "emails[type eq \"work\"].value";

/// A value that is refused.
#[derive(Clone)]
struct Refused {
    path: &'static str,
    value: Value,
    /// What the refusal says.
    named: &'static str,
}

fn refused(path: &'static str, value: impl Into<Value>, named: &'static str) -> Refused {
    let value = value.into();
    Refused { path, value, named }
}

/// What the gateway finds out by itself, and what only the vendor does.
fn refused_by(vendor: &Vendor) -> Vec<Refused> {
    match vendor.name {
        "sosafe" => vec![
            refused("externalId", "x".repeat(65), "externalId"),
            refused("name.givenName", " ", "name.givenName"),
        ],
        "webroot" => vec![
            refused(MAIL, "nobody", MAIL),
            refused(MAIL, "somebody@gmail.com", "gmail.com"),
        ],
        "paloalto" => vec![
            refused("userName", "x".repeat(64), "userName"),
            refused("title", "a\u{1}b", "control character"),
        ],
        "wss" => vec![
            refused("userName", "x".repeat(255), "userName"),
            refused("externalId", "x".repeat(255), "externalId"),
        ],
        "wedo" => vec![
            refused("userType", "Wizard", "userType"),
            refused(MAIL, "nobody", MAIL),
        ],
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_value_keeps_nobody_in() {
    everywhere(
        &[&SOSAFE, &WEBROOT, &PALOALTO, &WSS, &WEDO],
        |play| async move {
            with_each(&play, refused_by(play.vendor), |play, refused| async move {
                keeps_nobody_in(&play, &refused, 400).await;
            })
            .await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_keeps_nobody_in() {
    everywhere(ALL, |play| async move {
        let other = person();
        play.make("/Users", &other).await;
        let taken = refused("userName", other["userName"].clone(), "userName");
        keeps_nobody_in(&play, &taken, 409).await;
    })
    .await;
}

/// The directory refuses an attribute it has not defined, and with it all of the change.
const UNDEFINED: &[Edit] = &[(
    "tenant",
    r#"custom_attributes = ["Badge"]"#,
    r#"custom_attributes = ["Badge", "Nope"]"#,
)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_vendor_alone_refuses_keeps_nobody_in() {
    let mut failures = Vec::new();
    for profile in Profile::ALL {
        let stand = Arc::new(Stand::edited(&PALOALTO, profile, UNDEFINED).await);
        let failed = both_ways(stand, |play| async move {
            let path = "urn:ietf:params:scim:schemas:extension:custom:2.0:User:Nope";
            keeps_nobody_in(&play, &refused(path, "x", "Nope"), 400).await;
        });
        failures.extend(failed.await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn keeps_nobody_in(play: &Play, refused: &Refused, status: u16) {
    let Refused { path, value, named } = refused;
    let off = json!({"op": "replace", "path": "active", "value": false});
    let change = json!({"op": "replace", "path": path, "value": value});
    let other = json!({"op": "replace", "path": "displayName", "value": "New"});
    let mut inputs = vec![
        json!([off, change]),
        json!([change, off]),
        json!([other, off, change]),
    ];
    if !path.contains(['[', '.', ':']) {
        let mut all = json!({"active": false});
        all[*path] = value.clone();
        inputs.push(json!([{"op": "replace", "value": all}]));
    }
    if play.profile != Profile::Strict {
        let off = json!({"op": "Replace", "path": "active", "value": "False"});
        inputs.push(json!([change, off]));
    }
    with_each(play, inputs, |play, input| {
        let named = *named;
        async move {
            let what = format!("PATCH {input}");
            let user = person();
            let path = format!("/Users/{}", play.make("/Users", &user).await);
            let mut expected = play.tenant.get(&path).await.json();
            expected["active"] = false.into();
            let answer = play.patch(&path, input).await;
            answer.is(status, &what);
            assert!(!play.is_active(&user["userName"]), "{what}: still active");
            let now = play.tenant.get(&path).await.json();
            assert_eq!(without_meta(now), without_meta(expected), "{what}");
            let detail = answer.detail();
            assert!(detail.contains(named), "{what}: no {named:?} in {detail:?}");
        }
    })
    .await;
}

fn without_meta(mut user: Value) -> Value {
    user.as_object_mut().unwrap().remove("meta");
    user
}

/// Where disabling means leaving the groups, they are left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_value_keeps_nobody_in_a_group() {
    everywhere(&[&WEBROOT], |play| async move {
        let id = play.make("/Users", &person()).await;
        let team = play.make("/Groups", &group(&[&id])).await;
        let operations = json!([
            {"op": "replace", "path": "active", "value": false},
            {"op": "replace", "path": MAIL, "value": "somebody@gmail.com"},
        ]);
        let answer = play.patch(&format!("/Users/{id}"), operations).await;
        answer.is(400, "PATCH");
        assert_eq!(play.joined(), 0, "still in a group");
        assert_eq!(play.tenant.members(&team).await, [id]);
    })
    .await;
}

/// Enabling does not stand: nobody is let in by a request that is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_value_lets_nobody_in() {
    everywhere(ALL, |play| async move {
        let other = person();
        play.make("/Users", &other).await;
        let taken = refused("userName", other["userName"].clone(), "userName");
        for Refused { path, value, .. } in refused_by(play.vendor).into_iter().chain([taken]) {
            let user = person();
            let id = play.make("/Users", &user).await;
            let off = json!([{"op": "replace", "path": "active", "value": false}]);
            play.patch(&format!("/Users/{id}"), off)
                .await
                .is(200, "disabling");
            let before = play.picture().await;
            let on = json!({"op": "replace", "path": "active", "value": true});
            let change = json!({"op": "replace", "path": path, "value": value});
            for input in [json!([on, change]), json!([change, on])] {
                let what = format!("PATCH {input}");
                let answer = play.patch(&format!("/Users/{id}"), input).await;
                assert!([400, 409].contains(&answer.status), "{what}: {answer}");
                before.is_still(&play.picture().await, &what);
            }
        }
    })
    .await;
}
