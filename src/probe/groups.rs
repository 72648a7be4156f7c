//! A group's life: made, filled, emptied in both dialects, renamed, deleted.

use serde_json::{Value, json};

use super::bodies::{self, Dialect, add_member, equals, remove_member, set};
use super::connection::NOBODY;
use super::users::{conflict, id_of, repeated};
use super::{Course, Finding, Misfit, views};

/// What must hold of every answer to a PATCH of a group.
const PATCHED: &str = "Entra expects 204 without a body; 200 works too.";

/// Plays a group through with two users that exist.
pub(super) async fn check(course: &mut Course, first: &str, second: &str) {
    let name = course.mark.clone();
    let Some(id) = course
        .check("a group is created", async |course| {
            create(course, &name).await
        })
        .await
    else {
        return;
    };
    let path = format!("/Groups/{id}");
    course
        .check(
            "another group of the same name is 409 uniqueness",
            async |course| {
                let mut other = bodies::group(&name);
                other["externalId"] = Value::from(format!("{name}-other"));
                conflict(course.wire.post("/Groups", &other).await?)
            },
        )
        .await;
    course
        .check("the same POST of a group again is 409", async |course| {
            let again = bodies::group(&name);
            repeated(&course.wire.post("/Groups", &again).await?, &id)
        })
        .await;
    course
        .check(
            "a group is found by its name, without members",
            async |course| found(course, &name, &id).await,
        )
        .await;
    for (dialect, [add, remove]) in [
        (
            Dialect::Legacy,
            [
                "members are added in the default dialect",
                "a member is removed in the default dialect, and only that one",
            ],
        ),
        (
            Dialect::Compliant,
            [
                "members are added in the dialect of aadOptscim062020",
                "a member is removed in the dialect of aadOptscim062020, and only that one",
            ],
        ),
    ] {
        if !dialect.is_sent_by(course.client) {
            continue;
        }
        course
            .check(add, async |course| {
                for user in [first, second, first] {
                    let answer = course.wire.patch(&path, &add_member(user, dialect)).await?;
                    answer.expect(&[200, 204], PATCHED)?;
                }
                belongs(course, &id, first, true).await?;
                belongs(course, &id, second, true).await
            })
            .await;
        course
            .check(remove, async |course| {
                let answer = course
                    .wire
                    .patch(&path, &remove_member(first, dialect))
                    .await?;
                answer.expect(&[200, 204], PATCHED)?;
                belongs(course, &id, first, false).await?;
                belongs(course, &id, second, true).await
            })
            .await;
    }
    course
        .check(
            "members with an unknown one among them are refused, and nothing is changed",
            async |course| unknown_member(course, &id, [first, second]).await,
        )
        .await;
    course
        .check("PUT with an empty list empties a group", async |course| {
            let mut body = bodies::group(&name);
            body["id"] = Value::from(id.as_str());
            emptied(course, &id, &body, second).await
        })
        .await;
    course
        .check(
            "each attribute of a group is listed in /Schemas",
            async |course| views::described(course, &path).await,
        )
        .await;
    course
        .check("a group is renamed", async |course| {
            let renamed = format!("{name} renamed");
            let body = set(&[("displayName", &renamed)], Dialect::Legacy);
            course
                .wire
                .patch(&path, &body)
                .await?
                .expect(&[200, 204], PATCHED)?;
            found(course, &renamed, &id).await
        })
        .await;
    course
        .check("a deleted group is gone", async |course| {
            course
                .wire
                .delete(&path)
                .await?
                .expect(&[204], "A deletion is 204.")?;
            course.made.retain(|made| *made != path);
            course
                .wire
                .get(&path)
                .await?
                .expect(&[404], "What is deleted is 404.")?;
            Ok(())
        })
        .await;
}

/// Puts two members in the place of the second user: the first, and one that does not exist.
async fn unknown_member(course: &mut Course, group: &str, [first, second]: [&str; 2]) -> Finding {
    const ADVICE: &str = "A change with a member that does not exist must be refused as a whole: 400, and the group does not change. Otherwise people lose access by a request that Entra takes for refused.";
    let members = json!([{"value": first}, {"value": NOBODY}]);
    let body = bodies::patch(json!([{"op": "replace", "path": "members", "value": members}]));
    let path = format!("/Groups/{group}");
    let answer = course.wire.patch(&path, &body).await?;
    match answer.status {
        400 | 404 | 409 => {}
        200 | 204 => return Err(Misfit::bearable("the unknown member was accepted", ADVICE)),
        _ => return Err(Misfit::new(answer.described(), ADVICE)),
    }
    belongs(course, group, second, true).await?;
    belongs(course, group, first, false).await
}

async fn emptied(course: &mut Course, group: &str, body: &Value, member: &str) -> Finding {
    const ADVICE: &str = "A PUT with an empty list of members must remove all members (RFC 7644 section 3.5.1). Entra itself sends PATCH.";
    let answer = course.wire.put(&format!("/Groups/{group}"), body).await?;
    match answer.status {
        200 | 204 => belongs(course, group, member, false).await,
        _ => Err(Misfit::bearable(answer.described(), ADVICE)),
    }
}

async fn create(course: &mut Course, name: &str) -> Finding<String> {
    let answer = course.wire.post("/Groups", &bodies::group(name)).await?;
    let answer = answer.expect(&[201], "A group is created empty; its members come later.")?;
    let id = id_of(&answer)?;
    course.made.push(format!("/Groups/{id}"));
    Ok(id)
}

async fn found(course: &mut Course, name: &str, id: &str) -> Finding {
    const ADVICE: &str = "Entra looks groups up by displayName with excludedAttributes=members.";
    let query = format!(
        "/Groups?excludedAttributes=members&{}",
        equals("displayName", name)
    );
    let answer = course.wire.get(&query).await?.expect(&[200], ADVICE)?;
    match answer.resources()? {
        [group] if group["id"] == id => match group.get("members") {
            None => Ok(()),
            Some(_) => Err(Misfit::bearable(
                "the answer has members, although they were excluded",
                "With large groups such answers are slow.",
            )),
        },
        groups => Err(Misfit::new(
            format!("{} groups instead of that one", groups.len()),
            ADVICE,
        )),
    }
}

/// Asks as Entra does: is this group one of this member?
async fn belongs(course: &mut Course, group: &str, user: &str, wanted: bool) -> Finding {
    const ADVICE: &str = "Entra uses this filter to check whether a user is a member. If the answer is wrong, Entra adds or removes the member again and again.";
    let filter = format!("filter=id+eq+%22{group}%22+and+members+eq+%22{user}%22&attributes=id");
    let answer = course
        .wire
        .get(&format!("/Groups?{filter}"))
        .await?
        .expect(&[200], ADVICE)?;
    let is = answer.resources()?.iter().any(|found| found["id"] == group);
    match is == wanted {
        true => Ok(()),
        false => Err(Misfit::new(
            format!("a user is{} a member", if is { "" } else { " not" }),
            ADVICE,
        )),
    }
}
