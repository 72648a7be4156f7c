//! Vendors whose scripts are shipped, as far as one user is read: what they answer, and their tenants.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::shape::Shape;

/// By which script the gateway calls the vendor.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Adapter {
    /// The bench's own, with the fields of the shape.
    Own,
    SoSafe,
    Webroot,
}

impl Adapter {
    /// The tenant's file. None of the limits may be reached.
    pub(crate) fn tenant(self, vendor: SocketAddr) -> String {
        let rest = match self {
            Self::Own => OWN,
            Self::SoSafe => SOSAFE,
            Self::Webroot => WEBROOT,
        };
        let path = if self == Self::SoSafe { "/sosafe" } else { "" };
        format!("base_url = \"http://{vendor}{path}\"\n{LIMITS}\n{rest}")
    }

    /// Writes the files of an adapter that is not in the program.
    pub(crate) fn write(self, shape: &Shape, write: impl Fn(&str, &str)) {
        if self == Self::Own {
            write("adapters/consistent.toml", &shape.manifest());
            write("scripts/consistent.rhai", &shape.script());
        }
    }
}

/// The answer to a call of a script that is shipped.
pub(crate) fn answer(path: &[&str], query: &str) -> Option<Value> {
    let named = query
        .split_once('=')
        .map(|(_, login)| login.replace("%40", "@"));
    let number = named.as_ref().map(|login| {
        let login = login.trim_start_matches("user");
        login.split('@').next().unwrap_or_default().to_owned()
    });
    Some(match (path, number) {
        (["sosafe", "users"], Some(number)) => json!({"data": [account(&number)], "total": 1}),
        (["sosafe", "users", id], _) => account(id),
        (["auth", "token"], _) => json!({"access_token": "bench", "refresh_token": "bench",
            "token_type": "bearer", "expires_in": 3600, "scope": "*"}),
        (["service", .., "targets"], Some(number)) => {
            json!({"Targets": [target(&number)], "Continuation": null})
        }
        (["service", .., "targets", id], _) => target(id),
        _ => return None,
    })
}

fn account(number: &str) -> Value {
    let address = format!("user{number}@example.com");
    json!({"id": number.parse::<u64>().unwrap(), "status": "ACTIVE", "login": address, "email": address,
        "first_name": "Ada", "last_name": "Lane", "display_name": "Ada Lane", "job_title": "Engineer",
        "content_language": "de_CH", "phone": "+41442681234", "external_ref": "0b1c2d3e",
        "department": "R&D", "address": {"text": null, "street": "Hauptstr.", "house_no": "5a",
        "city": "Bern", "state": null, "zip": "3000", "country": "Schweiz"}, "user_group": null,
        "created_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-20T09:00:00Z"})
}

fn target(number: &str) -> Value {
    let address = format!("user{number}@example.com");
    json!({"TargetId": number, "EmailAddress": address, "UserName": address, "FirstName": "Ada",
        "LastName": "Lane", "Tags": ["aad:0b1c2d3e"], "CreatedUtc": "2026-11-20T09:00:00Z",
        "RowVersion": "AAAAAAAAB9E="})
}

const LIMITS: &str =
    "limits = { per_second = 1000000, burst = 1000000, per_minute = 60000000, concurrency = 64 }";

const OWN: &str = r#"
adapter = "consistent"
credential = { key = { value = "bench" } }
"#;

const SOSAFE: &str = r#"
adapter = "sosafe"
settings = { idp_tenant = "bench" }
credential = { key = { value = "bench" } }
"#;

const WEBROOT: &str = r#"
adapter = "webroot"
settings = { gsm_key = "key", site_id = "site" }
[credential]
client_id = { value = "bench" }
client_secret = { value = "bench" }
username = { value = "bench" }
password = { value = "bench" }
"#;
