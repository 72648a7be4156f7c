//! `/Schemas`, the pages' tables and what is done say the same.

use scimgate::scim::Profile;
use serde_json::{Map, Value, json};

use super::play::{Play, everywhere, in_profiles};
use super::vendors::{ALL, GROUPED, PALOALTO, SOSAFE, WSS};
use crate::harness::{person, unique};

/// The published schemas, by URN.
pub(super) async fn schemas(play: &Play) -> Map<String, Value> {
    let list = play.tenant.get("/Schemas").await.json();
    let schemas = list["Resources"].as_array().unwrap().iter();
    schemas
        .map(|schema| (schema["id"].as_str().unwrap().to_owned(), schema.clone()))
        .collect()
}

fn named<'s>(attributes: &'s Value, name: &str) -> Option<&'s Value> {
    let mut attributes = attributes.as_array()?.iter();
    attributes.find(|attribute| attribute["name"] == name)
}

/// A user with something of everything that Entra maps by default, and more.
pub(super) fn rich() -> Value {
    let mut user = person();
    let more = json!({
        "title": "Engineer", "nickName": "Ada", "userType": "Member", "locale": "de-CH",
        "timezone": "Europe/Zurich", "preferredLanguage": "de-CH",
        "profileUrl": "https://people.example/ada",
        "phoneNumbers": [
            {"type": "work", "value": "+41442681234"}, {"type": "mobile", "value": "+41791234567"}],
        "addresses": [{"type": "work", "formatted": "1 Mill Road, Bern", "streetAddress": "Mill Road 1",
            "locality": "Bern", "region": "BE", "postalCode": "3000", "country": "CH"}],
        "roles": [{"value": "admin", "type": "WindowsAzureActiveDirectoryRole"}],
        "entitlements": [{"value": "library"}],
    });
    user.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    user["userName"] = format!("{}@example.com", unique("rich")).into();
    user["emails"] = json!([{"type": "work", "value": user["userName"], "primary": true}]);
    user
}

/// What of a resource no schema lists.
fn unlisted(resource: &Value, attributes: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in resource.as_object().into_iter().flatten() {
        let Some(attribute) = named(attributes, name) else {
            found.push(format!("{place}{name}"));
            continue;
        };
        let parts = &attribute["subAttributes"];
        let values = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values.iter().filter(|value| value.is_object()) {
            found.extend(unlisted(value, parts, &format!("{place}{name}.")));
        }
    }
    found
}

/// R123: nothing is answered that `/Schemas` does not list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_answered_is_listed() {
    everywhere(ALL, |play| async move {
        let schemas = schemas(&play).await;
        let made = play.post("/Users", &rich()).await;
        made.is(201, "POST");
        let mut read = play
            .tenant
            .get(&format!("/Users/{}", made.id()))
            .await
            .json();
        let user = read.as_object_mut().unwrap();
        assert_eq!(user["title"], "Engineer");
        for common in ["schemas", "id", "meta"] {
            user.shift_remove(common);
        }
        let urns: Vec<_> = user
            .keys()
            .filter(|key| key.starts_with("urn:"))
            .cloned()
            .collect();
        for urn in urns {
            let extension = user.shift_remove(&urn).unwrap();
            assert_eq!(
                unlisted(&extension, &schemas[&urn]["attributes"], &urn),
                [""; 0]
            );
        }
        let core = &schemas["urn:ietf:params:scim:schemas:core:2.0:User"]["attributes"];
        assert_eq!(unlisted(&read, core, ""), [""; 0]);
    })
    .await;
}

/// What of a user's core attributes `/Schemas` calls required: names, and names of parts.
fn demanded(schemas: &Map<String, Value>) -> Vec<(String, Option<String>)> {
    let core = &schemas["urn:ietf:params:scim:schemas:core:2.0:User"]["attributes"];
    let is_required = |attribute: &&Value| attribute["required"] == true;
    let name = |attribute: &Value| attribute["name"].as_str().unwrap().to_owned();
    let mut found = Vec::new();
    for attribute in core.as_array().unwrap().iter().filter(is_required) {
        let parts = attribute["subAttributes"].as_array();
        let parts: Vec<_> = parts.into_iter().flatten().filter(is_required).collect();
        match parts.is_empty() {
            true => found.push((name(attribute), None)),
            false => found.extend(parts.iter().map(|part| (name(attribute), Some(name(part))))),
        }
    }
    found
}

