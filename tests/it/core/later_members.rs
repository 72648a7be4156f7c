//! Members who do not exist yet may come later in Entra's cycle: the refusal names them, and the
//! same PATCH in the next cycle succeeds.

use std::sync::Arc;

use serde_json::{Value, json};

use super::play::{Play, everywhere};
use super::stand::Stand;
use super::vendors::{PALOALTO, REFERENCE, SOSAFE, WEBROOT, WSS};
use crate::harness::{group, person};

const INPUTS: usize = 3;

/// The inputs that name a user, each for a group of its own.
fn inputs(id: &str) -> [Value; INPUTS] {
    let value = json!([{"value": id}]);
    [
        json!([{"op": "add", "path": "members", "value": value}]),
        json!([{"op": "replace", "path": "members", "value": value}]),
        json!([{"op": "add", "value": {"members": value}}]),
    ]
}

/// These give ids in order: a twin that is asked for the same tells the id somebody will have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_comes_later_joins_later() {
    everywhere(&[&REFERENCE, &SOSAFE, &WEBROOT, &WSS], |play| async move {
        let (vendor, profile) = (play.vendor, play.profile);
        let twin = Stand::start(vendor, profile).await;
        let play = Play {
            stand: Arc::new(Stand::start(vendor, profile).await),
            way: play.way,
        };
        let mut groups = Vec::new();
        for _ in 0..INPUTS {
            let body = group(&[]);
            groups.push(play.make("/Groups", &body).await);
            twin.tenant.make("/Groups", &body).await;
        }
        let user = person();
        let id = twin.tenant.make("/Users", &user).await;
        joins_later(&play, &groups, &id, async {
            assert_eq!(play.make("/Users", &user).await, id, "the twin was wrong");
        })
        .await;
    })
    .await;
}

/// Here ids are the gateway's: somebody is away for a while, deleted by hand and made again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_comes_back_joins_later() {
    everywhere(&[&PALOALTO], |play| async move {
        let user = person();
        let id = play.make("/Users", &user).await;
        let mut groups = Vec::new();
        for _ in 0..INPUTS {
            groups.push(play.make("/Groups", &group(&[])).await);
        }
        let row = play.row(&user["userName"]);
        let other = play.another().await;
        let name = user["userName"].as_str().unwrap();
        let found = other.found("/Users", "userName", name).await;
        let gone = other.tenant.delete(&format!("/Users/{}", found[0])).await;
        assert_eq!(gone.status, 204, "{gone}");
        joins_later(&play, &groups, &id, async {
            let seed = json!({"directories": [{"users": [row]}]});
            play.emulator.seed(seed).unwrap();
        })
        .await;
    })
    .await;
}

async fn joins_later(play: &Play, groups: &[String], id: &str, comes: impl Future<Output = ()>) {
    let each: Vec<_> = groups.iter().zip(inputs(id)).collect();
    let before = play.picture().await;
    for (group, input) in &each {
        let what = format!("PATCH {input}, too early");
        let answer = play.patch(&format!("/Groups/{group}"), input.clone()).await;
        answer.is_invalid(id, &what);
        before.is_still(&play.picture().await, &what);
    }
    comes.await;
    for (group, input) in &each {
        let what = format!("PATCH {input}, once more");
        let answer = play.patch(&format!("/Groups/{group}"), input.clone()).await;
        answer.is(play.changed_group(), &what);
        assert_eq!(play.tenant.members(group).await, [id], "{what}");
    }
}
