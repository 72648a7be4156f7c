//! A change of a group that names somebody who does not exist is refused, and nothing of it is
//! done. Only a plain `add` keeps those who exist.

use serde_json::{Value, json};

use super::answer::Answer;
use super::play::{Play, everywhere, operation, with_each};
use super::vendors::GROUPED;
use crate::harness::{group, members_in, person, unique};

/// Two users, and somebody who is none.
#[derive(Clone)]
struct People {
    member: String,
    loner: String,
    stranger: String,
}

/// Who is no user: an id of the vendor's form, one of no form, and a group's.
const STRANGERS: usize = 3;

impl People {
    async fn set(play: &Play, stranger: usize) -> Self {
        let stranger = match play.vendor.strangers.get(stranger) {
            Some(id) => (*id).to_owned(),
            None => play.make("/Groups", &group(&[])).await,
        };
        Self {
            member: play.make("/Users", &person()).await,
            loner: play.make("/Users", &person()).await,
            stranger,
        }
    }

    /// With each of the strangers.
    async fn sets(play: &Play) -> Vec<Self> {
        let mut all = Vec::new();
        for stranger in 0..STRANGERS {
            all.push(Self::set(play, stranger).await);
        }
        all
    }

    /// The stranger alone.
    fn alone(&self) -> Value {
        members(&[&self.stranger])
    }

    /// The stranger between the two.
    fn among(&self) -> Value {
        members(&[&self.loner, &self.stranger, &self.member])
    }
}

/// The lists of members that the strangers are in.
fn with_lists(all: &[People]) -> Vec<(People, Value)> {
    let each = all.iter().flat_map(|people| {
        let lists = [people.alone(), people.among()];
        lists.map(|list| (people.clone(), list))
    });
    each.collect()
}

