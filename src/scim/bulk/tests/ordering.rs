//! What is carried out, in which order (R105, R106, R107, R189).

use super::*;

/// What a service that makes everything is asked.
#[track_caller]
fn check(operations: Value, asked: &[&str]) {
    let mut server = Server::default();
    let answer = carry_out(bulk(operations.clone()).unwrap(), &mut server);
    assert_eq!(server.asked, asked);
    for (answer, operation) in answer["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .zip(operations.as_array().unwrap())
    {
        assert!(
            answer["status"].as_str().unwrap().starts_with('2'),
            "{answer}"
        );
        assert_eq!(answer["method"], operation["method"]);
    }
}

#[test]
fn what_does_not_refer_stays_in_order() {
    check(
        json!([
            delete("/Users/9"),
            user("a", json!({})),
            delete("/Groups/8"),
            group("g", &["7"])
        ]),
        &[
            "DELETE Users 9",
            "POST Users a",
            "DELETE Groups 8",
            "POST Groups g [7]",
        ],
    );
}

#[test]
fn references_back_are_followed() {
    check(
        json!([
            user("a", json!({})),
            group("g", &["bulkId:a", "7"]),
            delete("/Users/bulkId:a")
        ]),
        &["POST Users a", "POST Groups g [1 7]", "DELETE Users 1"],
    );
    check(
        json!([
            group("g", &[]),
            patch(
                "/Groups/bulkId:g",
                json!([{ "op": "add", "path": "externalId", "value": "x" }])
            )
        ]),
        &["POST Groups g", "PATCH Groups 1 externalId [x]"],
    );
}

#[test]
fn what_is_referred_to_is_made_before() {
    check(
        json!([
            group("g", &["bulkId:a", "bulkId:b"]),
            user("a", json!({})),
            user("b", json!({}))
        ]),
        &["POST Users a", "POST Users b", "POST Groups g [1 2]"],
    );
    // Through others: g needs b, b needs c.
    check(
        json!([
            group("g", &["bulkId:b"]),
            user("a", json!({})),
            managed("b", "c"),
            user("c", json!({}))
        ]),
        &[
            "POST Users c",
            "POST Users b",
            "POST Groups g [2]",
            "POST Users a",
        ],
    );
    check(
        json!([delete("/Users/bulkId:a"), user("a", json!({}))]),
        &["POST Users a", "DELETE Users 1"],
    );
}

#[test]
fn nothing_is_overtaken_that_could_make_a_difference() {
    // The DELETE may free the name of the user: it stays before the POST, and the group, which
    // stays where it is too, gets its member when there is one.
    check(
        json!([
            group("g", &["7", "bulkId:a"]),
            delete("/Users/9"),
            user("a", json!({}))
        ]),
        &[
            "POST Groups g [7]",
            "DELETE Users 9",
            "POST Users a",
            "PATCH Groups 1 members [2]",
        ],
    );
    // The other group must not be in the user's way, nor is it.
    check(
        json!([
            group("g", &["bulkId:a"]),
            delete("/Groups/9"),
            user("a", json!({}))
        ]),
        &["POST Users a", "POST Groups g [1]", "DELETE Groups 9"],
    );
    // The group to be deleted is one that the new user mentions.
    check(
        json!([managed("a", "g"), delete("/Users/5"), group("g", &["5"])]),
        &[
            "POST Users a",
            "DELETE Users 5",
            "POST Groups g [5]",
            "PATCH Users 1 urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value [2]",
        ],
    );
    // A PATCH cannot do without its reference and waits.
    check(
        json!([
            patch(
                "/Groups/8",
                json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:a" }] }])
            ),
            delete("/Users/9"),
            user("a", json!({})),
        ]),
        &[
            "DELETE Users 9",
            "POST Users a",
            "PATCH Groups 8 members [1]",
        ],
    );
}

#[test]
fn circles_are_resolved_by_adding_a_reference_later() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    check(
        json!([managed("a", "b"), managed("b", "a")]),
        &[
            "POST Users a",
            "POST Users b",
            &format!("PATCH Users 1 {manager} [2]"),
        ],
    );
    check(
        json!([managed("a", "a")]),
        &["POST Users a", &format!("PATCH Users 1 {manager} [1]")],
    );
    check(
        json!([group("g", &["bulkId:h", "5"]), group("h", &["bulkId:g"])]),
        &[
            "POST Groups g [5]",
            "POST Groups h [1]",
            "PATCH Groups 1 members [2]",
        ],
    );
    check(
        json!([
            managed("a", "b"),
            managed("b", "c"),
            managed("c", "a"),
            group("g", &["bulkId:c"])
        ]),
        &[
            "POST Users a",
            "POST Users c",
            "POST Users b",
            &format!("PATCH Users 1 {manager} [3]"),
            "POST Groups g [2]",
        ],
    );
}

#[test]
fn a_circle_that_cannot_be_resolved_is_a_conflict() {
    // userName is required: nobody can be made first. The others are carried out.
    let operations = json!([
        user("a", json!({ "userName": "bulkId:b" })),
        user("b", json!({ "userName": "bulkId:a" })),
        group("g", &["bulkId:a"]),
        user("c", json!({})),
    ]);
    let mut server = Server::default();
    let answer = carry_out(bulk(operations).unwrap(), &mut server);
    assert_eq!(server.asked, ["POST Users c"]);
    let statuses = answer["Operations"].as_array().unwrap().iter();
    let statuses: Vec<&str> = statuses.map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["409", "409", "409", "201"]);
    assert!(
        answer["Operations"][0]["response"]["detail"]
            .as_str()
            .unwrap()
            .contains("circle")
    );
}