/// A user with what is required and nothing else.
fn least(demanded: &[(String, Option<String>)]) -> Value {
    let whole = rich();
    // What may be made of others is made of these two.
    let mut user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": whole["userName"], "displayName": whole["displayName"]});
    for (name, part) in demanded {
        match part {
            Some(part) if whole[name].is_object() => user[name][part] = whole[name][part].clone(),
            _ => user[name] = whole[name].clone(),
        }
    }
    user
}

/// What is required is refused without, and nothing else is needed; who is not said to be inactive
/// is found as active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_required_is_what_is_refused_without() {
    everywhere(ALL, |play| async move {
        let demanded = demanded(&schemas(&play).await);
        let made = play.post("/Users", &least(&demanded)).await;
        made.is(201, "with what is required");
        let read = play
            .tenant
            .get(&format!("/Users/{}", made.id()))
            .await
            .json();
        // The reference keeps what it is given and nothing else.
        if play.vendor.name != "reference" {
            assert_eq!(read["active"], true);
            let name = read["userName"].as_str().unwrap().replace('@', "%40");
            let filter = format!("userName+eq+%22{name}%22+and+active+eq+true");
            let found = play.tenant.get(&format!("/Users?filter={filter}")).await;
            assert_eq!(found.json()["totalResults"], 1, "{filter}");
        }
        for (name, part) in &demanded {
            let mut user = least(&demanded);
            match part {
                Some(part) if user[name].is_object() => {
                    user[name].as_object_mut().unwrap().shift_remove(part)
                }
                _ => user.as_object_mut().unwrap().shift_remove(name),
            };
            let refused = play.post("/Users", &user).await;
            refused.is(400, &format!("without {name} {part:?}"));
            assert!(
                refused.detail().contains(name.as_str()),
                "{}",
                refused.detail()
            );
        }
    })
    .await;
}

/// The table of a vendor's page, which `scimgate adapter show` makes, against `/Schemas`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_calls_required_what_the_schema_does() {
    in_profiles(ALL, &[Profile::Entra], |play| async move {
        let schemas = schemas(&play).await;
        let page = format!(
            "{}/adapters/{}.md",
            env!("CARGO_MANIFEST_DIR"),
            play.vendor.name
        );
        let page = std::fs::read_to_string(page).unwrap();
        let table = page.split("<!-- attributes of users").nth(1).unwrap();
        let table = table.split("<!-- end").next().unwrap();
        let mut rows = 0;
        for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let [_, path, _, _, required, ..] = cells[..] else {
                panic!("{row}");
            };
            if path.contains("*name*") {
                continue;
            }
            let (urn, path) = match path.rsplit_once(':') {
                Some((urn, path)) => (urn, path),
                None => ("urn:ietf:params:scim:schemas:core:2.0:User", path),
            };
            let (name, part) = path.split_once(['.', '[']).unwrap_or((path, ""));
            let part = part.rsplit('.').next().unwrap_or_default();
            let attribute = named(&schemas[urn]["attributes"], name);
            let attribute = attribute.unwrap_or_else(|| panic!("{path} is not in /Schemas"));
            let told = named(&attribute["subAttributes"], part).unwrap_or(attribute);
            assert_eq!(told["required"] == true, required == "yes", "{path}");
            let description = told["description"].as_str().unwrap();
            let made = description.ends_with("unless it can be made of other attributes.");
            assert_eq!(
                made,
                required == "unless derived from others",
                "{path}: {description}"
            );
            rows += 1;
        }
        assert!(rows > 4, "{rows}");
    })
    .await;
}

