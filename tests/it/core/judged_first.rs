//! What can be found out without a write is found out before the first one.

use serde_json::json;

use super::play::everywhere;
use super::vendors::{ALL, GROUPED};
use crate::harness::{group, person, unique};

const MAIL: &str = "emails[type eq \"work\"].value";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_name_that_is_taken_is_refused_before_anything_is_changed() {
    everywhere(ALL, |play| async move {
        let (first, second) = (person(), person());
        play.make("/Users", &first).await;
        let path = format!("/Users/{}", play.make("/Users", &second).await);
        let before = play.picture().await;
        let taken = first["userName"].as_str().unwrap();
        for taken in [taken.to_owned(), taken.to_uppercase()] {
            let rename = json!({"op": "replace", "path": "userName", "value": taken});
            let change = json!({"op": "replace", "path": "displayName", "value": "New"});
            let inputs = [
                json!([rename]),
                json!([{"op": "replace", "value": {"userName": taken}}]),
                json!([{"op": "replace", "value": {"userName": taken, "displayName": "New"}}]),
                json!([change, rename]),
                json!([rename, change]),
                json!([{"op": "replace", "path": "name.givenName", "value": "New"}, rename]),
            ];
            for input in inputs {
                let what = format!("PATCH {input}");
                play.patch(&path, input).await.is_taken(&what);
                before.is_still(&play.picture().await, &what);
            }
            let mut body = second.clone();
            body["userName"] = taken.clone().into();
            body["displayName"] = "New".into();
            let what = format!("PUT userName {taken}");
            play.put(&path, &body).await.is_taken(&what);
            before.is_still(&play.picture().await, &what);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_is_refused_before_anything_is_changed() {
    everywhere(ALL, |play| async move {
        if !play.vendor.unique_email {
            return;
        }
        let (first, second) = (person(), person());
        play.make("/Users", &first).await;
        let path = format!("/Users/{}", play.make("/Users", &second).await);
        let before = play.picture().await;
        let taken = first["emails"][0]["value"].as_str().unwrap();
        for taken in [taken.to_owned(), taken.to_uppercase()] {
            let change = json!({"op": "replace", "path": MAIL, "value": taken});
            let name = format!("{}@example.com", unique("new"));
            let rename = json!({"op": "replace", "path": "userName", "value": name});
            for input in [
                json!([change]),
                json!([rename, change]),
                json!([change, rename]),
            ] {
                let what = format!("PATCH {input}");
                play.patch(&path, input).await.is_taken(&what);
                before.is_still(&play.picture().await, &what);
            }
            let mut body = second.clone();
            body["emails"][0]["value"] = taken.clone().into();
            body["displayName"] = "New".into();
            let what = format!("PUT address {taken}");
            play.put(&path, &body).await.is_taken(&what);
            before.is_still(&play.picture().await, &what);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_name_that_is_taken_is_refused_before_anybody_joins_or_leaves() {
    everywhere(GROUPED, |play| async move {
        let member = play.make("/Users", &person()).await;
        let loner = play.make("/Users", &person()).await;
        let (first, second) = (group(&[]), group(&[&member]));
        play.make("/Groups", &first).await;
        let path = format!("/Groups/{}", play.make("/Groups", &second).await);
        let before = play.picture().await;
        let taken = first["displayName"].as_str().unwrap();
        for taken in [taken.to_owned(), taken.to_uppercase()] {
            let rename = json!({"op": "replace", "path": "displayName", "value": taken});
            let external = json!({"op": "replace", "path": "externalId", "value": "new"});
            let list = json!([{"value": loner}]);
            let add = json!({"op": "add", "path": "members", "value": list});
            let replace = json!({"op": "replace", "path": "members", "value": list});
            let inputs = [
                json!([rename]),
                json!([external, rename]),
                json!([{"op": "replace", "value": {"displayName": taken}}]),
                json!([{"op": "replace", "value": {"displayName": taken, "members": list}}]),
                json!([rename, add]),
                json!([add, rename]),
                json!([replace, rename]),
                json!([{"op": "remove", "path": "members"}, rename]),
            ];
            for input in inputs {
                let what = format!("PATCH {input}");
                play.patch(&path, input).await.is_taken(&what);
                before.is_still(&play.picture().await, &what);
            }
            for members in [json!([]), list] {
                let mut body = second.clone();
                body["displayName"] = taken.clone().into();
                body["members"] = members;
                let what = format!("PUT {body}");
                play.put(&path, &body).await.is_taken(&what);
                before.is_still(&play.picture().await, &what);
            }
        }
    })
    .await;
}

/// Taken as it is, it would leave no address at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_no_list_of_addresses() {
    everywhere(ALL, |play| async move {
        let user = person();
        let path = format!("/Users/{}", play.make("/Users", &user).await);
        let before = play.picture().await;
        for text in ["x", "x@example.com"] {
            let inputs = [
                json!([{"op": "replace", "path": "emails", "value": text}]),
                json!([{"op": "replace", "value": {"emails": text}}]),
                json!([{"op": "replace", "path": "displayName", "value": "New"},
                    {"op": "replace", "path": "emails", "value": text}]),
            ];
            for input in inputs {
                let what = format!("PATCH {input}");
                play.patch(&path, input).await.is(400, &what);
                before.is_still(&play.picture().await, &what);
            }
            let mut body = user.clone();
            body["emails"] = text.into();
            let what = format!("PUT emails {text:?}");
            play.put(&path, &body).await.is(400, &what);
            before.is_still(&play.picture().await, &what);
            let mut body = person();
            body["emails"] = text.into();
            let what = format!("POST emails {text:?}");
            play.post("/Users", &body).await.is(400, &what);
            before.is_still(&play.picture().await, &what);
        }
    })
    .await;
}
