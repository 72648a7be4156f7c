//! A user's life: made, found, changed in both dialects, disabled, deleted.

use serde_json::{Value, json};

use super::bodies::{Dialect, ENTERPRISE, active, equals, patch, set};
use super::views::{self, read};
use super::{Answer, Client, Course, Finding, Misfit};

/// What must hold of every answer to a PATCH of a user.
const PATCHED: &str =
    "Entra expects 200 with the user, or 204. It repeats a refused PATCH at growing intervals.";

/// Ids of two users that stay for others to use; `None` if they could not be made.
pub(super) async fn check(course: &mut Course) -> Option<[String; 2]> {
    let first = course.mark.clone();
    let second = format!("{first}-2");
    let found = create(course, &first).await;
    let (id, located) = course.note("a user is created", found)?;
    course.note("Location is the URL of the new user", located);
    let path = format!("/Users/{id}");
    let mut namesake = course.user(&first);
    namesake["externalId"] = json!(format!("{first}-other"));
    let found = conflict(course, "/Users", &namesake).await;
    course.note("another user of the same userName is 409 uniqueness", found);
    let found = repeated(course, "/Users", &course.user(&first), &id).await;
    course.note("the same POST again is 409", found);
    find(course, &first, &id).await;
    let found = read(course, &path).await.and_then(|user| typed(&user));
    course.note("a user is read by its id", found);
    let user_name = format!("{first}@{}", course.domain);
    let found = views::found_as_read(course, &user_name, &path).await;
    course.note("a query gives the same values as the id", found);
    let found = views::listed_as_read(course, &path).await;
    course.note("the list gives the same values as the id", found);
    let found = views::described(course, &path).await;
    course.note("each attribute of a user is listed in /Schemas", found);
    for dialect in Dialect::of(course.client) {
        change(course, &user_name, &path, *dialect).await;
    }
    odd_patches(course, &path).await;
    let found = course.wire.post_text("/Users", "{\"schemas\": [").await;
    let advice = "A request that cannot be read must be answered 400 invalidSyntax.";
    let found = found.and_then(|answer| answer.expect(&[400], advice));
    course.note("broken JSON is 400", found);
    let found = create(course, &second).await;
    let (other, _) = course.note("a second user is created", found)?;
    if course.has_enterprise {
        let found = manager(course, &path, &other).await;
        course.note("the manager is set and read back as an object", found);
    }
    Some([id, other])
}

/// Changes, disables and enables a user.
async fn change(course: &mut Course, user_name: &str, path: &str, dialect: Dialect) {
    let (name, how) = match dialect {
        Dialect::Legacy => (dialect.name(), " (\"False\" as a text)"),
        Dialect::Compliant => (dialect.name(), ""),
    };
    let found = attributes(course, path, dialect).await;
    course.note(format!("PATCH in {name} changes attributes"), found);
    let found = switch(course, path, false, dialect).await;
    course.note(format!("PATCH in {name} disables{how}"), found);
    if dialect == Dialect::Compliant {
        let found = views::disabled(course, user_name, path).await;
        course.note("a disabled user is found and read", found);
    }
    let found = switch(course, path, true, dialect).await;
    course.note(format!("PATCH in {name} enables again"), found);
}

/// Deletes a user and looks whether it is gone.
pub(super) async fn delete(course: &mut Course, id: &str) {
    let found = gone(course, &format!("/Users/{id}")).await;
    course.note("a deleted user is gone", found);
}

async fn gone(course: &mut Course, path: &str) -> Finding {
    let answer = course.wire.delete(path).await?;
    answer.expect(
        &[204],
        "A deletion that was carried out is 204 without a body.",
    )?;
    course.made.retain(|made| made != path);
    let answer = course.wire.get(path).await?;
    answer.expect(&[404], "What is deleted is not there any more: 404.")?;
    let name = format!("{}@{}", course.mark, course.domain);
    let answer = course
        .wire
        .get(&format!("/Users?{}", equals("userName", &name)))
        .await?;
    let answer = answer.expect(&[200], "A query that finds nobody is 200.")?;
    match answer.resources()?.is_empty() {
        true => Ok(()),
        false => Err(Misfit::new(
            "the query still finds it",
            "A query must not find a deleted user; otherwise Entra links a user that does not exist.",
        )),
    }
}

