#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::scim::Profile;

fn service(profile: Profile) -> Service {
    let all = vec![ResourceType::user(), ResourceType::group()];
    Service {
        published: all.clone(),
        resource_types: all,
        profile,
        page_max: 200,
    }
}

fn parse(method: &str, target: &str) -> Result<Request, ScimError> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let body = needs_body(method).then(|| match method {
        "PATCH" => json!({ "Operations": [{ "op": "remove", "path": "externalId" }] }),
        _ => json!({ "userName": "a", "displayName": "a" }),
    });
    Request::parse(method, path, query, body, &service(Profile::Entra))
}

/// The request in short, or the status with a part of the detail.
fn short(request: Result<Request, ScimError>) -> String {
    match request {
        Ok(Request::List { kind, query }) => {
            let filter = query
                .filter
                .map_or("-".to_owned(), |filter| filter.to_string());
            format!(
                "list {} {filter} {} {:?}",
                kind.snake(),
                query.start_index,
                query.count
            )
        }
        Ok(Request::Get { kind, id, .. }) => format!("get {} {id}", kind.snake()),
        Ok(Request::Create { kind, .. }) => format!("create {}", kind.snake()),
        Ok(Request::Replace { kind, id, .. }) => format!("replace {} {id}", kind.snake()),
        Ok(Request::Patch { kind, id, .. }) => format!("patch {} {id}", kind.snake()),
        Ok(Request::Search { queries }) => {
            let each = queries.iter().map(|(kind, query)| {
                let filter = query.filter.as_ref().map(ToString::to_string);
                format!("{} {}", kind.snake(), filter.unwrap_or_default())
            });
            format!("search {}", each.collect::<Vec<_>>().join(", "))
        }
        Ok(Request::Delete { kind, id, .. }) => format!("delete {} {id}", kind.snake()),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(method: &str, target: &str, want: &str) {
    let got = short(parse(method, target));
    assert!(got.contains(want), "{method} {target}: {got}");
}

#[test]
fn endpoints() {
    check("GET", "/Users", "list user - 1 None");
    check("GET", "//Users/", "list user"); // C-10
    check("GET", "", "search user , group ");
    check("GET", "//", "search user");
    check("POST", "/Users/.search", "list user - 1 None"); // R65
    check("POST", "/groups/.search", "list group");
    check("POST", "/.search", "search user , group");
    check("GET", "/Users/2819c223", "get user 2819c223");
    check("GET", "/groups/g%201", "get group g 1");
    check("POST", "/Users", "create user");
    check("PUT", "/Groups/g", "replace group g");
    check("PATCH", "/Users/1", "patch user 1");
    check("DELETE", "/Users/1", "delete user 1");
    check("GET", "/ServiceProviderConfig", "ServiceProviderConfig");
    check("GET", "/ResourceTypes", "ResourceTypes(None)");
    check(
        "GET",
        "/ResourceTypes/User",
        "ResourceTypes(Some(\"User\"))",
    );
    check(
        "GET",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        "core:2.0:User",
    );
}

#[test]
fn what_is_not_there() {
    check("GET", "/Devices", "404");
    check("GET", "/Users/1/2", "404");
    check("GET", "/ServiceProviderConfig/1", "404");
    check(
        "PATCH",
        "/Users",
        "405: PATCH is not served here; use GET, POST",
    );
    check(
        "POST",
        "/Users/1",
        "405: POST is not served here; use GET, PUT, PATCH, DELETE",
    );
    check("POST", "/Schemas", "405"); // R13
    check("HEAD", "/Users", "405");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        check(method, "/Me", "501: /Me is not offered: the bearer token"); // R118
    }
    check("GET", "/Me/1", "501");
    check("GET", "/Bulk", "405: GET is not served here; use POST");
    check("GET", "/Users/.search", "405");
    check("POST", "/.search/1", "404");
    check("POST", "", "405");
    check("GET", "/Schemas?filter=id+eq+%22x%22", "403"); // R09
    check("GET", "/Schemas?startIndex=1&count=2", "Schemas(None)"); // R10
    let service = Service {
        resource_types: vec![ResourceType::user()],
        ..service(Profile::Entra)
    };
    assert_eq!(
        Request::parse("GET", "/Groups", None, None, &service)
            .unwrap_err()
            .status,
        404
    );
    assert_eq!(
        allowed_methods("/Users/1", &service),
        Some("GET, PUT, PATCH, DELETE")
    );
    assert_eq!(allowed_methods("/Groups/1", &service), None);
}

#[test]
fn hostile_paths() {
    for id in [
        "%2f", "a%2Fb", "a%5cb", "%00", "%0a", "a%0d%0ab", "..", "%2e%2e", ".", "%ff", "%c3%28",
        "\\",
    ] {
        check("GET", &format!("/Users/{id}"), "404");
    }
    check("GET", &format!("/Users/{}", "x".repeat(256)), "get user");
    check("GET", &format!("/Users/{}", "x".repeat(257)), "404");
    check("GET", "/Users/a%252fb", "get user a%2fb"); // decoded once
    check("GET", "/Users/a%2bb+c", "get user a+b+c"); // a plus is a plus in a path
}

#[test]
fn queries() {
    check(
        "GET",
        "/Users?filter=userName+eq+%22oren_x%40example.biz%22",
        r#"list user userName eq "oren_x@example.biz" 1"#,
    ); // C-01
    check(
        "GET",
        "/Users?filter=userName%20eq%20%22a@b%22",
        r#"userName eq "a@b""#,
    ); // Q-11
    check(
        "GET",
        "/Users?filter=emails%5btype+eq+%22work%22%5d.value+eq+%22a%40b%22",
        r#"emails[type eq "work"].value eq "a@b""#,
    ); // C-04
    check(
        "GET",
        "/Users?filter=urn%3aietf%3aparams%3ascim%3aschemas%3aextension%3aenterprise%3a2.0%3aUser%3aemployeeNumber+eq+%22E100%22",
        "User:employeeNumber eq",
    ); // Q-05
    check(
        "GET",
        "/Users?aadOptscim062020&filter=title+eq+%22a%2bb%22",
        r#"title eq "a+b""#,
    );
    check(
        "GET",
        "/Users?filter=title+eq+%22100%+a%22",
        r#"title eq "100% a""#,
    ); // stray percent
    check(
        "GET",
        "/Users?filter=title+eq+%22%c3%28%22",
        "400: filter is not properly",
    );
    check("GET", "/Users?filter=", "list user - 1");
    for empty in ["filter=", "filter=+"] {
        let strict = service(Profile::Strict);
        let read = Request::parse("GET", "/Users", Some(empty), None, &strict);
        let keyword = read.unwrap_err().scim_type.map(|it| it.as_str());
        assert_eq!(keyword, Some("invalidFilter"));
    }
    check(
        "GET",
        "/Users?filter=a&filter=b",
        "400: filter stands twice",
    );
    check(
        "GET",
        "/Users?filter=bogus+eq+%22x%22",
        "400: User has no attribute",
    ); // Q-18
    check(
        "GET",
        "/Users?startIndex=6&count=5",
        "list user - 6 Some(5)",
    ); // Q-15
    check(
        "GET",
        "/Users?startIndex=0&count=-1",
        "list user - 1 Some(0)",
    ); // R50-R52
    check(
        "GET",
        "/Users?startIndex=-5&count=9999",
        "list user - 1 Some(200)",
    );
    check(
        "GET",
        "/Users?startIndex=99999999999",
        "list user - 4294967295 None",
    );
    check(
        "GET",
        "/Users?count=ten",
        "400: count must be a whole number",
    ); // R56
    check("GET", "/Users?count=", "400: count must be");
    check("GET", "/Users?unknown=%ff&x=%zz", "list user - 1"); // R47
    let strict = Request::parse(
        "GET",
        "/Users",
        Some("filter=title+eq+%22%zz%22"),
        None,
        &service(Profile::Strict),
    );
    assert_eq!(strict.unwrap_err().status, 400);
}

#[test]
fn projections_and_sorting_come_along() {
    let Ok(Request::Get { projection, .. }) = parse("GET", "/Groups/g?excludedAttributes=members")
    else {
        panic!("not a get");
    };
    assert!(!projection.wants("members")); // G-10
    let Ok(Request::List { query, .. }) =
        parse("GET", "/Users?sortBy=username&sortOrder=Descending")
    else {
        panic!("not a list");
    };
    assert_eq!(query.sort.unwrap().to_string(), "userName descending");
}

#[test]
fn bodies() {
    let service = service(Profile::Entra);
    let none = Request::parse("POST", "/Users", None, None, &service).unwrap_err();
    assert!(none.detail.contains("must be a JSON object"));
    assert!(needs_body("PATCH") && !needs_body("GET") && !needs_body("DELETE"));
    let Ok(Request::Patch { patch, .. }) = parse("PATCH", "/Users/1") else {
        panic!("not a patch")
    };
    assert_eq!(patch.operations.len(), 1);
}

/// A `.search` body and the query string that says the same.
#[track_caller]
fn check_search(body: Value, query: &str) {
    let service = service(Profile::Entra);
    let searched = Request::parse("POST", "/Users/.search", None, Some(body), &service);
    let listed = Request::parse("GET", "/Users", Some(query), None, &service);
    assert_eq!(searched, listed, "{query}");
}

#[test]
fn a_search_is_a_query_in_a_body() {
    // R65-R68
    check_search(json!({}), "");
    check_search(
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": "displayName eq \"Research and Development\" and title eq \"100% + a&b\"",
            "attributes": ["userName", "name.givenName"], "startIndex": 3, "count": 10,
            "sortBy": "name.familyName", "sortOrder": "descending",
        }),
        "filter=displayName+eq+%22Research+and+Development%22+and+title+eq+%22100%25+%2B+a%26b%22&attributes=userName,\
         name.givenName&startIndex=3&count=10&sortBy=name.familyName&sortOrder=descending",
    );
    check_search(
        json!({ "excludedAttributes": ["emails"], "cursor": "" }),
        "excludedAttributes=emails&cursor",
    ); // R150
    check_search(
        json!({ "COUNT": -1, "startindex": 0, "unknown": 7 }),
        "count=-1&startIndex=0",
    );
    check_search(
        json!({ "count": "7", "attributes": "userName,title" }),
        "count=7&attributes=userName,title",
    );
    check_search(json!({ "filter": null, "count": null }), "");
    check_search(json!({ "filter": "bogus eq 1" }), "filter=bogus+eq+1");
    check_search(json!({ "count": 1.5 }), "count=1.5"); // R56
}

