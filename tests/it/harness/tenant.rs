//! A tenant as its Entra uses it: Tenant URL, token, requests.

use std::net::SocketAddr;

use serde_json::Value;

use super::{Connection, Request, Response};

/// A tenant as Entra's administrator knows it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) address: SocketAddr,
    /// The path of the Tenant URL: `/t/a/scim/v2`.
    pub(crate) base: String,
    pub(crate) token: String,
    pub(crate) api_key: String,
}

impl Tenant {
    /// One that somebody else started.
    pub(crate) fn at(address: SocketAddr, base: &str, token: &str) -> Self {
        Self {
            address,
            base: base.to_owned(),
            token: token.to_owned(),
            api_key: String::new(),
        }
    }

    /// The Tenant URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.base)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(self.request("POST", path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Response {
        self.send(self.request("PUT", path).json(body)).await
    }

    /// A PATCH of these operations.
    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Response {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.send(self.request("PATCH", path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send(self.request("DELETE", path)).await
    }

    /// A request as Entra sends them: bearer token, `Accept`, no `User-Agent`.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("{}{path}", self.base))
            .header("Authorization", &format!("Bearer {}", self.token))
            .header("Accept", "application/scim+json")
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn send(&self, request: Request) -> Response {
        self.connect().await.send(&request).await
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Makes a user and gives its id.
    #[track_caller]
    pub(crate) fn make<'a>(
        &'a self,
        endpoint: &'a str,
        body: &'a Value,
    ) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let made = self.post(endpoint, body).await;
            assert_eq!(made.status, 201, "{place}: {made}");
            made.json()["id"].as_str().unwrap().to_owned()
        }
    }

    /// The ids of a group's members, sorted.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).await;
        assert_eq!(group.status, 200, "{group}");
        members_in(&group.json())
    }
}

/// The ids in a group's `members`, sorted.
pub(crate) fn members_in(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let ids = members.iter().filter_map(|member| member["value"].as_str());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.sort();
    ids
}
