//! The vendor did it, or did not, and nobody knows: after Entra's next try
//! there is one account in the wanted state, no change lost and none made twice.

use scimgate::demo::emulator::kit::{Action, Fault, Status};
use serde_json::{Value, json};

use super::{is_later, patch};
use crate::harness::{Options, Request, TestGateway, group, person};

/// How many are played at a time: they mostly wait.
const AT_ONCE: usize = 24;

/// A request with several vendor calls or one, and what is to be so afterwards.
struct Story {
    name: &'static str,
    request: Request,
    /// A second try may find it gone.
    is_delete: bool,
    wanted: Wanted,
}

/// What the vendor is to hold for tenant a.
#[derive(Default)]
struct Wanted {
    /// Fields of the one row that is told by its login.
    row: Option<(String, Value)>,
    groups: Option<Vec<String>>,
    rows: usize,
}

/// A vendor call whose reply gets lost.
struct Step {
    story: fn(&Stage) -> Story,
    method: &'static str,
    path: &'static str,
}

/// What there is when a story begins: a user in a group, and one in none.
struct Stage {
    gateway: TestGateway,
    member: String,
    member_login: String,
    loner: String,
    loner_login: String,
    group: String,
    group_name: String,
}

impl Stage {
    async fn set() -> Self {
        let gateway = TestGateway::start_with(Options {
            call_ms: 500,
            ..Options::default()
        })
        .await;
        let (member, loner) = (person(), person());
        let member_id = gateway.a.make("/Users", &member).await;
        let loner_id = gateway.a.make("/Users", &loner).await;
        let finance = group(&[&member_id]);
        let group = gateway.a.make("/Groups", &finance).await;
        Self {
            member: member_id,
            member_login: member["userName"].as_str().unwrap().to_owned(),
            loner: loner_id,
            loner_login: loner["userName"].as_str().unwrap().to_owned(),
            group,
            group_name: finance["displayName"].as_str().unwrap().to_owned(),
            gateway,
        }
    }

    fn change(&self, name: &'static str, operations: Value, row: Value) -> Story {
        Story {
            name,
            request: patch(
                &self.gateway.a,
                &format!("/Users/{}", self.loner),
                operations,
            ),
            is_delete: false,
            wanted: Wanted {
                row: Some((self.loner_login.clone(), row)),
                rows: 2,
                ..Wanted::default()
            },
        }
    }

    fn change_group(&self, name: &'static str, operations: Value, wanted: Wanted) -> Story {
        Story {
            name,
            request: patch(
                &self.gateway.a,
                &format!("/Groups/{}", self.group),
                operations,
            ),
            is_delete: false,
            wanted: Wanted { rows: 2, ..wanted },
        }
    }
}

fn create(stage: &Stage) -> Story {
    let user = person();
    let login = user["userName"].as_str().unwrap().to_owned();
    Story {
        name: "create",
        request: stage.gateway.a.request("POST", "/Users").json(&user),
        is_delete: false,
        wanted: Wanted {
            row: Some((login, json!({"status": "ACTIVE"}))),
            rows: 3,
            ..Wanted::default()
        },
    }
}

fn change(stage: &Stage) -> Story {
    let operations = json!([{"op": "Replace", "path": "title", "value": "Chief"}]);
    stage.change(
        "change",
        operations,
        json!({"job_title": "Chief", "status": "ACTIVE"}),
    )
}

