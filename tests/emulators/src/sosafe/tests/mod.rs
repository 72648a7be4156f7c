//! The contract over real sockets: the front door, users, groups, and the traps.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod door;
mod groups;
mod users;

use super::{Client, Options, start};
use crate::kit::Emulator;
use crate::testing::{self, Reply};
use serde_json::{Value, json};
use std::time::Duration;

/// An emulator and one customer's credentials.
struct SoSafe {
    emulator: Emulator,
    key: String,
    idp_tenant: String,
}

impl SoSafe {
    fn start() -> Self {
        Self::with(Options::default())
    }

    fn of(client: Client) -> Self {
        Self::with(Options {
            clients: vec![client],
            ..Options::default()
        })
    }

    /// Calls go out as the first customer's.
    fn with(options: Options) -> Self {
        let (key, idp_tenant) = (
            options.clients[0].api_key.clone(),
            options.clients[0].idp_tenant.clone(),
        );
        Self {
            emulator: start(options).unwrap(),
            key,
            idp_tenant,
        }
    }

    /// `call("POST /users", …)`; `null` sends no body.
    fn call(&self, line: &str, body: Value) -> Reply {
        self.call_as(&self.key, &self.idp_tenant, line, body)
    }

    fn call_as(&self, key: &str, idp_tenant: &str, line: &str, body: Value) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let url = format!("{}{path}", self.emulator.base_url());
        let headers = [("x-api-key", key), ("x-idp-tenant", idp_tenant)];
        testing::send_json(method, &url, &headers, &body)
    }

    /// A call that must be answered so; gives the body, `null` when there is none.
    #[track_caller]
    fn ok(&self, line: &str, body: Value, status: u16) -> Value {
        let reply = self.call(line, body);
        assert_eq!(reply.status, status, "{line}: {reply:?}");
        reply.value()
    }

    /// A call that must be refused with this status, code and field (`""` for none); gives the error.
    #[track_caller]
    fn refused(&self, line: &str, body: Value, expect: (u16, &str, &str)) -> Value {
        let reply = self.call(line, body.clone());
        let error = reply.json()["error"].clone();
        let field = error["field"].as_str().unwrap_or_default();
        let seen = (reply.status, error["code"].as_str().unwrap(), field);
        assert_eq!(seen, expect, "{line} {body}");
        error
    }

    /// A created and activated user's id.
    #[track_caller]
    fn user(&self, name: &str) -> u64 {
        let id = self.ok("POST /users", person(name), 201)["id"]
            .as_u64()
            .unwrap();
        self.ok(&format!("POST /users/{id}/activate"), Value::Null, 200);
        id
    }

    #[track_caller]
    fn ids(&self, line: &str) -> Vec<u64> {
        let page = self.ok(line, Value::Null, 200);
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_u64().unwrap())
            .collect()
    }
}

/// What a new user must have.
fn person(name: &str) -> Value {
    let email = format!("{name}@example.com");
    json!({"login": email, "email": email, "first_name": name, "last_name": "Lovelace"})
}

/// `person` with one more field or another value.
fn person_with(name: &str, field: &str, value: Value) -> Value {
    let mut person = person(name);
    person[field] = value;
    person
}
