//! Lists: sorted, page by page, by cursor, by `.search`, and over all resource types.

use serde_json::{Value, json};

use crate::harness::{Options, Response, Tenant, TestGateway, group, person};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Users whose titles are these, in this order; "" has none.
async fn people(tenant: &Tenant, titles: &[&str]) {
    for title in titles {
        let mut person = person();
        person["title"] = json!(title);
        tenant.make("/Users", &person).await;
    }
}

/// What an answer lists, by one attribute; what has none is `-`.
fn listed(answer: &Response, attribute: &str) -> String {
    assert_eq!(answer.status, 200, "{answer}");
    let body = answer.json();
    let resources = body["Resources"].as_array().unwrap();
    assert_eq!(body["itemsPerPage"], resources.len(), "{answer}"); // R53
    let values = resources
        .iter()
        .map(|resource| resource[attribute].as_str().unwrap_or("-"));
    values.collect::<Vec<_>>().join(" ")
}

fn refusal(answer: &Response) -> (u16, Value) {
    (answer.status, answer.json()["scimType"].clone())
}

#[tokio::test]
async fn a_list_is_sorted_before_it_is_cut_into_pages() {
    let gateway = TestGateway::start().await;
    people(&gateway.a, &["beta", "", "Alpha", "gamma"]).await;
    for (query, want) in [
        ("sortBy=title", "Alpha beta gamma -"), // R58, R61
        ("sortBy=TITLE&sortOrder=descending", "- gamma beta Alpha"), // R59, R62
        ("sortBy=title&startIndex=2&count=2", "beta gamma"),
        ("sortBy=title&filter=title+pr", "Alpha beta gamma"),
        ("sortBy=title&filter=title+co+%22A%22&startIndex=3", "gamma"),
        ("sortBy=title&startIndex=9", ""), // R54
        ("sortBy=bogus", "beta - Alpha gamma"),
        ("sortOrder=descending", "beta - Alpha gamma"), // R55: as they came
    ] {
        let answer = gateway.a.get(&format!("/Users?{query}")).await;
        assert_eq!(listed(&answer, "title"), want, "{query}");
    }
}

#[tokio::test]
async fn pages_by_index() {
    let gateway = TestGateway::start().await;
    people(&gateway.a, &["a", "b", "c"]).await;
    for (query, start, want) in [
        ("", 1, "a b c"),
        ("startIndex=1&count=2", 1, "a b"),
        ("startIndex=2&count=2", 2, "b c"),
        ("startIndex=3&count=2", 3, "c"),
        ("startIndex=4", 4, ""),          // R54
        ("startIndex=0&count=1", 1, "a"), // R52
        ("startIndex=-7&count=1", 1, "a"),
        ("count=0", 1, ""),  // R50
        ("count=-1", 1, ""), // R51
        ("filter=title+pr&count=1&startIndex=2", 2, "b"),
    ] {
        let answer = gateway.a.get(&format!("/Users?{query}")).await;
        assert_eq!(listed(&answer, "title"), want, "{query}");
        let body = answer.json();
        assert_eq!(
            (&body["totalResults"], &body["startIndex"]),
            (&json!(3), &json!(start))
        );
        assert_eq!(body.get("nextCursor"), None); // R153: nobody asked for one
    }
    let wrong = gateway.a.get("/Users?count=many").await;
    assert_eq!(refusal(&wrong), (400, json!("invalidValue"))); // R56
}

