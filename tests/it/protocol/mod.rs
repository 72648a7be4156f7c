//! The requirements of `tests/data/checklist.md` that show on the wire, against the reference
//! adapter: its vendor keeps everything, so what is refused here is refused by the protocol.

mod discovery;
mod lists;
mod resources;
mod rules;

use std::time::Duration;

use scimgate::demo::stand::Stand;
use scimgate::demo::vendors;
use scimgate::scim::Profile;
use serde_json::{Value, json};

use crate::harness::{Request, Response, Tenant, unique};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A gateway of one tenant, whose vendor refuses nothing.
struct Service {
    tenant: Tenant,
    _stand: Stand,
}

impl Service {
    async fn start(profile: Profile) -> Self {
        let vendor = vendors::named("reference").unwrap();
        let stand = Stand::start(vendor, profile, Duration::ZERO).await.unwrap();
        let rest = stand.tenant_url.strip_prefix("http://").unwrap();
        let (address, base) = rest.split_once('/').unwrap();
        let tenant = Tenant::at(address.parse().unwrap(), &format!("/{base}"), &stand.token);
        Self {
            tenant,
            _stand: stand,
        }
    }

    async fn strict() -> Self {
        Self::start(Profile::Strict).await
    }

    /// Sends `GET /Users`, with or without a body.
    async fn ask(&self, line: &str, body: Option<&Value>) -> Response {
        self.tenant.send(self.request(line, body)).await
    }

    fn request(&self, line: &str, body: Option<&Value>) -> Request {
        let (method, path) = line.split_once(' ').unwrap();
        let request = self.tenant.request(method, path);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.tenant.get(path).await;
        assert_eq!(response.status, 200, "GET {path}: {response}");
        response.json()
    }

    /// Makes a user with these members beside a name, and gives it back.
    async fn user(&self, more: Value) -> Value {
        let made = self.tenant.post("/Users", &user(more)).await;
        assert_eq!(made.status, 201, "{made}");
        made.json()
    }

    /// Makes a group and gives it back.
    async fn group(&self, members: &[&Value]) -> Value {
        let members: Vec<Value> = members
            .iter()
            .map(|user| json!({"value": user["id"]}))
            .collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": unique("Group "),
            "members": members,
        });
        let made = self.tenant.post("/Groups", &body).await;
        assert_eq!(made.status, 201, "{made}");
        made.json()
    }
}

/// A user's body: a name that nobody has, and more.
fn user(more: Value) -> Value {
    let mut user = json!({"schemas": [USER], "userName": unique("user-")});
    let all = user.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    if all.contains_key(ENTERPRISE) {
        all.insert("schemas".to_owned(), json!([USER, ENTERPRISE]));
    }
    user
}

/// `/Users/{id}`
fn at(user: &Value) -> String {
    format!("/Users/{}", user["id"].as_str().unwrap())
}

/// An error body in full (R37): schema, status as a text, a detail, the keyword or none.
#[track_caller]
fn refused(response: &Response, status: u16, keyword: &str, what: &str) {
    assert_eq!(response.status, status, "{what}: {response}");
    let kind = response.header("content-type");
    assert!(
        kind.starts_with("application/scim+json"),
        "{what}: {response}"
    );
    let body = response.json();
    assert_eq!(body["schemas"], json!([ERROR]), "{what}");
    assert_eq!(body["status"], json!(status.to_string()), "{what}");
    assert!(
        body["detail"]
            .as_str()
            .is_some_and(|detail| detail.len() > 5),
        "{what}: {response}"
    );
    let got = body["scimType"].as_str().unwrap_or_default();
    assert_eq!(got, keyword, "{what}: {response}");
}

/// The names of an object's members, sorted.
fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}