/// A group with the member in it: its path and what it was made of.
async fn team(play: &Play, people: &People) -> (String, Value) {
    let body = group(&[&people.member]);
    let path = format!("/Groups/{}", play.make("/Groups", &body).await);
    (path, body)
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

fn replace(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn rename() -> Value {
    replace("displayName", unique("New-").into())
}

fn add(value: Value) -> Value {
    json!({"op": "add", "path": "members", "value": value})
}

fn pathless(members: Value) -> Value {
    json!({"op": "replace", "value": {"displayName": unique("New-"), "members": members}})
}

/// PATCHes of which the stranger is a part.
const REFUSED: &[fn(&People) -> Value] = &[
    |people| json!([replace("members", people.alone())]),
    |people| json!([replace("members", people.among())]),
    |people| json!([rename(), add(people.alone())]),
    |people| json!([add(people.alone()), rename()]),
    |people| json!([rename(), add(people.among())]),
    |people| json!([rename(), replace("members", people.among())]),
    |people| json!([replace("externalId", "new".into()), add(people.alone())]),
    |people| {
        json!([
            replace("externalId", "new".into()),
            replace("members", people.among())
        ])
    },
    |people| json!([{"op": "remove", "path": "members"}, add(people.among())]),
    |people| json!([pathless(people.alone())]),
    |people| json!([pathless(people.among())]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_that_is_refused_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        let all = People::sets(&play).await;
        let inputs: Vec<_> = all
            .iter()
            .flat_map(|people| REFUSED.iter().map(|input| (people.clone(), *input)))
            .collect();
        with_each(&play, inputs, |play, (people, input)| async move {
            let (path, _) = team(&play, &people).await;
            let input = input(&people);
            let what = format!("PATCH {input}");
            let before = play.picture().await;
            let answer = play.patch(&path, input).await;
            before.is_still(&play.picture().await, &what);
            refuses(&answer, &people.stranger, &what);
            play.remove(&path).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_is_refused_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        let inputs = with_lists(&People::sets(&play).await);
        let inputs: Vec<_> = inputs
            .into_iter()
            .flat_map(|(people, list)| [false, true].map(|it| (people.clone(), list.clone(), it)))
            .collect();
        with_each(
            &play,
            inputs,
            |play, (people, list, is_renamed)| async move {
                let (path, mut body) = team(&play, &people).await;
                body["externalId"] = "new".into();
                body["members"] = list;
                if is_renamed {
                    body["displayName"] = unique("New-").into();
                }
                let what = format!("PUT {body}");
                let before = play.picture().await;
                let answer = play.put(&path, &body).await;
                before.is_still(&play.picture().await, &what);
                refuses(&answer, &people.stranger, &what);
                play.remove(&path).await;
            },
        )
        .await;
    })
    .await;
}

/// Otherwise the corrected POST would be refused for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_is_refused_makes_no_group() {
    everywhere(GROUPED, |play| async move {
        let inputs = with_lists(&People::sets(&play).await);
        with_each(&play, inputs, |play, (people, list)| async move {
            let mut body = group(&[]);
            body["members"] = list;
            let what = format!("POST {body}");
            let before = play.picture().await;
            let answer = play.post("/Groups", &body).await;
            before.is_still(&play.picture().await, &what);
            refuses(&answer, &people.stranger, &what);
            body["members"] = members(&[&people.loner]);
            let made = play.post("/Groups", &body).await;
            made.is(201, &format!("corrected {what}"));
            let held = play.tenant.members(&made.id()).await;
            assert_eq!(held, [people.loner], "corrected {what}");
            play.remove(&format!("/Groups/{}", made.id())).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrected_post_in_the_same_bulk_request_makes_the_group() {
    everywhere(GROUPED, |play| async move {
        let people = People::set(&play, 0).await;
        let mut good = group(&[&people.loner]);
        let mut bad = good.clone();
        bad["members"] = people.alone();
        let operations = [&bad, &good].map(|body| operation("POST", "/Groups", body));
        let answers = play.bulk(operations.into()).await;
        refuses(&answers[0], &people.stranger, "the first POST");
        answers[1].is(201, "the second POST");
        let held = play.tenant.members(&answers[1].id()).await;
        assert_eq!(held, [people.loner]);
        good["members"] = json!([]);
        play.post("/Groups", &good).await.is_taken("a third POST");
    })
    .await;
}

/// A member without an id is nobody, and no way to empty a group.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_without_an_id_are_refused() {
    everywhere(GROUPED, |play| async move {
        let people = People::set(&play, 0).await;
        let nobodies = [json!({"value": ""}), json!({}), json!({"value": null})];
        let known = json!({"value": people.loner});
        let lists = nobodies.map(|nobody| [json!([nobody]), json!([known, nobody])]);
        with_each(&play, lists.into_iter().flatten(), |play, list| {
            let people = people.clone();
            async move {
                let (path, mut body) = team(&play, &people).await;
                let inputs = [
                    json!([replace("members", list.clone())]),
                    json!([{"op": "replace", "value": {"members": list}}]),
                ];
                for input in inputs {
                    let what = format!("PATCH {input}");
                    let refused = async { play.patch(&path, input).await.is(400, &what) };
                    play.unchanged_by(&what, refused).await;
                }
                let what = format!("PUT members {list}");
                body["members"] = list.clone();
                let refused = async { play.put(&path, &body).await.is(400, &what) };
                play.unchanged_by(&what, refused).await;
                let what = format!("POST members {list}");
                body["displayName"] = unique("New-").into();
                let refused = async { play.post("/Groups", &body).await.is(400, &what) };
                play.unchanged_by(&what, refused).await;
            }
        })
        .await;
    })
    .await;
}

/// One who is gone must not keep the others out for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_keeps_those_who_exist_and_names_the_others() {
    everywhere(GROUPED, |play| async move {
        let inputs = (0..STRANGERS).flat_map(|stranger| (0..4).map(move |place| (stranger, place)));
        with_each(&play, inputs, |play, (stranger, place)| async move {
            let people = People::set(&play, stranger).await;
            let (path, _) = team(&play, &people).await;
            let last = play.make("/Users", &person()).await;
            let (loner, last) = (people.loner.as_str(), last.as_str());
            let stranger = people.stranger.as_str();
            let operations = match place {
                0 => json!([add(members(&[stranger, loner, last]))]),
                1 => json!([add(members(&[loner, stranger, last]))]),
                2 => json!([add(members(&[loner, last, stranger]))]),
                _ => {
                    let each = [loner, stranger, last].map(|id| add(members(&[id])));
                    json!(each)
                }
            };
            let what = format!("PATCH {operations}");
            let answer = play.patch(&path, operations).await;
            let mut all = [&people.member, loner, last].map(str::to_owned);
            all.sort();
            let held = play.tenant.get(&path).await;
            assert_eq!(members_in(&held.json()), all, "{what}: {answer}");
            answer.is_invalid(stranger, &what);
            for known in [loner, last] {
                assert!(
                    !answer.detail().contains(known),
                    "{what}: names a user: {answer}"
                );
            }
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_of_nobody_who_exists_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        with_each(&play, 0..STRANGERS, |play, stranger| async move {
            let people = People::set(&play, stranger).await;
            let (path, _) = team(&play, &people).await;
            let operations = json!([add(people.alone())]);
            let what = format!("PATCH {operations}");
            let refused = async {
                let answer = play.patch(&path, operations).await;
                answer.is_invalid(&people.stranger, &what);
            };
            play.unchanged_by(&what, refused).await;
        })
        .await;
    })
    .await;
}
