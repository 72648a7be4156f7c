//! What `/Schemas` and the pages say of each attribute, of users, groups and extensions, is what is
//! done: uniqueness, canonical values, mutability, what is required and what can be looked up.

use std::sync::Arc;

use serde_json::{Value, json};

use super::leaf::{GROUP, Leaf, USER, all_of, filled, leaves, types};
use super::play::{Play, Way, everywhere};
use super::served::schemas;
use super::stand::{Edit, Stand};
use super::vendors::{ALL, REFERENCE};
use scimgate::scim::Profile;

/// What may be written is read as it was; what is readOnly is as it was before; what is writeOnly
/// is not answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_written_is_read_and_nothing_else() {
    everywhere(ALL, |play| async move {
        let schemas = schemas(&play).await;
        for (endpoint, core) in types(&play) {
            let leaves = all_of(&schemas, core);
            assert!(core == GROUP || leaves.len() > 40, "{leaves:?}");
            let mut body = filled(core, &leaves);
            let read_only: Vec<_> = leaves.iter().filter(|leaf| leaf.is("readOnly")).collect();
            let said: Vec<_> = read_only.iter().map(|leaf| leaf.sample()).collect();
            for (leaf, value) in read_only.iter().zip(&said) {
                leaf.put(&mut body, value.clone());
            }
            let path = format!("{endpoint}/{}", play.make(endpoint, &body).await);
            let read = play.tenant.get(&path).await.json();
            let mut wrong = Vec::new();
            for leaf in &leaves {
                let (wrote, found) = (leaf.of(&body), leaf.of(&read));
                let fits = match leaf.mutability.as_str() {
                    "readOnly" => found.is_none() || found != wrote,
                    "writeOnly" => found.is_none(),
                    _ => found == wrote,
                };
                if !fits {
                    wrong.push(format!(
                        "{} {}: {wrote:?}, {found:?}",
                        leaf.path(),
                        leaf.mutability
                    ));
                }
            }
            assert_eq!(wrong, [""; 0], "{path}");
            for (leaf, value) in read_only.iter().zip(said) {
                let operations = json!([{"op": "replace", "path": leaf.path(), "value": value}]);
                play.patch(&path, operations).await;
                let now = play.tenant.get(&path).await.json();
                assert_eq!(leaf.of(&now), leaf.of(&read), "{}", leaf.path());
            }
        }
    })
    .await;
}

/// What is unique is refused a second time, and nothing else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unique_is_refused_twice_and_nothing_else() {
    everywhere(ALL, |play| async move {
        let schemas = schemas(&play).await;
        for (endpoint, core) in types(&play) {
            let mut leaves = all_of(&schemas, core);
            leaves.retain(|leaf| !leaf.is("readOnly"));
            let first = filled(core, &leaves);
            play.make(endpoint, &first).await;
            let (unique, other): (Vec<_>, Vec<_>) =
                leaves.iter().partition(|leaf| leaf.is_unique());
            assert!(!unique.is_empty(), "{endpoint}");
            for leaf in unique {
                let mut second = filled(core, &leaves);
                leaf.put(&mut second, leaf.of(&first).unwrap().clone());
                let what = format!("a second {}", leaf.path());
                play.post(endpoint, &second).await.is_taken(&what);
            }
            let mut second = filled(core, &leaves);
            // Nothing is said of a list of which one chosen element is unique.
            let is_address = |leaf: &&Leaf| leaf.name == "emails" && play.vendor.unique_email;
            for leaf in other.into_iter().filter(|leaf| !is_address(leaf)) {
                leaf.put(&mut second, leaf.of(&first).unwrap().clone());
            }
            play.post(endpoint, &second)
                .await
                .is(201, "alike but for what is unique");
        }
    })
    .await;
}

/// Each canonical value is taken, and read as it was said; so is any other that is not refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_canonical_value_is_taken() {
    everywhere(ALL, |play| async move {
        let schemas = schemas(&play).await;
        for (endpoint, core) in types(&play) {
            let mut leaves = all_of(&schemas, core);
            leaves.retain(|leaf| !leaf.is("readOnly"));
            for leaf in leaves.iter().filter(|leaf| !leaf.listed().is_empty()) {
                for value in leaf.listed().into_iter().chain(["unheard-of".into()]) {
                    let mut body = filled(core, &leaf.beside(&leaves));
                    leaf.put(&mut body, value.clone());
                    if let Some(elements) = body[&leaf.name].as_array_mut() {
                        elements.truncate(1);
                    }
                    let what = format!("{}: {value}", leaf.path());
                    let made = play.post(endpoint, &body).await;
                    if value == "unheard-of" && made.status == 400 {
                        made.is_invalid(&leaf.name, &what);
                        continue;
                    }
                    made.is(201, &what);
                    let path = format!("{endpoint}/{}", made.id());
                    let read = play.tenant.get(&path).await.json();
                    assert_eq!(leaf.of(&read), Some(&value), "{what}");
                }
            }
        }
    })
    .await;
}

/// Without what is required a resource is refused, and nothing else is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_required_is_refused_without() {
    everywhere(ALL, |play| async move {
        let schemas = schemas(&play).await;
        for (endpoint, core) in types(&play) {
            let leaves = all_of(&schemas, core);
            let whole = filled(core, &leaves);
            let required = leaves.iter().filter(|leaf| leaf.told["required"] == true);
            let required: Vec<_> = required.filter(|leaf| !leaf.is("readOnly")).collect();
            assert!(!required.is_empty(), "{endpoint}");
            for leaf in required {
                let mut body = whole.clone();
                leaf.take(&mut body);
                let refused = play.post(endpoint, &body).await;
                refused.is(400, &format!("without {}", leaf.path()));
                let detail = refused.detail();
                assert!(detail.contains(&leaf.name), "{}: {detail}", leaf.path());
            }
        }
    })
    .await;
}

