//! Create, read, replace, change, delete.

use std::time::Duration;

use scimgate::scim::Profile;
use serde_json::{Value, json};

use super::{ENTERPRISE, Service, USER, at, names, refused, unique, user};

/// R14 R15 R16 R19 R95 R139 R140 R141
#[tokio::test]
async fn a_created_resource_is_answered_whole() {
    let service = Service::strict().await;
    let body = user(json!({
        "id": "mine", "externalId": "Ext-1", "title": "Engineer",
        "meta": {"resourceType": "Group", "created": "2001-01-01T00:00:00Z", "version": "W/\"x\""},
    }));
    let response = service.tenant.post("/Users", &body).await;
    assert_eq!(response.status, 201, "{response}");
    assert!(
        response
            .header("content-type")
            .starts_with("application/scim+json")
    );
    let made = response.json();
    let id = made["id"].as_str().unwrap();
    assert!(id != "mine" && !id.contains("bulkId"), "{id}");
    assert_eq!(made["externalId"], "Ext-1");
    assert_eq!(made["schemas"], json!([USER]));
    let meta = &made["meta"];
    assert_eq!(meta["resourceType"], "User");
    assert_eq!(meta["created"], meta["lastModified"]);
    assert!(meta["created"].as_str().unwrap() > "2020");
    assert_eq!(
        meta["location"],
        json!(format!("{}/Users/{id}", service.tenant.url()))
    );
    assert_eq!(response.header("location"), meta["location"]);
    assert_eq!(response.header("etag"), meta["version"]);
    assert!(response.header("etag").starts_with("W/\""));
    assert_eq!(service.get(&at(&made)).await, made);
    let group = service.group(&[]).await;
    assert_eq!(group["meta"]["resourceType"], "Group");
}

/// R22 R23 R130 R142
#[tokio::test]
async fn what_is_unique_is_taken_once() {
    let service = Service::strict().await;
    let name = unique("Ada-");
    let first = service.user(json!({"userName": name})).await;
    for other in [name.clone(), name.to_uppercase(), name.to_lowercase()] {
        let response = service
            .tenant
            .post("/Users", &user(json!({"userName": other})))
            .await;
        refused(&response, 409, "uniqueness", &other);
    }
    let group = service.group(&[]).await;
    let mut again = group.clone();
    again["displayName"] = group["displayName"].as_str().unwrap().to_uppercase().into();
    refused(
        &service.tenant.post("/Groups", &again).await,
        409,
        "uniqueness",
        "group",
    );
    assert_eq!(service.get(&at(&first)).await, first);
    // Two without an externalId do not have the same one.
    let second = service.user(json!({})).await;
    assert!(second.get("externalId").is_none(), "{second}");
}

/// R24 R26 R27 R133 R136 R137 R142
#[tokio::test]
async fn bodies_that_are_no_user() {
    let service = Service::strict().await;
    for (body, keyword) in [
        (json!({"schemas": [USER]}), "invalidValue"),
        (user(json!({"userName": ""})), "invalidValue"),
        (user(json!({"userName": null})), "invalidValue"),
        (user(json!({"userName": []})), "invalidValue"),
        (user(json!({"userName": 7})), "invalidValue"),
        (user(json!({"active": "true"})), "invalidValue"),
        (user(json!({"emails": {"value": "a"}})), "invalidValue"),
        (
            user(
                json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
            ),
            "invalidValue",
        ),
        (
            user(json!({"name": {"givenName": {"a": 1}}})),
            "invalidValue",
        ),
        (user(json!({"schemas": []})), "invalidValue"),
        (
            user(json!({"schemas": ["urn:example:other"]})),
            "invalidValue",
        ),
        (
            user(json!({"schemas": [USER, "urn:ietf:params:scim:schemas:core:2.0:Group"]})),
            "invalidValue",
        ),
        (json!({"userName": "no-schemas"}), "invalidValue"),
        (user(json!({"nonsense": 1})), "invalidSyntax"),
        (json!([user(json!({}))]), "invalidSyntax"),
        (json!("user"), "invalidSyntax"),
    ] {
        let response = service.tenant.post("/Users", &body).await;
        refused(&response, 400, keyword, &body.to_string());
    }
    let empty = user(json!({"title": null, "emails": [], "name": null}));
    let made = service.tenant.post("/Users", &empty).await.json();
    assert_eq!(
        names(&made),
        ["id", "meta", "schemas", "userName"],
        "{made}"
    );
}

