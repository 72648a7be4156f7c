//! What is gone in the middle of a request is told apart: only the request's own target is a 404.

use std::time::Duration;

use scimgate::demo::emulator::kit::{Action, Fault};
use scimgate::scim::Profile;
use serde_json::json;

use super::play::{Play, ended, everywhere, in_profiles};
use super::vendors::{ALL, GROUPED, PALOALTO, SOSAFE, WEBROOT};
use crate::harness::{group, person, unique};

/// Longer than a change at the vendor takes that goes on meanwhile.
const LATE: Duration = Duration::from_millis(500);

/// At a vendor that cannot switch anybody off a leaver leaves all groups. One of them is deleted
/// after the gateway has heard of it and before it takes the leaver out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaver_leaves_all_groups_though_one_is_gone_meanwhile() {
    everywhere(&[&WEBROOT], |play| async move {
        for reading in 1..=2 {
            let what = format!("gone before reading {reading} of its members");
            let user = person();
            let id = play.make("/Users", &user).await;
            let going = play.make("/Groups", &group(&[&id])).await;
            let staying = play.make("/Groups", &group(&[&id])).await;
            let members = format!("/**/targetgroups/{going}/memberships");
            let late = Action::DelayMs(LATE.as_millis() as u64);
            let fault = Fault::new("GET", &members, late).nth(reading);
            play.emulator.faults(vec![fault]);
            let before = readings(&play, &going);
            let leaving = {
                let (play, path) = (play.clone(), format!("/Users/{id}"));
                tokio::spawn(async move {
                    let operations = json!([{"op": "replace", "path": "active", "value": false}]);
                    play.patch(&path, operations).await
                })
            };
            while readings(&play, &going) < before + reading as usize && !leaving.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let other = play.another().await;
            let gone = other.tenant.delete(&format!("/Groups/{going}")).await;
            assert_eq!(gone.status, 204, "{what}: {gone}");
            ended(leaving).await.is(200, &what);
            play.emulator.faults(Vec::new());
            assert!(!play.is_active(&user["userName"]), "{what}: still active");
            assert_eq!(play.joined(), 0, "{what}: still in a group");
            let read = play.tenant.get(&format!("/Users/{id}")).await;
            assert_eq!(read.json()["active"], false, "{what}: {read}");
            assert_eq!(play.tenant.members(&staying).await, [id], "{what}");
        }
    })
    .await;
}

/// How often the members of a group were read at Webroot.
fn readings(play: &Play, group: &str) -> usize {
    let path = format!("/targetgroups/{group}/memberships");
    let journal = play.emulator.journal();
    let of_group = journal
        .iter()
        .filter(|call| call.method == "GET" && call.path.contains(&path));
    of_group.count()
}