/// Long values of what is not required stop nobody, and are read as they were said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_optional_text_is_too_long() {
    everywhere(ALL, |play| async move {
        let schemas = schemas(&play).await;
        let long = Value::from(vec!["text"; 80].join(" "));
        for (endpoint, core) in types(&play) {
            let leaves = all_of(&schemas, core);
            let are_meant = leaves.iter().filter(|leaf| {
                let is_text = leaf.told["type"] == "string" && leaf.listed().is_empty();
                // SoSafe's key must not be cut: its page says how long it may be.
                let is_key = leaf.name == "externalId";
                // An element stands where its type says, and an address is one or is refused.
                let is_address = leaf.name == "emails" || leaf.part.as_deref() == Some("type");
                let is_optional = leaf.told["required"] != true && !leaf.is("readOnly");
                is_text && is_optional && !is_key && !is_address
            });
            for leaf in are_meant {
                let mut body = filled(core, &leaf.beside(&leaves));
                leaf.put(&mut body, long.clone());
                let path = leaf.path();
                let made = play.post(endpoint, &body).await;
                made.is(201, &path);
                let read = play.tenant.get(&format!("{endpoint}/{}", made.id())).await;
                assert_eq!(leaf.of(&read.json()), leaf.of(&body), "{path}");
            }
        }
    })
    .await;
}

/// `password` is a promise to clients of the strict profile only: Entra would map it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_is_published_in_the_strict_profile_only() {
    for profile in Profile::ALL {
        let stand = Arc::new(Stand::start(&REFERENCE, profile).await);
        let way = Way::Alone;
        let schemas = schemas(&Play { stand, way }).await;
        let attributes = leaves(&schemas[USER], "");
        let password = attributes.iter().find(|leaf| leaf.name == "password");
        assert_eq!(
            password.is_some(),
            profile == Profile::Strict,
            "{profile:?}"
        );
        assert!(password.is_none_or(|it| it.is("writeOnly") && it.told["returned"] == "never"));
    }
}

/// Lists cannot be read: what is found then was looked up.
const NO_LISTS: &[Edit] = &[(
    "rhai",
    "fn list_users(page)",
    "fn list_users(page) { if page.size > 0 { throw fault(\"no lists\") } listed_users(page) }\nfn listed_users(page)",
)];
const NO_GROUPS_EITHER: &[Edit] = &[
    NO_LISTS[0],
    (
        "rhai",
        "fn list_groups(page)",
        "fn list_groups(page) { if page.size > 0 { throw fault(\"no lists\") } listed_groups(page) }\nfn listed_groups(page)",
    ),
];

/// What a page calls filterable is looked up; for anything else lists are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_filterable_is_looked_up() {
    let mut wrong = Vec::new();
    for vendor in ALL {
        let edits = match vendor.has_groups {
            true => NO_GROUPS_EITHER,
            false => NO_LISTS,
        };
        let stand = Stand::edited(vendor, Profile::Entra, edits).await;
        for (what, endpoint, core) in [("users", "/Users", USER), ("groups", "/Groups", GROUP)] {
            if endpoint == "/Groups" && !vendor.has_groups {
                continue;
            }
            let body = filled(core, &[]);
            stand.tenant.make(endpoint, &body).await;
            let rows = page_rows(vendor.name, what);
            assert!(rows.iter().any(|(_, is_filterable)| *is_filterable));
            for (path, is_filterable) in rows {
                let Some(value) = at(&body, &path) else {
                    continue;
                };
                let value = match value {
                    Value::String(text) => {
                        format!("%22{}%22", text.replace('+', "%2B").replace(' ', "+"))
                    }
                    other => other.to_string(),
                };
                let filter = path.replace(' ', "+").replace('"', "%22");
                let found = stand
                    .tenant
                    .get(&format!("{endpoint}?filter={filter}+eq+{value}"))
                    .await;
                let was_looked_up = found.status == 200 && found.json()["totalResults"] == 1;
                if was_looked_up != is_filterable {
                    wrong.push(format!("{}, {path}: {found}", vendor.name));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The rows of a page's table: the attribute, and whether it is filterable.
fn page_rows(vendor: &str, what: &str) -> Vec<(String, bool)> {
    let page = format!("{}/adapters/{vendor}.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let table = page
        .split(&format!("<!-- attributes of {what}"))
        .nth(1)
        .unwrap();
    let table = table.split("<!-- end").next().unwrap();
    let lines = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| (cells[1].to_owned(), cells[3] == "yes"))
        .collect()
}

/// What a resource has at an attribute's path.
fn at<'r>(resource: &'r Value, path: &str) -> Option<&'r Value> {
    if path.starts_with("urn:") {
        return None;
    }
    let (name, part) = path.split_once(['.', '[']).unwrap_or((path, ""));
    let value = match &resource[name] {
        Value::Array(elements) => {
            let is_meant = |element: &&Value| {
                let kind = element["type"].as_str();
                kind.is_some_and(|kind| part.contains(&format!("\"{kind}\"")))
            };
            elements.iter().find(is_meant)?
        }
        other => other,
    };
    match part.rsplit_once('.').map_or(part, |(_, part)| part) {
        "" => Some(value),
        part => value.get(part),
    }
    .filter(|value| !value.is_object() && !value.is_null())
}