#[tokio::test]
async fn a_cursor_leads_through_the_whole_list() {
    // R119, R120
    let gateway = TestGateway::start().await;
    people(&gateway.a, &["a", "b", "c", "d", "e"]).await;
    for (query, pages) in [
        ("count=2", "a b|c d|e"),
        ("count=5", "a b c d e"),
        ("count=2&filter=title+ne+%22c%22", "a b|d e"),
        ("count=4&sortBy=title&sortOrder=descending", "e d c b|a"),
    ] {
        let mut next = Some(String::new());
        let mut seen = Vec::new();
        while let Some(cursor) = next {
            let answer = gateway
                .a
                .get(&format!("/Users?{query}&cursor={cursor}"))
                .await;
            seen.push(listed(&answer, "title"));
            let body = answer.json();
            assert_eq!(body.get("startIndex"), None);
            assert_eq!(body.get("previousCursor"), None);
            next = body["nextCursor"].as_str().map(str::to_owned);
            assert!(
                next.iter()
                    .all(|next| next.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            );
        }
        assert_eq!(seen.join("|"), pages, "{query}");
    }
}

#[tokio::test]
async fn a_cursor_is_for_its_own_list() {
    // R121, R152, R195
    let gateway = TestGateway::start().await;
    people(&gateway.a, &["a", "b", "c"]).await;
    people(&gateway.b, &["x", "y", "z"]).await;
    let first = gateway.a.get("/Users?cursor&count=1").await.json();
    let cursor = first["nextCursor"].as_str().unwrap();
    let next = gateway.a.get(&format!("/Users?cursor={cursor}")).await;
    assert_eq!(listed(&next, "title"), "b"); // the count of the first page stays
    for (path, want) in [
        (
            format!("/Users?cursor={cursor}&count=1&attributes=title"),
            None,
        ),
        (
            format!("/Users?cursor={cursor}&count=2"),
            Some("invalidCount"),
        ),
        (format!("/Groups?cursor={cursor}"), Some("invalidCursor")),
        (
            format!("/Users?cursor={cursor}&filter=title+pr"),
            Some("invalidCursor"),
        ),
        (
            format!("/Users?cursor={cursor}&sortBy=title"),
            Some("invalidCursor"),
        ),
        (format!("/Users?cursor={cursor}0"), Some("invalidCursor")),
        (format!("/?cursor={cursor}"), Some("invalidCursor")),
        ("/Users?cursor=00".to_owned(), Some("invalidCursor")),
    ] {
        let answer = gateway.a.get(&path).await;
        match want {
            None => assert_eq!(listed(&answer, "title"), "b"),
            Some(want) => assert_eq!(refusal(&answer), (400, json!(want)), "{path}"),
        }
    }
    let foreign = gateway.b.get(&format!("/Users?cursor={cursor}")).await;
    assert_eq!(refusal(&foreign), (400, json!("invalidCursor")));
}

#[tokio::test]
async fn a_search_answers_as_the_query_does() {
    // R65-R68, R150, R170
    let gateway = TestGateway::start().await;
    people(&gateway.a, &["Research and Development", "b", "c"]).await;
    for (body, query) in [
        (json!({}), ""),
        (
            json!({ "filter": "title eq \"Research and Development\"" }),
            "filter=title+eq+%22Research+and+Development%22",
        ),
        (
            json!({ "attributes": ["title"], "sortBy": "title", "sortOrder": "descending", "count": 2 }),
            "attributes=title&sortBy=title&sortOrder=descending&count=2",
        ),
        (
            json!({ "excludedAttributes": ["title", "name"], "startIndex": 2 }),
            "excludedAttributes=title,name&startIndex=2",
        ),
    ] {
        let mut search = body;
        search["schemas"] = json!([SEARCH]);
        let searched = gateway.a.post("/Users/.search", &search).await;
        let queried = gateway.a.get(&format!("/Users?{query}")).await;
        assert_eq!(
            (searched.status, searched.json()),
            (200, queried.json()),
            "{query}"
        );
    }
    let first = json!({ "schemas": [SEARCH], "cursor": "", "count": 2 });
    let first = gateway.a.post("/Users/.search", &first).await.json();
    let second = json!({ "schemas": [SEARCH], "cursor": first["nextCursor"], "count": 2 });
    let second = gateway.a.post("/Users/.search", &second).await;
    assert_eq!(listed(&second, "title"), "c");
}

#[tokio::test]
async fn a_query_over_everything() {
    // R66
    let gateway = TestGateway::start().await;
    let mut ada = person();
    ada["title"] = json!("Team");
    ada["displayName"] = json!("Alpha");
    let user = gateway.a.make("/Users", &ada).await;
    people(&gateway.a, &["Other"]).await;
    let mut team = group(&[user.as_str()]);
    team["displayName"] = json!("Zulu");
    let team = gateway.a.make("/Groups", &team).await;
    let (user, team) = (user.as_str(), team.as_str());
    for (filter, want) in [
        (
            "title eq \"Team\" or displayName eq \"zulu\"",
            vec![user, team],
        ),
        ("title eq \"Team\"", vec![user]),
        ("members pr", vec![team]),
        ("not (members pr) and title ne \"Other\"", vec![user]),
        (&format!("members eq \"{user}\""), vec![team]),
        ("meta.resourceType eq \"Group\"", vec![team]),
        (&format!("id eq \"{team}\""), vec![team]),
        ("displayName eq \"nobody\"", vec![]),
    ] {
        let search = json!({ "schemas": [SEARCH], "filter": filter });
        let answer = gateway.a.post("/.search", &search).await;
        assert_eq!(listed(&answer, "id"), want.join(" "), "{filter}");
        let filter =
            percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        let queried = gateway.a.get(&format!("/?filter={filter}")).await;
        assert_eq!(queried.json(), answer.json());
    }
    for (query, want) in [
        ("count=1&startIndex=2", 1),
        ("count=2&startIndex=2", 2),
        ("count=2&startIndex=3", 1),
        ("count=0", 0),
        ("", 3),
    ] {
        let answer = gateway.a.get(&format!("/?{query}")).await.json();
        assert_eq!(
            (&answer["totalResults"], &answer["itemsPerPage"]),
            (&json!(3), &json!(want)),
            "{query}"
        );
    }
    let sorted = gateway
        .a
        .get("/?sortBy=displayName&sortOrder=descending&count=1")
        .await;
    assert_eq!(listed(&sorted, "displayName"), "Zulu");
    let unknown = gateway.a.get("/?filter=bogus+pr").await;
    assert_eq!(refusal(&unknown), (400, json!("invalidFilter")));
}

/// The vendor is not asked for what cannot match.
#[tokio::test]
async fn a_query_that_is_for_groups_only_reads_no_users() {
    let gateway = TestGateway::start().await;
    people(&gateway.a, &["a"]).await;
    let before = gateway.vendor.journal().len();
    let answer = gateway
        .a
        .get("/?filter=meta.resourceType+eq+%22Group%22+and+members+pr")
        .await;
    assert_eq!(listed(&answer, "id"), "");
    let asked = gateway.vendor.journal().split_off(before);
    assert!(
        asked.iter().all(|asked| !asked.path.contains("/users")),
        "{asked:?}"
    );
}

/// A vendor of 50 pages, each of 250 users with four kilobytes of text: what matches is some 75 MiB.
#[tokio::test]
async fn more_than_the_gateway_may_hold_at_once_is_refused() {
    let script = |text: String| {
        let many = "fn list_users(page) {
            let long = \"x\";
            while long.len < 4096 { long += long; }
            let rows = [];
            for n in 0..250 {
                let name = `u${page.page}-${n}@example.com`;
                rows.push(#{ id: page.page * 1000 + n, status: \"ACTIVE\", login: name, email: name,
                             first_name: \"A\", last_name: \"B\", nickname: long });
            }
            return #{ rows: rows, total: 12500 };";
        text.replace("fn list_users(page) {", many)
    };
    let options = Options {
        script,
        ..Options::default()
    };
    let gateway = TestGateway::start_with(options).await;
    let answer = gateway.a.get("/Users?sortBy=title&count=1").await;
    assert_eq!(refusal(&answer), (400, json!("tooMany")));
    assert!(answer.to_string().contains("leave sortBy out"), "{answer}");
    // What does not match is not held.
    let answer = gateway.a.get("/Users?filter=title+eq+%22x%22").await;
    assert_eq!(answer.json()["totalResults"], 0, "{answer}");
}