/// R26 R136 R182: Entra lists the enterprise URN whether or not it sends any of it.
#[tokio::test]
async fn entra_is_understood() {
    let service = Service::start(Profile::Entra).await;
    let body = json!({
        "schemas": [USER, ENTERPRISE, "urn:example:other"], "USERNAME": unique("user-"), "active": "True",
        "title": "", "nonsense": 1, "emails": [{"type": "work", "value": "a@x", "primary": "True"}],
    });
    let made = service.tenant.post("/Users", &body).await;
    assert_eq!(made.status, 201, "{made}");
    let made = made.json();
    assert_eq!(made["schemas"], json!([USER]));
    assert_eq!(made["active"], true);
    assert_eq!(made["emails"][0]["primary"], true);
    assert!(
        made.get("title").is_none() && made.get("nonsense").is_none(),
        "{made}"
    );
}

/// R34 R35 R36 R79 R73
#[tokio::test]
async fn an_id_is_found_as_it_is_or_not_at_all() {
    let service = Service::strict().await;
    let made = service.user(json!({})).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(service.get(&at(&made)).await["id"], id);
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let put = user(json!({}));
    for wrong in [
        id.to_uppercase(),
        format!("{id}0"),
        "unknown".to_owned(),
        "bulkId:1".to_owned(),
    ] {
        for (method, body) in [
            ("GET", None),
            ("PUT", Some(&put)),
            ("PATCH", Some(&patch)),
            ("DELETE", None),
        ] {
            let response = service.ask(&format!("{method} /Users/{wrong}"), body).await;
            refused(&response, 404, "", &format!("{method} {wrong}"));
        }
    }
    assert_eq!(service.get("/Users?count=0").await["totalResults"], 1);
}

/// R31 R32 R38
#[tokio::test]
async fn media_types() {
    let service = Service::strict().await;
    for kind in [
        "application/scim+json",
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/SCIM+JSON;charset=UTF-8",
    ] {
        let body = user(json!({})).to_string();
        let request = service
            .request("POST /Users", None)
            .body(body)
            .header("Content-Type", kind);
        assert_eq!(service.tenant.send(request).await.status, 201, "{kind}");
    }
    for kind in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let body = user(json!({})).to_string();
        let request = service
            .request("POST /Users", None)
            .body(body)
            .header("Content-Type", kind);
        refused(&service.tenant.send(request).await, 415, "", kind);
    }
    for accept in [
        "application/scim+json",
        "application/json",
        "*/*",
        "text/html, application/*;q=0.8",
    ] {
        let request = service.request("GET /Users", None).header("Accept", accept);
        let response = service.tenant.send(request).await;
        assert_eq!(response.status, 200, "{accept}");
        assert!(
            response
                .header("content-type")
                .starts_with("application/scim+json")
        );
    }
}

/// R70 R71 R72 R76 R126
#[tokio::test]
async fn put_replaces_what_may_be_written() {
    let service = Service::strict().await;
    let made = service
        .user(
            json!({"title": "a", "nickName": "n", "emails": [{"value": "a@x"}], "externalId": "e"}),
        )
        .await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let body = user(json!({
        "id": "other", "title": "b", "emails": [], "nickName": null, "groups": [{"value": "g"}],
        "meta": {"created": "2001-01-01T00:00:00Z"},
    }));
    let put = service.tenant.put(&at(&made), &body).await;
    assert_eq!(put.status, 200, "{put}");
    let now = put.json();
    assert_eq!(now["id"], made["id"]);
    assert_eq!(now["title"], "b");
    assert_eq!(now["userName"], body["userName"]);
    assert_eq!(now["meta"]["created"], made["meta"]["created"]);
    assert!(
        now["meta"]["lastModified"].as_str() > made["meta"]["lastModified"].as_str(),
        "{now}"
    );
    assert_ne!(now["meta"]["version"], made["meta"]["version"]);
    assert_eq!(
        names(&now),
        ["id", "meta", "schemas", "title", "userName"],
        "{now}"
    );
    assert_eq!(service.get(&at(&made)).await, now);
}

/// R74 R75
#[tokio::test]
async fn put_is_refused_like_a_create() {
    let service = Service::strict().await;
    let (ada, bob) = (service.user(json!({})).await, service.user(json!({})).await);
    let without = json!({"schemas": [USER], "title": "x"});
    refused(
        &service.tenant.put(&at(&ada), &without).await,
        400,
        "invalidValue",
        "no userName",
    );
    let taken = user(json!({"userName": bob["userName"].as_str().unwrap().to_uppercase()}));
    refused(
        &service.tenant.put(&at(&ada), &taken).await,
        409,
        "uniqueness",
        "taken",
    );
    assert_eq!(service.get(&at(&ada)).await, ada);
    let same = user(json!({"userName": ada["userName"].as_str().unwrap().to_uppercase()}));
    assert_eq!(service.tenant.put(&at(&ada), &same).await.status, 200);
}

