//! Lists, pages and what is answered of each resource.

use serde_json::{Value, json};

use super::{ENTERPRISE, Service, at, names, refused};

/// R48 R49 R50 R51 R52 R53 R54 R56 R149
#[tokio::test]
async fn pages_are_told_as_they_are() {
    let service = Service::strict().await;
    for _ in 0..5 {
        service.user(json!({})).await;
    }
    for (query, start, returned, total) in [
        ("", 1, 5, 5),
        ("?count=0", 1, 0, 5),
        ("?count=-3", 1, 0, 5),
        ("?count=2", 1, 2, 5),
        ("?startIndex=0&count=2", 1, 2, 5),
        ("?startIndex=-7&count=2", 1, 2, 5),
        ("?startIndex=4&count=9", 4, 2, 5),
        ("?startIndex=6&count=2", 6, 0, 5),
        ("?startIndex=900", 900, 0, 5),
        ("?count=100000", 1, 5, 5),
        ("?filter=userName+eq+%22nobody%22", 1, 0, 0),
        ("?filter=userName+pr&startIndex=4&count=2", 4, 2, 5),
        ("?unknown=1&count=1", 1, 1, 5), // R47
    ] {
        let list = service.get(&format!("/Users{query}")).await;
        assert_eq!(
            list["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
        );
        let got = list["Resources"].as_array().map_or(0, Vec::len);
        let told = [
            &list["startIndex"],
            &list["itemsPerPage"],
            &list["totalResults"],
        ];
        assert_eq!(
            (told, got),
            ([&json!(start), &json!(returned), &json!(total)], returned),
            "{query}"
        );
    }
    for query in ["?count=ten", "?startIndex=x", "?count=1.5", "?startIndex="] {
        let response = service.tenant.get(&format!("/Users{query}")).await;
        refused(&response, 400, "invalidValue", query);
    }
}

/// R55: reading page by page gives everyone once, however the pages fall.
#[tokio::test]
async fn pages_put_together_are_the_list() {
    let service = Service::strict().await;
    for _ in 0..11 {
        service.user(json!({})).await;
    }
    let whole = ids(&service.get("/Users").await);
    assert_eq!(whole.len(), 11);
    for size in [1, 3, 5, 11] {
        let mut read = Vec::new();
        for start in (1..=11).step_by(size) {
            read.extend(ids(&service
                .get(&format!("/Users?startIndex={start}&count={size}"))
                .await));
        }
        assert_eq!(read, whole, "pages of {size}");
    }
}

/// R39 R40 R41 R42 R43 R44 R45 R129
#[tokio::test]
async fn attributes_choose_what_is_answered() {
    let service = Service::strict().await;
    let made = service
        .user(json!({
            "title": "t", "name": {"givenName": "A", "familyName": "L"},
            "emails": [{"type": "work", "value": "a@x"}], ENTERPRISE: {"department": "D", "division": "V"},
        }))
        .await;
    let all = [
        "emails", "id", "meta", "name", "schemas", "title", "userName", ENTERPRISE,
    ];
    let without =
        |gone: &str| -> Vec<&str> { all.into_iter().filter(|name| *name != gone).collect() };
    let department = format!("attributes={ENTERPRISE}:department");
    let urn = "attributes=urn:ietf:params:scim:schemas:core:2.0:User:title";
    for (query, want) in [
        ("attributes=title", vec!["id", "schemas", "title"]),
        (
            "attributes=TITLE,UserName",
            vec!["id", "schemas", "title", "userName"],
        ),
        ("attributes=name.givenName", vec!["id", "name", "schemas"]),
        ("attributes=emails.value", vec!["emails", "id", "schemas"]),
        (urn, vec!["id", "schemas", "title"]),
        (&department, vec!["id", "schemas", ENTERPRISE]),
        ("attributes=nickName", vec!["id", "schemas"]),
        ("attributes=meta", vec!["id", "meta", "schemas"]),
        ("excludedAttributes=title", without("title")),
        ("excludedAttributes=TITLE", without("title")),
        ("excludedAttributes=id,schemas", all.to_vec()),
        ("excludedAttributes=name.givenName", all.to_vec()),
    ] {
        let one = service.get(&format!("{}?{query}", at(&made))).await;
        let listed = service.get(&format!("/Users?{query}")).await["Resources"][0].clone();
        assert_eq!(one, listed, "{query}");
        let mut want = want;
        want.sort_unstable();
        assert_eq!(names(&one), want, "{query}");
    }
    let named = service
        .get(&format!("{}?attributes=name.givenName", at(&made)))
        .await;
    assert_eq!(named["name"], json!({"givenName": "A"}));
    let named = service.get(&format!("{}?{department}", at(&made))).await;
    assert_eq!(named[ENTERPRISE], json!({"department": "D"}));
    let named = service
        .get(&format!("{}?excludedAttributes=name.givenName", at(&made)))
        .await;
    assert_eq!(named["name"], json!({"familyName": "L"}));
}

/// R33: also where something is written.
#[tokio::test]
async fn writes_answer_what_is_asked_for() {
    let service = Service::strict().await;
    let body = super::user(json!({"title": "t", "nickName": "n"}));
    let made = service
        .tenant
        .post("/Users?attributes=title", &body)
        .await
        .json();
    assert_eq!(names(&made), ["id", "schemas", "title"]);
    let path = at(&made);
    let put = service
        .tenant
        .put(&format!("{path}?excludedAttributes=title,meta"), &body)
        .await
        .json();
    assert_eq!(names(&put), ["id", "nickName", "schemas", "userName"]);
    let change = json!([{"op": "replace", "path": "title", "value": "u"}]);
    let patched = service
        .tenant
        .patch(&format!("{path}?attributes=userName"), change)
        .await
        .json();
    assert_eq!(names(&patched), ["id", "schemas", "userName"]);
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap();
    resources
        .iter()
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}