#[test]
fn search_bodies_that_are_none() {
    for (body, want) in [
        (json!([]), "400: the body must be a JSON object"),
        (json!({ "filter": 7 }), "400: filter must be a string"),
        (
            json!({ "attributes": [7] }),
            "400: attributes must be a list of names",
        ),
        (json!({ "count": [7] }), "400: count must be a whole number"),
        (json!({ "count": 1, "Count": 2 }), "400: count stands twice"),
    ] {
        let service = service(Profile::Entra);
        let got = Request::parse("POST", "/.search", None, Some(body), &service);
        assert_eq!(short(got), want);
    }
    let strict = service(Profile::Strict);
    let got = Request::parse("POST", "/.search", None, Some(json!({})), &strict);
    assert!(short(got).contains("SearchRequest"));
}

#[test]
fn a_query_over_all_types_knows_the_names_of_all() {
    // R66
    check(
        "GET",
        "/?filter=members+pr+or+userName+eq+%22a%22",
        r#"search user urn:ietf:params:scim:schemas:core:2.0:Group:members pr or userName eq "a", group members pr or urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#,
    );
    check(
        "GET",
        "/?filter=displayName+pr",
        "search user displayName pr, group displayName pr",
    );
    check("GET", "/?filter=bogus+pr", "400: User has no attribute");
}

#[test]
fn conditions_stand_where_they_mean_something() {
    let under = |method: &str, target: &str| {
        let request = parse(method, target).unwrap();
        request.under(Some("nonsense"), None).is_err()
    };
    for (method, target, wanted) in [
        ("GET", "/Users/1", true),
        ("PUT", "/Users/1", true),
        ("PATCH", "/Users/1", true),
        ("DELETE", "/Users/1", true),
        ("POST", "/Users", false),
        ("POST", "/.search", false),
        ("GET", "/Users", false),
        ("GET", "/Schemas", false),
    ] {
        assert_eq!(under(method, target), wanted, "{method} {target}");
    }
}