/// R80 R81 R33 R174
#[tokio::test]
async fn patch_is_answered_with_the_resource_or_without() {
    let service = Service::strict().await;
    let made = service.user(json!({"title": "a"})).await;
    let nothing = json!([{"op": "add", "path": "title", "value": "a"}]);
    let same = service.tenant.patch(&at(&made), nothing).await;
    assert_eq!(
        (same.status, same.json()),
        (200, made.clone()),
        "nothing moved"
    );
    let change = json!([{"op": "replace", "path": "title", "value": "b"}]);
    let path = format!("{}?attributes=title", at(&made));
    let changed = service.tenant.patch(&path, change.clone()).await;
    assert_eq!(changed.status, 200);
    assert_eq!(names(&changed.json()), ["id", "schemas", "title"]);
    let entra = Service::start(Profile::Entra).await;
    let group = entra.group(&[]).await;
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let rename = json!([{"op": "replace", "path": "displayName", "value": unique("Group ")}]);
    let silent = entra.tenant.patch(&path, rename.clone()).await;
    assert_eq!((silent.status, silent.body.len()), (204, 0));
    let asked = entra
        .tenant
        .patch(&format!("{path}?attributes=displayName"), rename)
        .await;
    assert_eq!(asked.status, 200, "{asked}");
    assert_eq!(names(&asked.json()), ["displayName", "id", "schemas"]);
}

/// R88 R89 R90 R91 R139 R148
#[tokio::test]
async fn what_is_deleted_is_gone() {
    let service = Service::strict().await;
    let name = unique("gone-");
    let made = service.user(json!({"userName": name})).await;
    let group = service.group(&[&made]).await;
    let deleted = service.tenant.delete(&at(&made)).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    for (method, body) in [
        ("GET", None),
        ("PUT", Some(user(json!({})))),
        (
            "PATCH",
            Some(
                json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "remove", "path": "title"}]}),
            ),
        ),
        ("DELETE", None),
    ] {
        let response = service
            .ask(&format!("{method} {}", at(&made)), body.as_ref())
            .await;
        refused(&response, 404, "", method);
    }
    let found = service
        .get(&format!("/Users?filter=userName+eq+%22{name}%22"))
        .await;
    assert_eq!(found["totalResults"], 0);
    assert_eq!(service.get("/Users").await["totalResults"], 0);
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    assert!(
        service.get(&path).await.get("members").is_none(),
        "nor a member"
    );
    let again = service.user(json!({"userName": name})).await;
    assert_ne!(again["id"], made["id"], "an id is never given twice");
}

/// R132 R143 R144
#[tokio::test]
async fn groups_and_users_point_at_each_other() {
    let service = Service::strict().await;
    let ada = service.user(json!({})).await;
    let group = service.group(&[&ada]).await;
    let member = &group["members"][0];
    assert_eq!(member["value"], ada["id"]);
    let reference = member["$ref"].as_str().unwrap();
    let path = reference.strip_prefix(&service.tenant.url()).unwrap();
    assert_eq!(service.get(path).await["id"], ada["id"]);
    let held = service.get(&at(&ada)).await;
    assert_eq!(held["groups"][0]["value"], group["id"], "{held}");
    let leave = json!([{"op": "remove", "path": "groups"}]);
    refused(
        &service.tenant.patch(&at(&ada), leave).await,
        400,
        "mutability",
        "groups",
    );
    let nameless = json!({"schemas": group["schemas"], "members": []});
    refused(
        &service.tenant.post("/Groups", &nameless).await,
        400,
        "invalidValue",
        "no displayName",
    );
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let filter = format!(
        "members[value eq \"{}\"].value",
        ada["id"].as_str().unwrap()
    );
    let swap = json!([{"op": "replace", "path": filter, "value": "other"}]);
    refused(
        &service.tenant.patch(&path, swap).await,
        400,
        "mutability",
        "members.value",
    );
}

/// R138: an extension's URN comes and goes with its attributes.
#[tokio::test]
async fn schemas_follow_what_is_there() {
    let service = Service::strict().await;
    let made = service.user(json!({})).await;
    assert_eq!(made["schemas"], json!([USER]));
    let department = format!("{ENTERPRISE}:department");
    let patch = async |operation: Value| {
        let response = service.tenant.patch(&at(&made), json!([operation])).await;
        assert_eq!(response.status, 200, "{response}");
        response.json()
    };
    let with = patch(json!({"op": "add", "path": department, "value": "D"})).await;
    assert_eq!(with["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(with[ENTERPRISE]["department"], "D");
    let without = patch(json!({"op": "remove", "path": department})).await;
    assert_eq!(without["schemas"], json!([USER]));
    assert!(without.get(ENTERPRISE).is_none());
}