/// The new user's id, and whether `Location` names it.
async fn create(course: &mut Course, name: &str) -> Finding<(String, Finding)> {
    let answer = course.wire.post("/Users", &course.user(name)).await?;
    let answer = answer.expect(
        &[201],
        "A user of Entra's default mapping must be accepted. Perhaps the endpoint requires another domain (--domain) or further attributes.",
    )?;
    let id = id_of(&answer)?;
    let path = format!("/Users/{id}");
    let located = match answer.location {
        Some(location) if location.ends_with(&path) => Ok(()),
        _ => Err(Misfit::bearable(
            "it is missing, or is another URL",
            "The answer 201 must have the URL of the new resource (RFC 7644 section 3.3).",
        )),
    };
    course.made.push(path);
    Ok((id, located))
}

pub(super) fn id_of(answer: &Answer) -> Finding<String> {
    match answer.body.get("id").and_then(Value::as_str) {
        Some(id) if !id.is_empty() && !id.contains(['/', '?', '#', ' ']) => Ok(id.to_owned()),
        found => Err(Misfit::new(
            format!("id is {found:?}"),
            "Entra stores the `id` of the 201 and puts it into URLs. It must be a text, not empty, and must never change.",
        )),
    }
}

/// A POST that was answered and is sent again: 409 is what Microsoft's validator asks for.
pub(super) async fn repeated(course: &Course, path: &str, body: &Value, id: &str) -> Finding {
    let answer = course.wire.post(path, body).await?;
    match answer.status {
        409 => Ok(()),
        200 | 201 if answer.body["id"] == id => Err(Misfit::bearable(
            answer.described(),
            "No second one was created, but Microsoft's validator, which is required for the gallery, expects 409 uniqueness.",
        )),
        _ => Err(Misfit::new(
            answer.described(),
            "A repeated POST must be answered 409. Otherwise there are duplicates whenever an answer is lost.",
        )),
    }
}

pub(super) async fn conflict(course: &Course, path: &str, body: &Value) -> Finding {
    const ADVICE: &str = "A second resource with the same name must be refused: 409 with scimType uniqueness. Otherwise there are duplicates whenever an answer is lost.";
    let answer = course.wire.post(path, body).await?.expect(&[409], ADVICE)?;
    match answer.body.get("scimType").and_then(Value::as_str) {
        Some("uniqueness") => Ok(()),
        found => Err(Misfit::bearable(format!("scimType is {found:?}"), ADVICE)),
    }
}

async fn find(course: &mut Course, name: &str, id: &str) {
    let user_name = format!("{name}@{}", course.domain);
    let titles = [
        (
            "userName",
            user_name.clone(),
            "a user is found by its userName",
        ),
        (
            "userName",
            user_name.to_uppercase(),
            "userName is compared without regard to case",
        ),
        (
            "externalId",
            name.to_owned(),
            "a user is found by its externalId",
        ),
    ];
    for (attribute, value, title) in titles {
        let query = format!("/Users?{}", equals(attribute, &value));
        let found = only(course, &query, id).await;
        course.note(title, found);
    }
}

async fn only(course: &Course, query: &str, id: &str) -> Finding {
    const ADVICE: &str = "A query must find the user that makes a POST fail; otherwise Entra can neither create nor find the user.";
    let answer = course.wire.get(query).await?.expect(&[200], ADVICE)?;
    match answer.resources()? {
        [user] if user["id"] == id => Ok(()),
        found => Err(Misfit::new(
            format!("{} users instead of that one", found.len()),
            ADVICE,
        )),
    }
}

/// JSON types as Entra reads them; it gives up on others.
fn typed(user: &Value) -> Finding {
    const ADVICE: &str = "Entra checks types strictly, and cannot read the user otherwise.";
    let enterprise = &user[ENTERPRISE];
    let fits = [
        ("schemas", user["schemas"].is_array()),
        ("active", user["active"].is_boolean()),
        ("userName", user["userName"].is_string()),
        (
            "emails",
            matches!(user["emails"], Value::Array(_) | Value::Null),
        ),
        (
            "name",
            matches!(user["name"], Value::Object(_) | Value::Null),
        ),
        (
            "manager",
            matches!(enterprise["manager"], Value::Object(_) | Value::Null),
        ),
    ];
    match fits.iter().find(|(_, fits)| !fits) {
        None => Ok(()),
        Some((name, _)) => Err(Misfit::new(format!("{name} is {}", user[*name]), ADVICE)),
    }
}

