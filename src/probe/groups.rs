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
    let made = create(course, &name).await;
    let Some(id) = course.note("a group is created", made) else {
        return;
    };
    let path = format!("/Groups/{id}");
    let mut namesake = bodies::group(&name);
    namesake["externalId"] = Value::from(format!("{name}-other"));
    let refused = conflict(course, "/Groups", &namesake).await;
    course.note("another group of the same name is 409 uniqueness", refused);
    let again = repeated(course, "/Groups", &bodies::group(&name), &id).await;
    course.note("the same POST of a group again is 409", again);
    let seen = found(course, &name, &id).await;
    course.note("a group is found by its name, without members", seen);
    for &dialect in Dialect::of(course.client) {
        let title = format!("members are added in {}", dialect.name());
        let added = added(course, &id, [first, second], dialect).await;
        course.note(title, added);
        let title = format!(
            "a member is removed in {}, and only that one",
            dialect.name()
        );
        let removed = removed(course, &id, [first, second], dialect).await;
        course.note(title, removed);
    }
    let refused = unknown_member(course, &id, [first, second]).await;
    course.note(
        "members with an unknown one among them are refused, and nothing is changed",
        refused,
    );
    let mut body = bodies::group(&name);
    body["id"] = Value::from(id.as_str());
    let emptied = emptied(course, &id, &body, second).await;
    course.note("PUT with an empty list empties a group", emptied);
    let described = views::described(course, &path).await;
    course.note("each attribute of a group is listed in /Schemas", described);
    let renamed = renamed(course, &id, &format!("{name} renamed")).await;
    course.note("a group is renamed", renamed);
    let gone = gone(course, &path).await;
    course.note("a deleted group is gone", gone);
}

async fn added(course: &Course, id: &str, [first, second]: [&str; 2], dialect: Dialect) -> Finding {
    for user in [first, second, first] {
        change(course, id, &add_member(user, dialect)).await?;
    }
    belongs(course, id, first, true).await?;
    belongs(course, id, second, true).await
}

async fn removed(
    course: &Course,
    id: &str,
    [first, second]: [&str; 2],
    dialect: Dialect,
) -> Finding {
    change(course, id, &remove_member(first, dialect)).await?;
    belongs(course, id, first, false).await?;
    belongs(course, id, second, true).await
}

async fn renamed(course: &Course, id: &str, name: &str) -> Finding {
    change(course, id, &set(&[("displayName", name)], Dialect::Legacy)).await?;
    found(course, name, id).await
}

async fn change(course: &Course, id: &str, body: &Value) -> Finding {
    let answer = course.wire.patch(&format!("/Groups/{id}"), body).await?;
    answer.expect(&[200, 204], PATCHED).map(drop)
}

async fn gone(course: &mut Course, path: &str) -> Finding {
    let answer = course.wire.delete(path).await?;
    answer.expect(&[204], "A deletion is 204.")?;
    course.made.retain(|made| made != path);
    let answer = course.wire.get(path).await?;
    answer.expect(&[404], "What is deleted is 404.").map(drop)
}

/// Puts two members in the place of the second user: the first, and one that does not exist.
async fn unknown_member(course: &Course, group: &str, [first, second]: [&str; 2]) -> Finding {
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

async fn emptied(course: &Course, group: &str, body: &Value, member: &str) -> Finding {
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

async fn found(course: &Course, name: &str, id: &str) -> Finding {
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
async fn belongs(course: &Course, group: &str, user: &str, wanted: bool) -> Finding {
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
