//! A list of members that is empty is not one that is absent (RFC 7643 §2.5, RFC 7644 §3.5.1).

use serde_json::{Value, json};

use super::play::{Play, everywhere};
use super::vendors::GROUPED;
use crate::harness::{group, members_in, person, unique};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_with_an_empty_list_empties_the_group() {
    everywhere(GROUPED, |play| async move {
        for empty in [json!([]), Value::Null] {
            let what = format!("PUT members {empty}");
            let team = Team::set(&play).await;
            let mut body = team.body.clone();
            body["members"] = empty;
            play.put(&team.path, &body).await.is(200, &what);
            team.is_empty(&play, &body["displayName"], &what).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_renames_empties_the_group_all_the_same() {
    everywhere(GROUPED, |play| async move {
        for empty in [json!([]), Value::Null] {
            let what = format!("PUT members {empty}, another name");
            let team = Team::set(&play).await;
            let mut body = team.body.clone();
            body["displayName"] = unique("New-").into();
            body["members"] = empty;
            play.put(&team.path, &body).await.is(200, &what);
            team.is_empty(&play, &body["displayName"], &what).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_without_members_leaves_them() {
    everywhere(GROUPED, |play| async move {
        for name in [None, Some(unique("New-"))] {
            let team = Team::set(&play).await;
            let mut body = team.body.clone();
            body.as_object_mut().unwrap().remove("members");
            if let Some(name) = name {
                body["displayName"] = name.into();
            }
            let what = format!("PUT {body}");
            play.put(&team.path, &body).await.is(200, &what);
            let held = play.tenant.get(&team.path).await;
            assert_eq!(members_in(&held.json()), [team.member], "{what}: {held}");
            assert_eq!(play.joined(), team.joined + 1, "{what}: at the vendor");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_with_an_empty_list_empties_the_group() {
    everywhere(GROUPED, |play| async move {
        let inputs = [
            json!([{"op": "replace", "path": "members", "value": []}]),
            json!([{"op": "replace", "value": {"members": []}}]),
            json!([{"op": "remove", "path": "members"}]),
        ];
        for input in inputs {
            let what = format!("PATCH {input}");
            let team = Team::set(&play).await;
            let answer = play.patch(&team.path, input).await;
            answer.is(play.changed_group(), &what);
            team.is_empty(&play, &team.body["displayName"], &what).await;
        }
    })
    .await;
}

/// A group of one.
struct Team {
    path: String,
    body: Value,
    member: String,
    /// How many memberships the vendor had before.
    joined: usize,
}

impl Team {
    async fn set(play: &Play) -> Self {
        let joined = play.joined();
        let member = play.make("/Users", &person()).await;
        let body = group(&[&member]);
        let path = format!("/Groups/{}", play.make("/Groups", &body).await);
        assert_eq!(play.joined(), joined + 1, "memberships at the vendor");
        Self {
            path,
            body,
            member,
            joined,
        }
    }

    /// For Entra and at the vendor.
    async fn is_empty(&self, play: &Play, name: &Value, what: &str) {
        let held = play.tenant.get(&self.path).await;
        assert_eq!(held.status, 200, "{what}: {held}");
        assert_eq!(members_in(&held.json()), [""; 0], "{what}: {held}");
        assert_eq!(held.json()["displayName"], *name, "{what}: {held}");
        assert_eq!(play.joined(), self.joined, "{what}: at the vendor");
    }
}
