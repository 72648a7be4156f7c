//! What is answered.

use super::*;

fn answered(
    operations: Value,
    fail_on_errors: Option<u64>,
    refuses: &'static str,
) -> (Value, Vec<String>) {
    let body = json!({ "schemas": [REQUEST_SCHEMA], "failOnErrors": fail_on_errors, "Operations": operations });
    let bulk = Bulk::parse(body, &service(Profile::Strict)).unwrap();
    let mut server = Server {
        refuses: Some(refuses),
        ..Server::default()
    };
    (carry_out(bulk, &mut server), server.asked)
}

/// `POST a 201`, one for each operation answered.
fn statuses(answer: &Value) -> Vec<String> {
    let answers = answer["Operations"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    answers
        .map(|it| {
            [&it["method"], &it["bulkId"], &it["status"]]
                .map(text)
                .join(" ")
        })
        .collect()
}

#[test]
fn a_success_says_where_and_which_version() {
    // R103, R104
    let operations = json!([
        user("a", json!({})),
        delete("/Users/o'n%20e"),
        patch(
            "/Groups/bulkId:g",
            json!([
        { "op": "replace", "path": "displayName", "value": "x" }])
        ),
        group("g", &[])
    ]);
    let (answer, _) = answered(operations, None, "");
    assert_eq!(
        answer,
        json!({ "schemas": [RESPONSE_SCHEMA], "Operations": [
        { "location": format!("{BASE}/Users/1"), "method": "POST", "bulkId": "a", "version": "W/\"1\"", "status": "201" },
        { "location": format!("{BASE}/Users/o%27n%20e"), "method": "DELETE", "status": "204" },
        { "location": format!("{BASE}/Groups/2"), "method": "PATCH", "status": "204" },
        { "location": format!("{BASE}/Groups/2"), "method": "POST", "bulkId": "g", "version": "W/\"1\"", "status": "201" },
    ] })
    );
}

#[test]
fn an_error_stands_in_response_and_does_not_stop_the_others() {
    // R109, R110
    let operations = json!([
        user("a", json!({})),
        delete("/Users/absent"),
        user("b", json!({}))
    ]);
    let (answer, _) = answered(operations, None, "a");
    assert_eq!(
        statuses(&answer),
        ["POST a 400", "DELETE - 404", "POST b 201"]
    );
    assert_eq!(
        answer["Operations"][0],
        json!({ "method": "POST", "bulkId": "a", "status": "400", "response": {
        "schemas": [crate::scim::error::ERROR_SCHEMA], "status": "400", "scimType": "invalidValue", "detail": "refused" } })
    );
    assert_eq!(
        answer["Operations"][1]["location"],
        format!("{BASE}/Users/absent")
    );
}

#[test]
fn what_was_sent_is_not_sent_back() {
    // R197
    let secret = json!({ "password": "s3cret-word", "nickName": "s3cret-word" });
    for refuses in ["", "a"] {
        let (answer, _) = answered(json!([user("a", secret.clone())]), None, refuses);
        assert!(!answer.to_string().contains("s3cret-word"), "{answer}");
    }
}

#[test]
fn enough_errors_end_it_and_what_was_done_is_told() {
    // R111, R112
    let operations = || {
        json!([
            user("a", json!({})),
            delete("/Users/absent"),
            user("b", json!({})),
            delete("/Groups/absent"),
            user("c", json!({}))
        ])
    };
    for (count, told) in [(1, 2), (2, 4), (3, 5)] {
        let (answer, asked) = answered(operations(), Some(count), "");
        assert_eq!(statuses(&answer).len(), told, "{count}");
        assert_eq!(asked.len(), told);
    }
    // What is refused unasked counts too.
    let (answer, asked) = answered(json!([delete("/Bulk"), user("a", json!({}))]), Some(1), "");
    assert_eq!(
        (statuses(&answer), asked),
        (vec!["DELETE - 400".to_owned()], Vec::new())
    );
}

#[test]
fn what_depends_on_a_failure_fails_and_names_the_bulk_id() {
    let operations = json!([
        user("a", json!({})),
        group("g", &["bulkId:a"]),
        delete("/Groups/bulkId:g"),
        user("b", json!({}))
    ]);
    let (answer, asked) = answered(operations, None, "a");
    assert_eq!(
        statuses(&answer),
        ["POST a 400", "POST g 409", "DELETE - 409", "POST b 201"]
    );
    assert_eq!(asked, ["POST Users a", "POST Users b"]);
    let detail = answer["Operations"][1]["response"]["detail"]
        .as_str()
        .unwrap();
    assert!(detail.contains("bulkId \"a\""), "{detail}");
    assert!(answer["Operations"][1].get("location").is_none());
    assert_eq!(
        answer["Operations"][2]["location"],
        format!("{BASE}/Groups/bulkId:g")
    );
}

#[test]
fn a_reference_to_nothing_is_an_invalid_value() {
    let put =
        json!({ "method": "PUT", "path": "/Users/1", "bulkId": "p", "data": { "userName": "p" } });
    let operations = json!([
        group("g", &["bulkId:nobody"]),
        put,
        delete("/Users/bulkId:p")
    ]);
    let (answer, _) = answered(operations, None, "");
    for (index, named) in [(0, "nobody"), (2, "p")] {
        let response = &answer["Operations"][index]["response"];
        assert_eq!(response["scimType"], "invalidValue", "{answer}");
        assert!(
            response["detail"]
                .as_str()
                .unwrap()
                .contains(&format!("{named:?}")),
            "{response}"
        );
    }
}

#[test]
fn a_resource_whose_reference_cannot_be_added_is_told_to_be_there() {
    // The DELETE keeps the group from waiting for its member, which then cannot be made.
    let operations = json!([
        group("g", &["bulkId:a"]),
        delete("/Users/9"),
        user("a", json!({}))
    ]);
    let (answer, asked) = answered(operations.clone(), None, "a");
    assert_eq!(asked, ["POST Groups g", "DELETE Users 9", "POST Users a"]);
    assert_eq!(
        statuses(&answer),
        ["POST g 409", "DELETE - 204", "POST a 400"]
    );
    let group = &answer["Operations"][0];
    assert_eq!(group["location"], format!("{BASE}/Groups/1"));
    assert!(
        group["response"]["detail"]
            .as_str()
            .unwrap()
            .starts_with("The resource was created, but")
    );
    // The same when failOnErrors ends it in between.
    let (answer, _) = answered(operations, Some(1), "a");
    assert_eq!(
        statuses(&answer),
        ["POST g 409", "DELETE - 204", "POST a 400"]
    );
}

#[test]
fn what_is_left_when_time_is_up_is_answered_one_by_one() {
    let operations = json!([
        group("g", &["bulkId:a"]),
        delete("/Users/9"),
        user("a", json!({})),
        delete("/Users/bulkId:a")
    ]);
    let service = service(Profile::Strict);
    for done in 0..=4 {
        let mut run = bulk(operations.clone()).unwrap().run(&service, BASE);
        let mut server = Server::default();
        for _ in 0..done {
            let request = run.next_request().unwrap();
            run.record(server.carry_out(&request));
        }
        let _ = run.next_request();
        run.abandon(&ScimError::new(503, None, "Time is up."));
        assert!(run.next_request().is_none());
        let answer = run.finish().body.unwrap().into_tree();
        let statuses = statuses(&answer);
        assert_eq!(statuses.len(), 4, "{done}: {statuses:?}");
        let late = statuses.iter().filter(|it| it.ends_with("503")).count();
        assert_eq!(late, [4, 4, 3, 2, 1][done], "{done}: {statuses:?}");
    }
}
