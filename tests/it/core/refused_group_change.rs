//! A change of a group that names somebody who does not exist is refused, and nothing of it is
//! done. Only a plain `add` keeps those who exist.

use serde_json::{Value, json};

use super::answer::Answer;
use super::play::{Play, everywhere, operation};
use super::vendors::GROUPED;
use crate::harness::{group, person, unique};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A group of one, and somebody who is in none.
struct Team {
    id: String,
    body: Value,
    member: String,
    loner: String,
}

impl Team {
    async fn set(play: &Play) -> Self {
        let member = play.make("/Users", &person()).await;
        let loner = play.make("/Users", &person()).await;
        let body = group(&[&member]);
        let id = play.make("/Groups", &body).await;
        Self {
            id,
            body,
            member,
            loner,
        }
    }

    fn path(&self) -> String {
        format!("/Groups/{}", self.id)
    }

    /// Ids that are nobody's: of the vendor's form, of none, and a group's.
    async fn strangers(&self, play: &Play) -> Vec<String> {
        let other = play.make("/Groups", &group(&[])).await;
        let strangers = play.vendor.strangers.map(str::to_owned);
        strangers.into_iter().chain([other]).collect()
    }
}

/// It names the one who does not exist, and does not say that others were set.
#[track_caller]
fn refuses(answer: &Answer, stranger: &str, what: &str) {
    answer.is_invalid(stranger, what);
    let detail = answer.detail().to_lowercase();
    for claim in ["other members", "others were", "others are"] {
        assert!(!detail.contains(claim), "{what}: {answer}");
    }
}

fn members(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"value": id})).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_that_is_refused_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        let team = Team::set(&play).await;
        let strangers = team.strangers(&play).await;
        let before = play.picture().await;
        for stranger in &strangers {
            let alone = members(&[stranger]);
            let among = members(&[&team.loner, stranger, &team.member]);
            let replace = |value: &Value| json!({"op": "replace", "path": "members", "value": value});
            let add = |value: &Value| json!({"op": "add", "path": "members", "value": value});
            let remove = json!({"op": "remove", "path": "members",
                "value": members(&[&team.member])});
            let empty = json!({"op": "remove", "path": "members"});
            let name = unique("New-");
            let rename = json!({"op": "replace", "path": "displayName", "value": name});
            let external = json!({"op": "replace", "path": "externalId", "value": "new"});
            let pathless = |value: &Value| {
                json!({"op": "replace", "value": {"displayName": name, "members": value}})
            };
            let inputs = [
                json!([replace(&alone)]),
                json!([replace(&among)]),
                json!([rename, add(&alone)]),
                json!([add(&alone), rename]),
                json!([rename, add(&among)]),
                json!([rename, replace(&among)]),
                json!([external, add(&alone)]),
                json!([external, replace(&among)]),
                json!([empty, add(&among)]),
                json!([remove, rename, add(&alone)]),
                json!([pathless(&alone)]),
                json!([pathless(&among)]),
            ];
            for input in inputs {
                let what = format!("PATCH {input}");
                let answer = play.patch(&team.path(), input).await;
                refuses(&answer, stranger, &what);
                before.is_still(&play.picture().await, &what);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_is_refused_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        let team = Team::set(&play).await;
        let strangers = team.strangers(&play).await;
        let before = play.picture().await;
        for stranger in &strangers {
            for name in [team.body["displayName"].clone(), unique("New-").into()] {
                for ids in [vec![stranger.as_str()], vec![&team.loner, stranger]] {
                    let body = json!({"schemas": [SCHEMA], "displayName": name,
                        "externalId": "new", "members": members(&ids)});
                    let what = format!("PUT {body}");
                    let answer = play.put(&team.path(), &body).await;
                    refuses(&answer, stranger, &what);
                    before.is_still(&play.picture().await, &what);
                }
            }
        }
    })
    .await;
}

