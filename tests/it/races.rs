//! Many requests at once: one account a person, no member lost, and in the end
//! what the model says. The judges are the gateway's own answers and the
//! vendor's rows.

use std::collections::BTreeMap;
use std::time::Duration;

use scimgate::demo::emulator::kit::{Action, Fault};
use serde_json::{Value, json};

use crate::harness::{
    Connection, Dice, Options, Request, Response, Tenant, TestGateway, group, person,
};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Sends like Entra, which comes again when it is told to: of more than 32 that
/// wait for one object the rest is turned away.
async fn send(connection: &mut Connection, request: &Request) -> Response {
    for _ in 0..200 {
        let response = connection.send(request).await;
        if response.status != 503 {
            return response;
        }
        assert!(response.retry_after().is_some(), "{response}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("always turned away: {request}");
}

/// Sends all at once, each on a connection of its own.
async fn send_at_once(tenant: &Tenant, bodies: Vec<Value>) -> Vec<Response> {
    let mut sending = tokio::task::JoinSet::new();
    for body in bodies {
        let mut connection = tenant.connect().await;
        let request = tenant.request("POST", "/Users").json(&body);
        sending.spawn(async move { send(&mut connection, &request).await });
    }
    sending.join_all().await
}

fn statuses(responses: &[Response]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for response in responses {
        *counts.entry(response.status).or_default() += 1;
    }
    counts
}

/// The same person in 64 spellings of letter case.
fn spellings(user: &Value) -> Vec<Value> {
    let spelling = |number: usize| {
        let mut user = user.clone();
        let respelt = |text: &Value| -> Value {
            let letters = text.as_str().unwrap().char_indices();
            let respelt = letters.map(|(place, letter)| match number >> (place % 6) & 1 {
                1 => letter.to_ascii_uppercase(),
                _ => letter,
            });
            respelt.collect::<String>().into()
        };
        user["userName"] = respelt(&user["userName"]);
        user["emails"][0]["value"] = respelt(&user["emails"][0]["value"]);
        user
    };
    (0..64).map(spelling).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_creates_of_one_person_make_one_account() {
    let gateway = TestGateway::start().await;
    let responses = send_at_once(&gateway.a, spellings(&person())).await;
    // The others wait for the first, and are refused by what it came to.
    assert_eq!(statuses(&responses), [(201, 1), (409, 63)].into());
    assert_eq!(gateway.rows().len(), 1);
    assert_eq!(gateway.rows()[0]["status"], "ACTIVE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_people_with_one_name_one_gets_it() {
    let gateway = TestGateway::start().await;
    let mut bodies = spellings(&person());
    for (number, body) in bodies.iter_mut().enumerate() {
        body["externalId"] = format!("external-{number}").into();
    }
    let responses = send_at_once(&gateway.a, bodies).await;
    assert_eq!(statuses(&responses), [(201, 1), (409, 63)].into());
    for refused in responses.iter().filter(|response| response.status == 409) {
        assert_eq!(refused.json()["scimType"], "uniqueness", "{refused}");
    }
    assert_eq!(gateway.rows().len(), 1);
}

/// Entra fills `externalId` from mailNickname by default, which two people may share
/// (RFC 7643 §3.1: its uniqueness is the client's affair).
#[tokio::test]
async fn two_people_with_one_external_id_have_an_account_each() {
    let gateway = TestGateway::start().await;
    let (first, mut second) = (person(), person());
    second["externalId"] = first["externalId"].clone();
    let id = gateway.a.make("/Users", &first).await;
    let other = gateway.a.make("/Users", &second).await;
    assert_ne!(other, id);
    assert_eq!(gateway.row(&id)["login"], first["userName"]);
    assert_eq!(gateway.row(&other)["login"], second["userName"]);
}

/// A reader that meets a renaming half-way looks at the vendor what became of
/// it, and has an old picture in its hands when the renaming ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_a_group_under_renaming_loses_nothing_of_the_change() {
    let gateway = TestGateway::start().await;
    let path = format!("/Groups/{}", gateway.a.make("/Groups", &group(&[])).await);
    let late = || Action::DelayAfterMs(300);
    gateway.faults([
        Fault::new("POST", "/user-groups/*/rename", late()),
        Fault::new("GET", "/user-groups", late()),
    ]);
    let (tenant, renamed) = (gateway.a.clone(), path.clone());
    let rename = tokio::spawn(async move {
        let operations = json!([
            {"op": "Replace", "path": "displayName", "value": "Renamed"},
            {"op": "Replace", "path": "externalId", "value": "new-external"},
        ]);
        tenant.patch(&renamed, operations).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let read = gateway.a.get(&path).await;
    assert_eq!(read.status, 200, "{read}");
    assert_eq!(rename.await.unwrap().status, 204);
    let now = gateway.a.get(&path).await.json();
    assert_eq!(now["displayName"], "Renamed");
    assert_eq!(now["externalId"], "new-external");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_members_added_one_by_one_are_all_there() {
    let gateway = TestGateway::start().await;
    let team = group(&[]);
    let id = gateway.a.make("/Groups", &team).await;
    let users = seed(&gateway, 200);
    let mut senders = tokio::task::JoinSet::new();
    for share in users.chunks(25) {
        let (tenant, share, path) = (gateway.a.clone(), share.to_vec(), format!("/Groups/{id}"));
        senders.spawn(async move {
            let mut connection = tenant.connect().await;
            for user in share {
                let join = members_operation(&tenant, &path, "Add", &user);
                let joined = send(&mut connection, &join).await;
                assert_eq!(joined.status, 204, "{joined}");
            }
        });
    }
    senders.join_all().await;
    let mut expected = users.clone();
    expected.sort();
    assert_eq!(gateway.a.members(&id).await, expected);
    for row in gateway.rows() {
        assert_eq!(row["user_group"], team["displayName"], "{row}");
    }
}

/// Adds, removals, switches and deletes of sixty users in four groups by eight
/// senders. Each sender has users of its own, so that it knows what they must
/// be in the end; the groups are everybody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_mixed_ends_as_the_model_says() {
    let gateway = TestGateway::start_with(Options {
        latency: Duration::from_millis(1),
        ..Options::default()
    })
    .await;
    let mut groups = Vec::new();
    for _ in 0..4 {
        let body = group(&[]);
        let id = gateway.a.make("/Groups", &body).await;
        groups.push((id, body["displayName"].as_str().unwrap().to_owned()));
    }
    let users = seed(&gateway, 64);
    let mut senders = tokio::task::JoinSet::new();
    for (number, share) in users.chunks(8).enumerate() {
        let (tenant, share, groups) = (gateway.a.clone(), share.to_vec(), groups.clone());
        senders.spawn(async move { mix(tenant, share, groups, 1 + number as u64).await });
    }
    let mut model = BTreeMap::new();
    for part in senders.join_all().await {
        model.extend(part);
    }
    judge(&gateway, &groups, &model).await;
}

/// What a user must be in the end.
#[derive(Clone, Debug, Default)]
struct Model {
    deleted: bool,
    disabled: bool,
    /// Places in the list of groups, oldest membership first.
    groups: Vec<usize>,
}

async fn mix(
    tenant: Tenant,
    users: Vec<String>,
    groups: Vec<(String, String)>,
    seed: u64,
) -> BTreeMap<String, Model> {
    let mut connection = tenant.connect().await;
    let mut model: BTreeMap<_, _> = users
        .iter()
        .map(|id| (id.clone(), Model::default()))
        .collect();
    let mut dice = Dice::of(seed);
    for _ in 0..60 {
        let user = &users[dice.below(users.len())];
        let state = model.get_mut(user).unwrap();
        let place = dice.below(groups.len());
        let group = format!("/Groups/{}", groups[place].0);
        let (request, expected) = match dice.below(10) {
            0..=4 if !state.deleted => {
                if !state.groups.contains(&place) {
                    state.groups.push(place);
                }
                (members_operation(&tenant, &group, "Add", user), 204)
            }
            0..=7 => {
                state.groups.retain(|held| *held != place);
                (members_operation(&tenant, &group, "Remove", user), 204)
            }
            8 if !state.deleted => {
                state.disabled = !state.disabled;
                (switch(&tenant, user, !state.disabled), 200)
            }
            _ => {
                let expected = if state.deleted { 404 } else { 204 };
                *state = Model {
                    deleted: true,
                    ..Model::default()
                };
                (
                    tenant.request("DELETE", &format!("/Users/{user}")),
                    expected,
                )
            }
        };
        let response = send(&mut connection, &request).await;
        assert_eq!(
            response.status, expected,
            "seed {seed}: {request}\n{response}"
        );
    }
    model
}

async fn judge(
    gateway: &TestGateway,
    groups: &[(String, String)],
    model: &BTreeMap<String, Model>,
) {
    for (place, (id, name)) in groups.iter().enumerate() {
        let expected = model
            .iter()
            .filter(|(_, user)| user.groups.contains(&place));
        let expected: Vec<String> = expected.map(|(id, _)| id.clone()).collect();
        assert_eq!(gateway.a.members(id).await, expected, "{name}");
    }
    for (id, user) in model {
        let row = gateway.row(id);
        let status = match user {
            Model { deleted: true, .. } => "ARCHIVED",
            Model { disabled: true, .. } => "INACTIVE",
            _ => "ACTIVE",
        };
        assert_eq!(row["status"], status, "{user:?} {row}");
        if !user.deleted {
            let foremost = user.groups.first().map(|place| groups[*place].1.as_str());
            assert_eq!(row["user_group"].as_str(), foremost, "{user:?} {row}");
        }
    }
}

/// Active users at the vendor, by their ids.
fn seed(gateway: &TestGateway, count: u64) -> Vec<String> {
    let first = 30_001;
    let rows = (first..first + count).map(|id| {
        let login = format!("{}@example.com", crate::harness::unique("seeded-"));
        json!({"id": id, "login": login, "email": login, "first_name": "F", "last_name": "L"})
    });
    let rows = json!({"clients": [{"users": rows.collect::<Vec<_>>()}]});
    gateway.vendor.seed(rows).unwrap();
    (first..first + count).map(|id| id.to_string()).collect()
}

fn members_operation(tenant: &Tenant, group: &str, op: &str, user: &str) -> Request {
    let operation = json!({"op": op, "path": "members", "value": [{"value": user}]});
    tenant
        .request("PATCH", group)
        .json(&json!({"schemas": [PATCH], "Operations": [operation]}))
}

fn switch(tenant: &Tenant, user: &str, active: bool) -> Request {
    let operation = json!({"op": "Replace", "path": "active", "value": active});
    let path = format!("/Users/{user}");
    tenant
        .request("PATCH", &path)
        .json(&json!({"schemas": [PATCH], "Operations": [operation]}))
}
