//! Before anything is written: the connection, the token, queries that find nobody.

use serde_json::Value;

use super::bodies::{CORE_GROUP, ENTERPRISE, equals};
use super::{Client, Course, Finding, Misfit};

/// Nobody has this name or id.
pub(super) const NOBODY: &str = "f1f0c9b0-3c1e-4b53-9d7e-0d4b86d3a001";

/// Whether there are groups; `None` if it makes no sense to go on.
pub(super) async fn check(course: &mut Course) -> Option<bool> {
    let found = nobody(course, &format!("/Users?{}", equals("userName", NOBODY))).await;
    course.note(
        "Test Connection: a user that is not there is looked up",
        found,
    )?;
    let found = wrong_token(course).await;
    course.note("a wrong token is refused", found);
    let found = unknown_id(course).await;
    course.note("an id that does not exist is 404 with a SCIM error", found);
    let found = provider_config(course).await;
    course.note(
        "/ServiceProviderConfig says that PATCH and filters work",
        found,
    );
    let found = schemas(course).await;
    let has_groups = course.note("/Schemas can be read", found)?;
    let found = pages(course).await;
    course.note("users can be listed by pages", found);
    if has_groups {
        let name = equals("displayName", NOBODY);
        let found = nobody(
            course,
            &format!("/Groups?excludedAttributes=members&{name}"),
        )
        .await;
        course.note("a group that is not there is looked up", found);
    } else {
        course.skip("groups", "the endpoint has no Group schema");
    }
    Some(has_groups)
}

async fn nobody(course: &Course, query: &str) -> Finding {
    const ADVICE: &str = "Entra's Test Connection needs 200 and an empty ListResponse. 401 means that the token is wrong, 404 that the Tenant URL is wrong.";
    let answer = course.wire.get(query).await?.expect(&[200], ADVICE)?;
    if !answer.resources()?.is_empty() {
        return Err(Misfit::new(
            "somebody was found",
            "A filter must be applied, not ignored: Entra would link the wrong account.",
        ));
    }
    if !answer.media_type.starts_with("application/scim+json") {
        return Err(Misfit::bearable(
            format!("Content-Type is {:?}", answer.media_type),
            "Answer with application/scim+json.",
        ));
    }
    Ok(())
}

async fn wrong_token(course: &Course) -> Finding {
    let path = format!("/Users?{}", equals("userName", NOBODY));
    let answer = course.wire.get_as("not-a-token", &path).await?;
    answer.expect(
        &[401],
        "Requests without a valid token must be answered 401. Entra understands no other status for this.",
    )?;
    Ok(())
}

async fn unknown_id(course: &Course) -> Finding {
    const ADVICE: &str = "404 tells Entra that the user does not exist, and Entra creates the user again. With any other status it never does.";
    let answer = course.wire.get(&format!("/Users/{NOBODY}")).await?;
    let answer = answer.expect(&[404], ADVICE)?;
    match answer.body.get("status") {
        Some(_) => Ok(()),
        None => Err(Misfit::bearable(
            "the body is not a SCIM error",
            "Answer errors as RFC 7644 section 3.12 says: Entra shows `detail` to administrators.",
        )),
    }
}

async fn provider_config(course: &Course) -> Finding {
    const ADVICE: &str = "Microsoft requires it of applications in Entra's gallery.";
    let answer = course.wire.get("/ServiceProviderConfig").await?;
    if answer.status != 200 {
        return Err(Misfit::bearable(answer.described(), ADVICE));
    }
    for feature in ["patch", "filter"] {
        if answer.body[feature]["supported"] != Value::Bool(true) {
            return Err(Misfit::bearable(
                format!("{feature}.supported is not true"),
                ADVICE,
            ));
        }
    }
    Ok(())
}

/// Whether there is a Group schema.
async fn schemas(course: &mut Course) -> Finding<bool> {
    const ADVICE: &str = "Entra reads the attributes from it. If there is no Group schema, Entra assumes that the endpoint has no groups.";
    let answer = course.wire.get("/Schemas").await?.expect(&[200], ADVICE)?;
    let listed = |urn: &str| Ok(answer.resources()?.iter().any(|schema| schema["id"] == urn));
    // Entra sends its enterprise attributes to any endpoint.
    course.has_enterprise = course.client == Client::Entra || listed(ENTERPRISE)?;
    listed(CORE_GROUP)
}

async fn pages(course: &Course) -> Finding {
    const ADVICE: &str =
        "Entra's account discovery pages through all users (RFC 7644 section 3.4.2.4).";
    let answer = course.wire.get("/Users?startIndex=1&count=2").await?;
    let answer = answer.expect(&[200], ADVICE)?;
    let shown = answer.resources()?.len();
    if shown > 2 {
        return Err(Misfit::new(
            format!("{shown} users where 2 were asked for"),
            ADVICE,
        ));
    }
    match answer.body.get("startIndex").and_then(Value::as_u64) {
        Some(1) => Ok(()),
        other => Err(Misfit::bearable(
            format!("startIndex is {other:?} instead of 1"),
            ADVICE,
        )),
    }
}
