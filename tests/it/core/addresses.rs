//! Several e-mail addresses of one type: all are kept where the vendor keeps lists.

use scimgate::scim::Profile;
use serde_json::{Value, json};

use super::play::{Play, in_profiles};
use super::vendors::{PALOALTO, REFERENCE, SOSAFE, WEBROOT, WEDO, WSS};
use crate::harness::{person, unique};

fn address() -> String {
    format!("{}@example.com", unique("second"))
}

/// The work addresses Entra reads, sorted.
async fn addresses(play: &Play, path: &str) -> Vec<String> {
    let read = play.tenant.get(path).await.json();
    let emails = read["emails"].as_array().cloned().unwrap_or_default();
    let work = emails.iter().filter(|email| email["type"] == "work");
    let mut values: Vec<_> = work
        .map(|email| email["value"].as_str().unwrap().to_owned())
        .collect();
    values.sort();
    values
}

fn first(user: &Value) -> String {
    user["emails"][0]["value"].as_str().unwrap().to_owned()
}

/// Entra holds one address of each type, as `deploy/protocol.md` says; to the letter it is one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_address_of_one_type_takes_the_place_of_the_first_but_in_the_strict_profile() {
    in_profiles(&[&REFERENCE], &Profile::ALL, |play| async move {
        let user = person();
        let path = format!("/Users/{}", play.make("/Users", &user).await);
        let second = address();
        let email = json!({"type": "work", "value": second});
        let operations = json!([{"op": "add", "path": "emails", "value": [email]}]);
        play.patch(&path, operations).await.is(200, "PATCH");
        let mut wanted = vec![second];
        if play.profile == Profile::Strict {
            wanted.push(first(&user));
            wanted.sort();
        }
        assert_eq!(addresses(&play, &path).await, wanted);
    })
    .await;
}

/// A path that names the type names the one there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_named_by_its_type_takes_the_place_of_the_first() {
    in_profiles(&[&REFERENCE], &Profile::ALL, |play| async move {
        let user = person();
        let path = format!("/Users/{}", play.make("/Users", &user).await);
        let second = address();
        let operations =
            json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": second}]);
        play.patch(&path, operations).await.is(200, "PATCH");
        assert_eq!(addresses(&play, &path).await, [second]);
    })
    .await;
}

/// Vendors with one place for a work address, as `deploy/protocol.md` says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_address_takes_the_place_of_the_first_where_there_is_one_place() {
    let vendors = [&SOSAFE, &PALOALTO, &WEBROOT, &WSS, &WEDO];
    in_profiles(
        &vendors,
        &[Profile::Entra, Profile::Okta],
        |play| async move {
            let user = person();
            let path = format!("/Users/{}", play.make("/Users", &user).await);
            let second = address();
            let value = json!([{"type": "work", "value": second}]);
            let operations = json!([{"op": "add", "path": "emails", "value": value}]);
            play.patch(&path, operations).await.is(200, "PATCH");
            assert_eq!(addresses(&play, &path).await, [second.as_str()]);
            let row = play.row(&user["userName"]);
            assert!(row.to_string().contains(&second), "{row}");
        },
    )
    .await;
}
