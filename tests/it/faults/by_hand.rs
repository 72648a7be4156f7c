//! What somebody does at the vendor by hand, behind the gateway's back.

use serde_json::json;

use crate::harness::{TestGateway, group, person};

/// Adds `user` to `group` and asserts that the vendor knows.
async fn join(gateway: &TestGateway, group: &str, user: &str, name: &str) {
    let operations = json!([{"op": "Add", "path": "members", "value": [{"value": user}]}]);
    let joined = gateway
        .a
        .patch(&format!("/Groups/{group}"), operations)
        .await;
    assert_eq!(joined.status, 204, "{joined}");
    assert_eq!(gateway.row(user)["user_group"], name);
    assert_eq!(gateway.a.members(group).await, [user]);
}

#[tokio::test]
async fn an_account_out_of_the_archive_is_in_no_group() {
    let gateway = TestGateway::start().await;
    let user = person();
    let id = gateway.a.make("/Users", &user).await;
    let team = group(&[&id]);
    let team_id = gateway.a.make("/Groups", &team).await;
    let archived = gateway
        .by_hand("DELETE", &format!("/users/{id}"), None)
        .await;
    assert_eq!(archived.status, 204, "{archived}");
    let again = gateway.a.make("/Users", &user).await;
    assert_eq!(again, id, "SoSafe brings the account back");
    assert_eq!(gateway.row(&id)["user_group"], json!(null));
    assert!(gateway.a.members(&team_id).await.is_empty());
    let name = team["displayName"].as_str().unwrap();
    join(&gateway, &team_id, &id, name).await;
}

#[tokio::test]
async fn a_group_made_again_under_its_name_is_empty() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let team = group(&[&user]);
    let old = gateway.a.make("/Groups", &team).await;
    let name = team["displayName"].as_str().unwrap();
    let out = json!({"user_group": null});
    let left = gateway
        .by_hand("PATCH", &format!("/users/{user}"), Some(out))
        .await;
    assert_eq!(left.status, 200, "{left}");
    let gone = gateway
        .by_hand("DELETE", &format!("/user-groups/{name}"), None)
        .await;
    assert_eq!(gone.status, 204, "{gone}");
    let found = gateway.a.get(&format!("/Groups/{old}")).await;
    assert_eq!(found.status, 404, "{found}");
    let mut empty = team.clone();
    empty["members"] = json!([]);
    let new = gateway.a.make("/Groups", &empty).await;
    assert!(gateway.a.members(&new).await.is_empty());
    join(&gateway, &new, &user, name).await;
}