/// Switching off goes first, whatever else the request holds.
fn disable(stage: &Stage) -> Story {
    let operations = json!([
        {"op": "Replace", "path": "title", "value": "Gone"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]);
    stage.change(
        "disable",
        operations,
        json!({"job_title": "Gone", "status": "INACTIVE"}),
    )
}

fn delete(stage: &Stage) -> Story {
    Story {
        name: "delete",
        request: stage
            .gateway
            .a
            .request("DELETE", &format!("/Users/{}", stage.loner)),
        is_delete: true,
        wanted: Wanted {
            row: Some((stage.loner_login.clone(), json!({"status": "ARCHIVED"}))),
            rows: 2,
            ..Wanted::default()
        },
    }
}

fn create_group(stage: &Stage) -> Story {
    let body = group(&[]);
    let name = body["displayName"].as_str().unwrap().to_owned();
    Story {
        name: "create group",
        request: stage.gateway.a.request("POST", "/Groups").json(&body),
        is_delete: false,
        wanted: Wanted {
            groups: Some(vec![stage.group_name.clone(), name]),
            rows: 2,
            ..Wanted::default()
        },
    }
}

fn rename_group(stage: &Stage) -> Story {
    let name = crate::harness::unique("Renamed-");
    let operations = json!([{"op": "Replace", "path": "displayName", "value": name}]);
    let wanted = Wanted {
        row: Some((stage.member_login.clone(), json!({"user_group": name}))),
        groups: Some(vec![name]),
        ..Wanted::default()
    };
    stage.change_group("rename group", operations, wanted)
}

fn join(stage: &Stage) -> Story {
    let operations = json!([{"op": "Add", "path": "members", "value": [{"value": stage.loner}]}]);
    let wanted = Wanted {
        row: Some((
            stage.loner_login.clone(),
            json!({"user_group": stage.group_name}),
        )),
        ..Wanted::default()
    };
    stage.change_group("join", operations, wanted)
}

fn leave(stage: &Stage) -> Story {
    let operations =
        json!([{"op": "Remove", "path": "members", "value": [{"value": stage.member}]}]);
    let wanted = Wanted {
        row: Some((stage.member_login.clone(), json!({"user_group": null}))),
        ..Wanted::default()
    };
    stage.change_group("leave", operations, wanted)
}

fn delete_group(stage: &Stage) -> Story {
    Story {
        name: "delete group",
        request: stage
            .gateway
            .a
            .request("DELETE", &format!("/Groups/{}", stage.group)),
        is_delete: true,
        wanted: Wanted {
            row: Some((stage.member_login.clone(), json!({"user_group": null}))),
            groups: Some(Vec::new()),
            rows: 2,
        },
    }
}

const STEPS: &[Step] = &[
    Step {
        story: create,
        method: "POST",
        path: "/users",
    },
    Step {
        story: create,
        method: "POST",
        path: "/users/*/activate",
    },
    Step {
        story: change,
        method: "PATCH",
        path: "/users/*",
    },
    Step {
        story: disable,
        method: "POST",
        path: "/users/*/deactivate",
    },
    Step {
        story: disable,
        method: "PATCH",
        path: "/users/*",
    },
    Step {
        story: delete,
        method: "DELETE",
        path: "/users/*",
    },
    Step {
        story: create_group,
        method: "PUT",
        path: "/user-groups/*",
    },
    Step {
        story: rename_group,
        method: "POST",
        path: "/user-groups/*/rename",
    },
    Step {
        story: join,
        method: "PATCH",
        path: "/users/*",
    },
    Step {
        story: leave,
        method: "PATCH",
        path: "/users/*",
    },
    Step {
        story: delete_group,
        method: "PATCH",
        path: "/users/*",
    },
    Step {
        story: delete_group,
        method: "DELETE",
        path: "/user-groups/*",
    },
];

/// The ways in which a reply can fail to say what happened.
fn losses() -> Vec<Action> {
    let after = |code| {
        Action::Status(Status {
            after: true,
            ..Status::from(code)
        })
    };
    vec![
        Action::DropBefore,
        Action::DropAfter,
        Action::Truncate(3),
        Action::Html502,
        Action::DelayAfterMs(900),
        after(504),
        after(500),
    ]
}

/// Each step, each loss: once, so that a retry within the gateway may heal it,
/// and for as long as the first request lasts, so that only Entra's next may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_next_try_all_is_as_wanted() {
    let mut playing = tokio::task::JoinSet::new();
    let mut failures = Vec::new();
    for step in STEPS {
        for action in losses() {
            for lasts in [false, true] {
                if playing.len() >= AT_ONCE {
                    collect(playing.join_next().await, &mut failures);
                }
                playing.spawn(lose(step, action.clone(), lasts));
            }
        }
    }
    while let Some(ended) = playing.join_next().await {
        collect(Some(ended), &mut failures);
    }
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

type Ended = Option<Result<Result<(), String>, tokio::task::JoinError>>;

fn collect(ended: Ended, failures: &mut Vec<String>) {
    match ended {
        Some(Ok(Err(failure))) => failures.push(failure),
        Some(Err(panic)) => failures.push(panic.to_string()),
        _ => {}
    }
}

async fn lose(step: &'static Step, action: Action, lasts: bool) -> Result<(), String> {
    let stage = Stage::set().await;
    let story = (step.story)(&stage);
    let what = format!(
        "{}: {} {} meets {}{}",
        story.name,
        step.method,
        step.path,
        action.name(),
        if lasts { " again and again" } else { " once" }
    );
    let fault = Fault::new(step.method, step.path, action);
    stage
        .gateway
        .faults([if lasts { fault } else { fault.nth(1) }]);
    let first = stage.gateway.a.send(story.request.clone()).await;
    stage.gateway.faults([]);
    if first.status >= 300 {
        is_later(&first, &[503], &what);
        let second = stage.gateway.a.send(story.request.clone()).await;
        let well = second.status < 300 || (story.is_delete && second.status == 404);
        if !well {
            return Err(format!("{what}: the next try: {second}"));
        }
    }
    let judged = judge(&stage, &story.wanted);
    stage.gateway.end().await;
    judged.map_err(|why| format!("{what}: first {}: {why}", first.status))
}

fn judge(stage: &Stage, wanted: &Wanted) -> Result<(), String> {
    let rows = stage.gateway.rows();
    if rows.len() != wanted.rows {
        return Err(format!(
            "there are {} rows, wanted {}",
            rows.len(),
            wanted.rows
        ));
    }
    if let Some((login, fields)) = &wanted.row {
        let row = rows.iter().find(|row| row["login"] == login.as_str());
        let row = row.ok_or("the row is missing")?;
        for (field, value) in fields.as_object().unwrap() {
            if row[field] != *value {
                return Err(format!("{field} is {}, wanted {value}", row[field]));
            }
        }
    }
    if let Some(groups) = &wanted.groups {
        let state = stage.gateway.vendor.state();
        let mut held: Vec<String> =
            serde_json::from_value(state["clients"][0]["user_groups"].clone()).unwrap();
        let mut groups = groups.clone();
        held.sort();
        groups.sort();
        if held != groups {
            return Err(format!("groups are {held:?}, wanted {groups:?}"));
        }
    }
    Ok(())
}