/// What Entra says of `primary` is read as it was said, whoever keeps it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn primary_is_read_as_it_was_said() {
    everywhere(ALL, |play| async move {
        let path = format!("/Users/{}", play.make("/Users", &rich()).await);
        for (list, said) in [
            ("phoneNumbers", true),
            ("emails", false),
            ("phoneNumbers", false),
            ("emails", true),
        ] {
            let place = format!("{list}[type eq \"work\"].primary");
            let operations = json!([{"op": "add", "path": place, "value": said}]);
            play.patch(&path, operations).await.is(200, "PATCH");
            let read = play.tenant.get(&path).await.json();
            let elements = read[list].as_array().unwrap().iter();
            let mut work = elements.filter(|element| element["type"] == "work");
            let read = work
                .next()
                .unwrap()
                .get("primary")
                .is_some_and(|it| it == true);
            assert_eq!(read, said, "{place}");
        }
    })
    .await;
}

/// A list or an object in the text of an address or a number is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_in_a_text_is_no_address_and_no_number() {
    in_profiles(ALL, &[Profile::Entra, Profile::Okta], |play| async move {
        let path = format!("/Users/{}", play.make("/Users", &rich()).await);
        for list in ["emails", "phoneNumbers"] {
            let place = format!("{list}[type eq \"work\"].value");
            let value = r#"{"value": "ada@example.com"}"#;
            let operations = json!([{"op": "replace", "path": place, "value": value}]);
            play.patch(&path, operations)
                .await
                .is_invalid(list, "PATCH");
            for value in [
                json!(r#"[{"value": "ada@example.com"}]"#),
                json!([value]),
                json!([{"value": value}]),
            ] {
                let mut user = rich();
                user[list] = value;
                play.post("/Users", &user).await.is_invalid(list, "POST");
            }
        }
    })
    .await;
}

/// A control character where a vendor's address or path is made of the name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_cannot_stand_where_it_must_is_refused() {
    in_profiles(&[&PALOALTO], &Profile::ALL, |play| async move {
        for letter in ["\t", "\r", "\n", "\u{85}"] {
            let mut user = rich();
            user["userName"] = format!("a{letter}da@example.com").into();
            let before = play.users();
            play.post("/Users", &user)
                .await
                .is_invalid("userName", letter);
            assert_eq!(play.users(), before);
        }
    })
    .await;
}

/// Values that no vendor has a form for stop nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn optional_values_without_a_native_form_are_remembered() {
    in_profiles(
        &[&SOSAFE, &PALOALTO, &WSS],
        &Profile::ALL,
        |play| async move {
            let mut user = rich();
            user["locale"] = "zh-Hans-CN".into();
            user["timezone"] = "Mars/Olympus".into();
            user["addresses"][0]["country"] = "Atlantis".into();
            let path = format!("/Users/{}", play.make("/Users", &user).await);
            let read = play.tenant.get(&path).await.json();
            for place in ["/locale", "/timezone", "/addresses/0/country"] {
                assert_eq!(read.pointer(place), user.pointer(place), "{place}");
            }
        },
    )
    .await;
}

/// A path by RFC 7644 §3.10 has one sub-attribute at the most, and no empty name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_path_is_refused_in_every_profile() {
    everywhere(ALL, |play| async move {
        let path = format!("/Users/{}", play.make("/Users", &rich()).await);
        for wrong in [
            ".title",
            "title.",
            "name..givenName",
            "emails/value",
            "name.givenName.x",
        ] {
            let operations = json!([{"op": "replace", "path": wrong, "value": "x"}]);
            play.patch(&path, operations).await.is(400, wrong);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_twice_was_not_there_the_second_time() {
    everywhere(GROUPED, |play| async move {
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": unique("gone")});
        for (endpoint, body) in [("/Users", rich()), ("/Groups", group)] {
            let path = format!("{endpoint}/{}", play.make(endpoint, &body).await);
            play.remove(&path).await;
            let again = play.tenant.delete(&path).await;
            assert_eq!(again.status, 404, "{path}: {again}");
        }
    })
    .await;
}
