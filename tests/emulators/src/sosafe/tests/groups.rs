//! User groups: names as keys, one group a user.

use super::*;

#[test]
fn a_group_is_put_once_and_its_name_is_taken_ignoring_case() {
    let sosafe = SoSafe::start();
    assert_eq!(
        sosafe.ok("PUT /user-groups/Finance", Value::Null, 201),
        json!({"name": "Finance"})
    );
    sosafe.ok("PUT /user-groups/Finance", json!({}), 200);
    sosafe.refused(
        "PUT /user-groups/FINANCE",
        Value::Null,
        (400, "E1201", "name"),
    );
    assert_eq!(
        sosafe.ok("PUT /user-groups/%20R%26D%2FIT%20", Value::Null, 201)["name"],
        "R&D/IT"
    );
    assert_eq!(
        sosafe.ok("PUT /user-groups/%C3%84rzte", Value::Null, 201)["name"],
        "Ärzte"
    );
    sosafe.refused(
        "PUT /user-groups/%C3%A4rzte",
        Value::Null,
        (400, "E1201", "name"),
    );
    sosafe.ok(
        &format!("PUT /user-groups/{}", "x".repeat(80)),
        Value::Null,
        201,
    );
    sosafe.refused(
        &format!("PUT /user-groups/{}", "x".repeat(81)),
        Value::Null,
        (400, "E1007", "name"),
    );
    sosafe.refused("PUT /user-groups/%20", Value::Null, (400, "E1007", "name"));
    assert_eq!(sosafe.emulator.counters().duplicates, 2);
}

#[test]
fn groups_come_in_pages() {
    let sosafe = SoSafe::start();
    for name in ["c", "a", "b"] {
        sosafe.ok(&format!("PUT /user-groups/{name}"), Value::Null, 201);
    }
    let expect = json!({"data": [{"name": "c"}], "page": 2, "limit": 2, "pages": 2, "total": 3});
    assert_eq!(
        sosafe.ok("GET /user-groups?page=2&limit=2", Value::Null, 200),
        expect
    );
}

#[test]
fn a_user_has_one_group_by_name() {
    let sosafe = SoSafe::start();
    let line = format!("PATCH /users/{}", sosafe.user("ada"));
    sosafe.refused(
        &line,
        json!({"user_group": "Finance"}),
        (400, "E1007", "user_group"),
    );
    sosafe.ok("PUT /user-groups/Finance", Value::Null, 201);
    sosafe.ok("PUT /user-groups/Sales", Value::Null, 201);
    sosafe.refused(
        &line,
        json!({"user_group": "finance"}),
        (400, "E1007", "user_group"),
    );
    sosafe.refused(
        &line,
        json!({"user_group": ["Finance", "Sales"]}),
        (400, "E1007", "user_group"),
    );
    assert_eq!(
        sosafe.ok(&line, json!({"user_group": "Finance"}), 200)["user_group"],
        "Finance"
    );
    assert_eq!(
        sosafe.ok(&line, json!({"user_group": "Sales"}), 200)["user_group"],
        "Sales"
    );
    assert_eq!(
        sosafe.ok("GET /users?user_group=Finance", Value::Null, 200)["total"],
        0
    );
    assert_eq!(
        sosafe.ok("GET /users?user_group=Sales", Value::Null, 200)["total"],
        1
    );
    assert_eq!(
        sosafe.ok(&line, json!({"user_group": null}), 200)["user_group"],
        Value::Null
    );
}

#[test]
fn a_rename_changes_the_key_and_the_users_follow() {
    let sosafe = SoSafe::start();
    let id = sosafe.user("ada");
    for name in ["Finance", "Sales"] {
        sosafe.ok(&format!("PUT /user-groups/{name}"), Value::Null, 201);
    }
    sosafe.ok(
        &format!("PATCH /users/{id}"),
        json!({"user_group": "Finance"}),
        200,
    );
    let rename = |from: &str| format!("POST /user-groups/{from}/rename");
    sosafe.refused(
        &rename("Finance"),
        json!({"to": "SALES"}),
        (400, "E1201", "name"),
    );
    sosafe.refused(&rename("Finance"), json!({"to": " "}), (400, "E1007", "to"));
    sosafe.refused(&rename("Finance"), json!({}), (400, "E1007", "to"));
    sosafe.refused(&rename("Nobody"), json!({"to": "New"}), (404, "E1404", ""));
    assert_eq!(
        sosafe.ok(&rename("Finance"), json!({"to": "Finanzen"}), 200)["name"],
        "Finanzen"
    );
    sosafe.refused(
        &rename("Finance"),
        json!({"to": "Finanzen"}),
        (404, "E1404", ""),
    );
    sosafe.ok(&rename("Finanzen"), json!({"to": "FINANZEN"}), 200);
    assert_eq!(
        sosafe.ok(&format!("GET /users/{id}"), Value::Null, 200)["user_group"],
        "FINANZEN"
    );
    assert_eq!(sosafe.ids("GET /users?user_group=FINANZEN"), [id]);
    sosafe.ok("PUT /user-groups/Finance", Value::Null, 201);
}

#[test]
fn a_group_is_deleted_when_its_last_user_has_left() {
    let sosafe = SoSafe::start();
    let (ada, bob) = (sosafe.user("ada"), sosafe.user("bob"));
    sosafe.ok("PUT /user-groups/Finance", Value::Null, 201);
    for id in [ada, bob] {
        sosafe.ok(
            &format!("PATCH /users/{id}"),
            json!({"user_group": "Finance"}),
            200,
        );
    }
    sosafe.refused(
        "DELETE /user-groups/Finance",
        Value::Null,
        (400, "E1208", "name"),
    );
    sosafe.ok(
        &format!("PATCH /users/{ada}"),
        json!({"user_group": null}),
        200,
    );
    sosafe.ok(&format!("DELETE /users/{bob}"), Value::Null, 204);
    assert_eq!(sosafe.ids("GET /users?user_group=Finance"), [0u64; 0]);
    sosafe.ok("DELETE /user-groups/Finance", Value::Null, 204);
    sosafe.refused(
        "DELETE /user-groups/Finance",
        Value::Null,
        (404, "E1404", ""),
    );
    assert_eq!(
        sosafe.ok(&format!("POST /users/{bob}/restore"), Value::Null, 200)["user_group"],
        Value::Null
    );
}
