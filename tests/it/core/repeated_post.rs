//! A POST of what is there already is refused and changes nothing: it may come from anybody, and
//! only a request whose answer was lost may take up what an earlier try of it has made.

use std::sync::Arc;

use serde_json::{Value, json};

use super::play::{Play, everywhere, operation, with_each};
use super::vendors::{ALL, GROUPED};
use crate::harness::{group, person, unique};

/// A body that says something else of a user or group of the same name.
type Variant = (&'static str, fn(&mut Value));

const USERS_AGAIN: &[Variant] = &[
    ("identical", |_| {}),
    ("another title", |user| user["title"] = "Two".into()),
    ("another name", |user| {
        user["name"]["givenName"] = "Two".into()
    }),
    ("in use or not", |user| user["active"] = false.into()),
    ("no externalId", |user| {
        drop(user.as_object_mut().unwrap().remove("externalId"))
    }),
    ("another externalId", |user| {
        user["externalId"] = unique("other-").into()
    }),
    ("another address", |user| {
        user["emails"][0]["value"] = address().into()
    }),
    ("in capitals", |user| {
        user["userName"] = capitals(&user["userName"])
    }),
];

const GROUPS_AGAIN: &[Variant] = &[
    ("identical", |_| {}),
    ("no members", |group| {
        drop(group.as_object_mut().unwrap().remove("members"))
    }),
    ("an empty list of members", |group| {
        group["members"] = json!([])
    }),
    ("no externalId", |group| {
        drop(group.as_object_mut().unwrap().remove("externalId"))
    }),
    ("another externalId", |group| {
        group["externalId"] = unique("other-").into()
    }),
    ("in capitals", |group| {
        group["displayName"] = capitals(&group["displayName"])
    }),
];

fn capitals(text: &Value) -> Value {
    text.as_str().unwrap().to_uppercase().into()
}

fn address() -> String {
    format!("{}@example.com", unique("other"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_posted_again_is_refused_and_stays_as_it_is() {
    everywhere(ALL, |play| async move {
        with_each(&play, USERS_AGAIN, |play, variant| async move {
            let user = person();
            play.make("/Users", &user).await;
            is_refused_again(&play, "/Users", &user, variant).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_user_posted_again_stays_disabled() {
    everywhere(ALL, |play| async move {
        with_each(&play, USERS_AGAIN, |play, variant| async move {
            let user = person();
            let id = play.make("/Users", &user).await;
            let operations = json!([{"op": "replace", "path": "active", "value": false}]);
            let disabled = play.patch(&format!("/Users/{id}"), operations).await;
            disabled.is(200, "disabling");
            assert!(!play.is_active(&user["userName"]), "not disabled");
            is_refused_again(&play, "/Users", &user, variant).await;
            assert!(!play.is_active(&user["userName"]), "enabled again");
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_posted_again_is_refused_and_keeps_its_members() {
    everywhere(GROUPED, |play| async move {
        with_each(&play, GROUPS_AGAIN, |play, variant| async move {
            let member = play.make("/Users", &person()).await;
            let team = group(&[&member]);
            let id = play.make("/Groups", &team).await;
            is_refused_again(&play, "/Groups", &team, variant).await;
            assert_eq!(play.tenant.members(&id).await, [member]);
        })
        .await;
    })
    .await;
}

async fn is_refused_again(play: &Play, endpoint: &str, first: &Value, variant: &Variant) {
    let (what, change) = variant;
    let what = format!("POST {endpoint}, {what}");
    let mut again = first.clone();
    change(&mut again);
    let refused = async { play.post(endpoint, &again).await.is_taken(&what) };
    play.unchanged_by(&what, refused).await;
}

/// A person who has another userName and the e-mail address and externalId of somebody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_renamed_by_a_post_of_the_same_address() {
    everywhere(ALL, |play| async move {
        let first = person();
        let id = play.make("/Users", &first).await;
        let path = format!("/Users/{id}");
        let (before, now) = (play.picture().await, play.tenant.get(&path).await.json());
        let mut second = person();
        second["emails"] = first["emails"].clone();
        second["externalId"] = first["externalId"].clone();
        let answer = play.post("/Users", &second).await;
        if play.vendor.unique_email {
            answer.is_taken("an address that only one may have");
            before.is_still(&play.picture().await, "an address that only one may have");
        } else {
            answer.is(201, "an address that several may have");
            assert_ne!(answer.id(), id, "one user for two");
            let found = play.found("/Users", "userName", text(&second)).await;
            assert_eq!(found, [answer.id()]);
        }
        assert_eq!(play.tenant.get(&path).await.json(), now, "the first user");
        let found = play.found("/Users", "userName", text(&first)).await;
        assert_eq!(found, [id]);
    })
    .await;
}

fn text(user: &Value) -> &str {
    user["userName"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_posts_in_one_bulk_request_the_first_one_counts() {
    everywhere(ALL, |play| async move {
        twice_in_bulk(&play, "/Users", person()).await;
        if play.vendor.has_groups {
            twice_in_bulk(&play, "/Groups", group(&[])).await;
        }
    })
    .await;
}

async fn twice_in_bulk(play: &Play, endpoint: &str, body: Value) {
    let mut other = body.clone();
    other["title"] = "Two".into();
    if endpoint == "/Groups" {
        other = body.clone();
    }
    let operations = [&body, &other].map(|body| operation("POST", endpoint, body));
    let answers = play.bulk(operations.into()).await;
    let [first, second] = answers.as_slice() else {
        panic!("{endpoint}: {} answers", answers.len());
    };
    first.is(201, endpoint);
    second.is_taken(endpoint);
    let made = play.tenant.get(&format!("{endpoint}/{}", first.id())).await;
    assert_eq!(made.json()["title"], Value::Null, "{endpoint}: overwritten");
}

/// What another gateway or an administrator has made looks just like what an earlier try of the
/// request would have made. Without a note that there was such a try it is somebody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whom_others_have_made_is_not_taken_over() {
    everywhere(ALL, |play| async move {
        let other = Arc::new(play.another().await);
        with_each(&play, USERS_AGAIN, |play, variant| {
            let other = Arc::clone(&other);
            async move {
                let user = person();
                other.tenant.make("/Users", &user).await;
                is_refused_again(&play, "/Users", &user, variant).await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_others_have_made_is_not_taken_over() {
    everywhere(GROUPED, |play| async move {
        let other = Arc::new(play.another().await);
        with_each(&play, GROUPS_AGAIN, |play, variant| {
            let other = Arc::clone(&other);
            async move {
                // Ids may be a gateway's own.
                let user = person();
                let member = play.make("/Users", &user).await;
                let team = group(&[&member]);
                let name = user["userName"].as_str().unwrap();
                let found = other.found("/Users", "userName", name).await;
                let mut body = team.clone();
                body["members"] = json!([{"value": found[0]}]);
                other.tenant.make("/Groups", &body).await;
                is_refused_again(&play, "/Groups", &team, variant).await;
            }
        })
        .await;
    })
    .await;
}