/// A vendor whose names are keys: what is read under the old name has another one meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_there_while_it_is_renamed() {
    everywhere(&[&SOSAFE, &PALOALTO], |play| async move {
        let route = match play.vendor.name {
            "sosafe" => "GET /user-groups",
            _ => "get group",
        };
        is_there_while_renamed(&play, "/Groups", route).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_there_while_renamed() {
    everywhere(&[&PALOALTO], |play| async move {
        is_there_while_renamed(&play, "/Users", "get user").await;
    })
    .await;
}

async fn is_there_while_renamed(play: &Play, endpoint: &str, route: &str) {
    let is_group = endpoint == "/Groups";
    let (body, name) = match is_group {
        true => (group(&[]), "displayName"),
        false => (person(), "userName"),
    };
    let path = format!("{endpoint}/{}", play.make(endpoint, &body).await);
    assert_eq!(play.tenant.get(&path).await.status, 200);
    let before = play.emulator.counters().of(route);
    let late = Action::DelayMs(LATE.as_millis() as u64);
    play.emulator
        .faults(vec![Fault::on_route(route, late).nth(1)]);
    let reading = {
        let (tenant, path) = (play.tenant.clone(), path.clone());
        tokio::spawn(async move { tenant.get(&path).await })
    };
    play.until_called(route, before + 1).await;
    let new = unique("renamed-");
    let operations = json!([{"op": "replace", "path": name, "value": new}]);
    let done = if is_group { play.changed_group() } else { 200 };
    play.patch(&path, operations).await.is(done, "rename");
    let read = ended(reading).await;
    assert_eq!(read.status, 200, "{endpoint}: {read}");
    let names = [body[name].clone(), new.clone().into()];
    assert!(names.contains(&read.json()[name]), "{endpoint}: {read}");
    assert_eq!(play.tenant.get(&path).await.json()[name], new, "{endpoint}");
    play.emulator.faults(Vec::new());
}

/// The same without a fault that holds the door open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_readings_none_misses_a_group_that_is_renamed_again_and_again() {
    everywhere(&[&SOSAFE, &PALOALTO], |play| async move {
        play.emulator.set_latency(Duration::from_millis(2));
        let path = format!("/Groups/{}", play.make("/Groups", &group(&[])).await);
        let reading = {
            let (tenant, path) = (play.tenant.clone(), path.clone());
            tokio::spawn(async move {
                let mut connection = tenant.connect().await;
                for number in 0..120 {
                    let read = connection.send(&tenant.request("GET", &path)).await;
                    assert_eq!(read.status, 200, "reading {number}: {read}");
                }
            })
        };
        let mut renames = 0;
        while !reading.is_finished() {
            let value = unique("Renamed-");
            let operations = json!([{"op": "replace", "path": "displayName", "value": value}]);
            let renamed = play.patch(&path, operations).await;
            renamed.is(play.changed_group(), "rename");
            renames += 1;
        }
        play.emulator.set_latency(Duration::ZERO);
        ended(reading).await;
        assert!(renames > 1, "nothing was renamed meanwhile");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_is_gone_is_let_go_and_not_taken() {
    everywhere(GROUPED, |play| async move {
        let user = person();
        let id = play.make("/Users", &user).await;
        let stays = play.make("/Users", &person()).await;
        let path = format!("/Groups/{}", play.make("/Groups", &group(&[&stays])).await);
        by_somebody_else(
            &play,
            "/Users",
            "userName",
            user["userName"].as_str().unwrap(),
        )
        .await;
        let before = play.picture().await;
        let value = json!([{"value": id}]);
        let operations = json!([{"op": "remove", "path": "members", "value": value}]);
        // RFC 7644 §3.5.2.2 knows no value of a removal.
        let filtered = json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]);
        let remove = match play.profile {
            Profile::Strict => filtered,
            _ => operations,
        };
        let removed = play.patch(&path, remove).await;
        removed.is(play.changed_group(), "remove");
        let operations = json!([{"op": "add", "path": "members", "value": value}]);
        play.patch(&path, operations).await.is_invalid(&id, "add");
        before.is_still(&play.picture().await, "a member who is gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_gone_is_a_404() {
    everywhere(GROUPED, |play| async move {
        let (user, team) = (person(), group(&[]));
        let user_path = format!("/Users/{}", play.make("/Users", &user).await);
        let team_path = format!("/Groups/{}", play.make("/Groups", &team).await);
        by_somebody_else(
            &play,
            "/Users",
            "userName",
            user["userName"].as_str().unwrap(),
        )
        .await;
        let name = team["displayName"].as_str().unwrap();
        by_somebody_else(&play, "/Groups", "displayName", name).await;
        let rename = |name: &str| json!([{"op": "replace", "path": name, "value": "New"}]);
        play.patch(&user_path, rename("displayName"))
            .await
            .is(404, "PATCH user");
        let off = json!([{"op": "replace", "path": "active", "value": false}]);
        play.patch(&user_path, off).await.is(404, "disabling");
        play.put(&user_path, &user).await.is(404, "PUT user");
        play.patch(&team_path, rename("displayName"))
            .await
            .is(404, "PATCH group");
        play.put(&team_path, &team).await.is(404, "PUT group");
    })
    .await;
}

/// Deletes an object through another gateway.
async fn by_somebody_else(play: &Play, endpoint: &str, attribute: &str, name: &str) {
    let other = play.another().await;
    let found = other.found(endpoint, attribute, name).await;
    let [id] = found.as_slice() else {
        panic!("{attribute} eq {name:?}: {found:?}");
    };
    let gone = other.tenant.delete(&format!("{endpoint}/{id}")).await;
    assert_eq!(gone.status, 204, "{gone}");
}

/// A request of which nothing is understood still has a target.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_unknown_attributes_has_a_target_all_the_same() {
    // Strictly read they are no attributes: 400 whatever the target.
    in_profiles(ALL, &[Profile::Entra, Profile::Okta], |play| async move {
        let user = format!("/Users/{}", play.make("/Users", &person()).await);
        let mut targets = vec![("/Users", user, 200)];
        if play.vendor.has_groups {
            let group = format!("/Groups/{}", play.make("/Groups", &group(&[])).await);
            targets.push(("/Groups", group, play.changed_group()));
        }
        let before = play.picture().await;
        for (endpoint, path, done) in targets {
            let inputs = [
                json!([{"op": "replace", "path": "shoeSize", "value": "44"}]),
                json!([{"op": "Add", "path": "shoeSize", "value": "44"}]),
                json!([{"op": "Remove", "path": "shoeSize"}]),
                json!([{"op": "replace", "value": {"shoeSize": "44"}}]),
            ];
            for input in inputs {
                for stranger in play.vendor.strangers {
                    let what = format!("PATCH {endpoint}/{stranger} {input}");
                    let path = format!("{endpoint}/{stranger}");
                    play.patch(&path, input.clone()).await.is(404, &what);
                }
                let what = format!("PATCH {path} {input}");
                play.patch(&path, input.clone()).await.is(done, &what);
            }
        }
        before.is_still(&play.picture().await, "unknown attributes");
    })
    .await;
}