async fn attributes(course: &Course, path: &str, dialect: Dialect) -> Finding {
    let (name, title) = match dialect {
        Dialect::Legacy => ("Legacy Person", "Architect"),
        Dialect::Compliant => ("Compliant Person", "Author"),
    };
    let body = set(
        &[
            ("displayName", name),
            ("title", title),
            ("name.givenName", "Paula"),
        ],
        dialect,
    );
    course
        .wire
        .patch(path, &body)
        .await?
        .expect(&[200, 204], PATCHED)?;
    let user = read(course, path).await?;
    let expected = [
        ("displayName", &user["displayName"], name),
        ("title", &user["title"], title),
        ("name.givenName", &user["name"]["givenName"], "Paula"),
    ];
    let wrong = expected
        .iter()
        .filter(|(_, found, wanted)| *found != wanted);
    let wrong: Vec<_> = wrong
        .map(|(name, found, _)| format!("{name} is {found}"))
        .collect();
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => Err(Misfit::bearable(
            wrong.join(", "),
            "Entra compares what it reads with what it wrote, and writes every difference again in every cycle. Remove attributes that the endpoint cannot store from the attribute mapping.",
        )),
    }
}

async fn switch(course: &Course, path: &str, on: bool, dialect: Dialect) -> Finding {
    let answer = course.wire.patch(path, &active(on, dialect)).await?;
    answer.expect(&[200, 204], PATCHED)?;
    match &read(course, path).await?["active"] {
        Value::Bool(found) if *found == on => Ok(()),
        found => Err(Misfit::new(
            format!("active is {found} after it was set to {on}"),
            "Disabling must work, because Entra removes access in this way. The answer must have a boolean.",
        )),
    }
}

/// Forms that Entra sends and many endpoints trip over.
async fn odd_patches(course: &mut Course, path: &str) {
    let work = "emails[type eq \"work\"].value";
    let address = format!("{}-new@{}", course.mark, course.domain);
    let mut forms = vec![
        (
            "PATCH of a typed value by a filter in the path",
            json!([{"op": "Replace", "path": work, "value": address}]),
        ),
        (
            "Add to an existing value replaces it",
            json!([{"op": "Add", "path": "displayName", "value": "Probe Person"}]),
        ),
        (
            "Remove of a value that does not exist is no error",
            json!([{"op": "Remove", "path": "title"}]),
        ),
    ];
    if course.client == Client::Entra {
        // RFC 7644 section 3.5.2.3 has 400 noTarget for it.
        let phone = "phoneNumbers[type eq \"work\"].value";
        forms.push((
            "Replace of a typed value that does not exist creates it",
            json!([{"op": "Replace", "path": phone, "value": "+41 44 268 12 34"}]),
        ));
        // By RFC 7643 section 2.5 an empty text is a value.
        forms.push((
            "an empty text clears",
            json!([{"op": "Replace", "path": "title", "value": ""}]),
        ));
    }
    if course.has_enterprise {
        forms.push((
            "an attribute of the enterprise extension by its URN",
            json!([{"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Probes"}]),
        ));
    }
    for (title, operations) in forms {
        let found = course.wire.patch(path, &patch(operations)).await;
        let found = found.and_then(|answer| answer.expect(&[200, 204], PATCHED));
        course.note(title, found);
    }
}

async fn manager(course: &Course, path: &str, manager: &str) -> Finding {
    const ADVICE: &str = "Entra sends the manager as a bare id and reads an object {\"value\": id} under the extension's URN; otherwise it sends it again and again.";
    let value = match course.client {
        Client::Entra => json!(manager),
        Client::Rfc => json!({"value": manager}),
    };
    let operation = json!([{"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": value}]);
    course
        .wire
        .patch(path, &patch(operation))
        .await?
        .expect(&[200, 204], ADVICE)?;
    match &read(course, path).await?[ENTERPRISE]["manager"] {
        Value::Object(found) if found.get("value").is_some_and(|value| value == manager) => Ok(()),
        found => Err(Misfit::bearable(format!("manager is {found}"), ADVICE)),
    }
}
