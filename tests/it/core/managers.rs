//! A manager who does not exist is refused, or kept as Entra wrote it, and never sent to a vendor
//! that would lose it.

use serde_json::{Value, json};

use super::play::{Play, everywhere};
use super::vendors::{PALOALTO, REFERENCE, SOSAFE, WSS};
use crate::harness::person;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn managed_by(manager: &str) -> Value {
    let mut user = person();
    user["schemas"] = json!([USER, ENTERPRISE]);
    user[ENTERPRISE] = json!({"manager": {"value": manager}});
    user
}

fn set(manager: &str) -> Value {
    json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": {"value": manager}}])
}

/// Whose entries refer to each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_is_nobody_is_refused() {
    everywhere(&[&PALOALTO], |play| async move {
        let path = format!("/Users/{}", play.make("/Users", &person()).await);
        let before = play.picture().await;
        for stranger in play.vendor.strangers {
            let answer = play.post("/Users", &managed_by(stranger)).await;
            answer.is_invalid(stranger, "POST");
            before.is_still(&play.picture().await, "POST");
            let mut operations = set(stranger).as_array().unwrap().clone();
            play.patch(&path, operations.clone().into())
                .await
                .is_invalid(stranger, "PATCH");
            before.is_still(&play.picture().await, "PATCH");
            let change = json!({"op": "replace", "path": "displayName", "value": "New"});
            operations.insert(0, change);
            play.patch(&path, operations.into())
                .await
                .is_invalid(stranger, "PATCH of more");
            before.is_still(&play.picture().await, "PATCH of more");
        }
    })
    .await;
}

/// One who was there and is not any more is nobody as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_is_gone_is_refused() {
    everywhere(&[&PALOALTO], |play| async move {
        let path = format!("/Users/{}", play.make("/Users", &person()).await);
        let gone = play.make("/Users", &person()).await;
        let deleted = play.tenant.delete(&format!("/Users/{gone}")).await;
        assert_eq!(deleted.status, 204, "{deleted}");
        let before = play.picture().await;
        play.patch(&path, set(&gone))
            .await
            .is_invalid(&gone, "PATCH");
        before.is_still(&play.picture().await, "PATCH");
    })
    .await;
}

/// Where the vendor has no place for a manager, Entra reads its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_is_nobody_is_kept_as_entra_wrote_it() {
    everywhere(&[&SOSAFE], |play| async move {
        for stranger in play.vendor.strangers {
            let user = managed_by(stranger);
            let made = play.post("/Users", &user).await;
            made.is(201, "POST");
            is_kept(&play, &made.id(), &user, stranger, "POST").await;
            let user = person();
            let id = play.make("/Users", &user).await;
            let mut operations = set(stranger).as_array().unwrap().clone();
            operations.push(json!({"op": "replace", "path": "name.givenName", "value": "New"}));
            let patched = play.patch(&format!("/Users/{id}"), operations.into()).await;
            patched.is(200, "PATCH");
            is_kept(&play, &id, &user, stranger, "PATCH").await;
            let read = play.tenant.get(&format!("/Users/{id}")).await;
            assert_eq!(read.json()["name"]["givenName"], "New", "{read}");
        }
    })
    .await;
}

async fn is_kept(play: &Play, id: &str, user: &Value, manager: &str, what: &str) {
    let read = play.tenant.get(&format!("/Users/{id}")).await;
    assert_eq!(
        read.json()[ENTERPRISE]["manager"]["value"],
        manager,
        "{what}: {read}"
    );
    let row = play.row(&user["userName"]);
    assert!(
        !row.to_string().contains(manager),
        "{what}: sent to the vendor: {row}"
    );
}

/// A backend that keeps whatever it is given may keep this as well; what is not kept is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_is_nobody_is_not_lost() {
    everywhere(&[&REFERENCE], |play| async move {
        let path = format!("/Users/{}", play.make("/Users", &person()).await);
        for stranger in play.vendor.strangers {
            let before = play.picture().await;
            let answer = play.patch(&path, set(stranger)).await;
            if answer.status == 400 {
                answer.is_invalid(stranger, "PATCH");
                before.is_still(&play.picture().await, "PATCH");
                continue;
            }
            answer.is(200, "PATCH");
            let read = play.tenant.get(&path).await;
            assert_eq!(
                read.json()[ENTERPRISE]["manager"]["value"],
                stranger,
                "{read}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_is_there_is_set() {
    everywhere(&[&REFERENCE, &SOSAFE, &PALOALTO, &WSS], |play| async move {
        let manager = play.make("/Users", &person()).await;
        let made = play.post("/Users", &managed_by(&manager)).await;
        made.is(201, "POST");
        let user = play.make("/Users", &person()).await;
        let path = format!("/Users/{user}");
        play.patch(&path, set(&manager)).await.is(200, "PATCH");
        for id in [made.id(), user] {
            let read = play.tenant.get(&format!("/Users/{id}")).await;
            assert_eq!(
                read.json()[ENTERPRISE]["manager"]["value"],
                manager,
                "{read}"
            );
        }
    })
    .await;
}

/// Where the vendor refers to a manager by a login, one that nobody has is left out: the user is
/// written all the same, and Entra, which reads no manager, sends it again (adapters/wss.md).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_whose_login_nobody_has_is_left_out() {
    everywhere(&[&WSS], |play| async move {
        for stranger in play.vendor.strangers {
            let user = managed_by(stranger);
            let made = play.post("/Users", &user).await;
            made.is(201, "POST");
            let read = play.tenant.get(&format!("/Users/{}", made.id())).await;
            assert_eq!(read.json()[ENTERPRISE]["manager"], Value::Null, "{read}");
            let row = play.row(&user["userName"]);
            assert!(!row.to_string().contains(stranger), "{row}");
        }
    })
    .await;
}
