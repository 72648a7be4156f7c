//! Users whom the vendor removes by itself some time after they are disabled: for Entra each stays
//! one user, under one id, until Entra deletes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::{Action, Fault};
use scimgate::scim::Profile;
use serde_json::{Value, json};

use super::answer::Answer;
use super::play::{Play, both_ways, everywhere};
use super::stand::{Edit, Stand};
use super::vendors::{REFERENCE, WEDO};
use crate::harness::{group, person};

/// After this long the vendor has removed whom it was told to disable.
const REMOVED: Duration = Duration::from_secs(31 * 86_400);

/// Well below the gateway's deadline: nobody waits for a lock he holds himself.
const SOON: Duration = Duration::from_secs(15);

/// How a user is enabled again.
const WAYS_BACK: [&str; 2] = ["PATCH", "PUT"];

async fn enable(play: &Play, path: &str, user: &Value, method: &str) -> Answer {
    if method == "PUT" {
        return play.put(path, user).await;
    }
    let operations = json!([{"op": "replace", "path": "active", "value": true}]);
    play.patch(path, operations).await
}

async fn disable(play: &Play, path: &str) {
    let operations = json!([{"op": "replace", "path": "active", "value": false}]);
    play.patch(path, operations).await.is(200, "disabling");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_to_making_a_user_again_is_looked_after_at_once() {
    everywhere(&[&WEDO], |play| async move {
        for method in WAYS_BACK {
            let user = person();
            let path = format!("/Users/{}", play.make("/Users", &user).await);
            disable(&play, &path).await;
            play.emulator.advance_clock(REMOVED);
            let lost = Fault::on_route("mutation createUser", Action::DropAfter).nth(1);
            play.emulator.faults(vec![lost]);
            let users = play.users();
            let began = Instant::now();
            let answer = enable(&play, &path, &user, method).await;
            let took = began.elapsed();
            play.emulator.faults(Vec::new());
            answer.is(200, method);
            assert!(took < SOON, "{method}: took {took:?}");
            assert!(play.is_active(&user["userName"]), "{method}");
            // The one that was removed is not counted any more.
            assert_eq!(play.users(), users, "{method}: {}", play.emulator.state());
            let read = play.tenant.get(&path).await;
            assert_eq!(read.status, 200, "{method}: {read}");
            assert_eq!(read.json()["active"], true, "{method}: {read}");
            let name = user["userName"].as_str().unwrap();
            let found = play.found("/Users", "userName", name).await;
            assert_eq!(found, [path.rsplit('/').next().unwrap()], "{method}");
        }
    })
    .await;
}

/// The reference backend as one that removes disabled people by itself, knows them by their login,
/// and takes one team a person.
const EXPIRING: &[Edit] = &[
    (
        "toml",
        r#"user = { field = "id" }"#,
        r#"user = { field = "userName", issued = true, expires = true }"#,
    ),
    (
        "toml",
        r#"membership = "vendor""#,
        r#"membership = "exclusive""#,
    ),
    (
        "rhai",
        "fn get_user(id)              { get(`/people/${id}`) }",
        "fn get_user(login) {
            let found = find_user(\"userName\", login);
            if found.is_empty() { throw not_found() }
            found[0]
        }

        fn assign_group(login, team) {
            let person = get_user(login);
            if \"teams\" in person {
                for held in person.teams {
                    post_again(`/teams/${held.id}/members`, #{ remove: [person.id] });
                }
            }
            if team != () { post_again(`/teams/${team}/members`, #{ add: [person.id] }) }
        }",
    ),
    (
        "rhai",
        "patch(`/people/${id}`, changes)",
        "patch(`/people/${get_user(id).id}`, changes)",
    ),
    (
        "rhai",
        "delete(`/people/${id}`)",
        "delete(`/people/${get_user(id).id}`)",
    ),
    (
        "rhai",
        "fn add_members(id, people)    { post_again(`/teams/${id}/members`, #{ add: people }) }",
        "",
    ),
    (
        "rhai",
        "fn remove_members(id, people) { post_again(`/teams/${id}/members`, #{ remove: people }) }",
        "",
    ),
    (
        "rhai",
        "fn list_members(id)           { get(`/teams/${id}/members`).items }",
        "",
    ),
];

/// The key a user is made again under may be the one it had before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_made_again_under_the_same_key_keeps_id_and_group() {
    let mut failures = Vec::new();
    for profile in Profile::ALL {
        let stand = Arc::new(Stand::edited(&REFERENCE, profile, EXPIRING).await);
        failures.extend(both_ways(stand, |play| async move { comes_back(&play).await }).await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn comes_back(play: &Play) {
    for method in WAYS_BACK {
        let user = person();
        let id = play.make("/Users", &user).await;
        let path = format!("/Users/{id}");
        let team = play.make("/Groups", &group(&[&id])).await;
        let joined = play.joined();
        disable(play, &path).await;
        remove_at_the_vendor(play, &user["userName"]).await;
        assert_eq!(play.joined(), joined - 1, "{method}: removed");
        enable(play, &path, &user, method).await.is(200, method);
        let read = play.tenant.get(&path).await;
        assert_eq!(read.status, 200, "{method}: {read}");
        assert_eq!(read.json()["active"], true, "{method}: {read}");
        assert!(play.is_active(&user["userName"]), "{method}");
        let name = user["userName"].as_str().unwrap();
        let found = play.found("/Users", "userName", name).await;
        assert_eq!(found, [id.as_str()], "{method}");
        assert_eq!(play.tenant.members(&team).await, [id], "{method}");
        assert_eq!(play.joined(), joined, "{method}: in no team at the vendor");
    }
}

/// The object that a look finds after a lost reply is then the one that is being changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_lock_he_holds_himself() {
    let mut failures = Vec::new();
    for profile in Profile::ALL {
        let stand = Arc::new(Stand::edited(&REFERENCE, profile, EXPIRING).await);
        failures.extend(both_ways(stand, |play| async move { is_lost(&play).await }).await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn is_lost(play: &Play) {
    for method in WAYS_BACK {
        let user = person();
        let path = format!("/Users/{}", play.make("/Users", &user).await);
        disable(play, &path).await;
        remove_at_the_vendor(play, &user["userName"]).await;
        let users = play.users();
        let lost = Fault::on_route("POST /people", Action::DropAfter).nth(1);
        play.emulator.faults(vec![lost]);
        let began = Instant::now();
        let answer = enable(play, &path, &user, method).await;
        let took = began.elapsed();
        play.emulator.faults(Vec::new());
        answer.is(200, method);
        assert!(took < SOON, "{method}: took {took:?}");
        assert_eq!(
            play.users(),
            users + 1,
            "{method}: {}",
            play.emulator.state()
        );
        let read = play.tenant.get(&path).await;
        assert_eq!(read.status, 200, "{method}: {read}");
        assert_eq!(read.json()["active"], true, "{method}: {read}");
    }
}

/// As the vendor does it by itself.
async fn remove_at_the_vendor(play: &Play, user_name: &Value) {
    let other = play.another().await;
    let found = other
        .found("/Users", "userName", user_name.as_str().unwrap())
        .await;
    let gone = other.tenant.delete(&format!("/Users/{}", found[0])).await;
    assert_eq!(gone.status, 204, "{gone}");
}