/// Otherwise the corrected POST would be refused for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_is_refused_makes_no_group() {
    everywhere(GROUPED, |play| async move {
        let team = Team::set(&play).await;
        for stranger in team.strangers(&play).await {
            for ids in [vec![stranger.as_str()], vec![&team.loner, &stranger]] {
                let mut body = group(&ids);
                let what = format!("POST {body}");
                let before = play.picture().await;
                refuses(&play.post("/Groups", &body).await, &stranger, &what);
                before.is_still(&play.picture().await, &what);
                body["members"] = members(&[&team.loner]);
                let made = play.post("/Groups", &body).await;
                made.is(201, &format!("corrected {what}"));
                let held = play.tenant.members(&made.id()).await;
                assert_eq!(held, [team.loner.as_str()], "corrected {what}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrected_post_in_the_same_bulk_request_makes_the_group() {
    everywhere(GROUPED, |play| async move {
        let team = Team::set(&play).await;
        let mut good = group(&[&team.loner]);
        let mut bad = good.clone();
        let stranger = play.vendor.strangers[0];
        bad["members"] = members(&[stranger]);
        let operations = [&bad, &good].map(|body| operation("POST", "/Groups", body));
        let answers = play.bulk(operations.into()).await;
        refuses(&answers[0], stranger, "the first POST");
        answers[1].is(201, "the second POST");
        let held = play.tenant.members(&answers[1].id()).await;
        assert_eq!(held, [team.loner.as_str()]);
        good["members"] = json!([]);
        play.post("/Groups", &good).await.is_taken("a third POST");
    })
    .await;
}

/// A member without an id is nobody, and no way to empty a group.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_without_an_id_are_refused() {
    everywhere(GROUPED, |play| async move {
        let team = Team::set(&play).await;
        let before = play.picture().await;
        for nobody in [json!({"value": ""}), json!({}), json!({"value": null})] {
            for list in [json!([nobody]), json!([{"value": team.loner}, nobody])] {
                let what = format!("PATCH replace members {list}");
                let operations = json!([{"op": "replace", "path": "members", "value": list}]);
                play.patch(&team.path(), operations).await.is(400, &what);
                before.is_still(&play.picture().await, &what);

                let what = format!("PATCH replace, without a path, members {list}");
                let operations = json!([{"op": "replace", "value": {"members": list}}]);
                play.patch(&team.path(), operations).await.is(400, &what);
                before.is_still(&play.picture().await, &what);

                let what = format!("PUT members {list}");
                let mut body = team.body.clone();
                body["members"] = list.clone();
                play.put(&team.path(), &body).await.is(400, &what);
                before.is_still(&play.picture().await, &what);

                let what = format!("POST members {list}");
                let mut body = group(&[]);
                body["members"] = list.clone();
                play.post("/Groups", &body).await.is(400, &what);
                before.is_still(&play.picture().await, &what);
            }
        }
    })
    .await;
}

/// One who is gone must not keep the others out for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_keeps_those_who_exist_and_names_the_others() {
    everywhere(GROUPED, |play| async move {
        for stranger in play.vendor.strangers {
            let add = |value: Value| json!({"op": "add", "path": "members", "value": value});
            for place in 0..4 {
                let team = Team::set(&play).await;
                let last = play.make("/Users", &person()).await;
                let (loner, last) = (team.loner.as_str(), last.as_str());
                let operations = match place {
                    0 => json!([add(members(&[stranger, loner, last]))]),
                    1 => json!([add(members(&[loner, stranger, last]))]),
                    2 => json!([add(members(&[loner, last, stranger]))]),
                    _ => json!([
                        add(members(&[loner])),
                        add(members(&[stranger])),
                        add(members(&[last]))
                    ]),
                };
                let what = format!("PATCH {operations}");
                let answer = play.patch(&team.path(), operations).await;
                answer.is_invalid(stranger, &what);
                for known in [loner, last] {
                    let detail = answer.detail();
                    assert!(!detail.contains(known), "{what}: names a user: {detail}");
                }
                let mut all = [&team.member, loner, last].map(str::to_owned);
                all.sort();
                assert_eq!(play.tenant.members(&team.id).await, all, "{what}: {answer}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_of_nobody_who_exists_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        let team = Team::set(&play).await;
        let strangers = team.strangers(&play).await;
        let before = play.picture().await;
        for stranger in &strangers {
            let operations =
                json!([{"op": "add", "path": "members", "value": members(&[stranger])}]);
            let what = format!("PATCH {operations}");
            let answer = play.patch(&team.path(), operations).await;
            answer.is_invalid(stranger, &what);
            before.is_still(&play.picture().await, &what);
        }
    })
    .await;
}
