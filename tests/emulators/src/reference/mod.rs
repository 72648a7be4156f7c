//! A plain JSON REST backend that keeps whatever it is given: the vendor behind the reference
//! adapter, for protocol suites that must meet a tenant that refuses nothing.
//!
//! | call | what |
//! |---|---|
//! | `GET /people?offset=0&limit=100` | `{"items": […], "total": 3}`; `userName` and `externalId` choose |
//! | `POST /people`, `GET`, `PATCH`, `DELETE /people/{id}` | a person; PATCH is a JSON merge patch (RFC 7396) |
//! | `GET /teams…`, `POST`, `PATCH`, `DELETE` | the same for teams; `name` and `externalId` choose |
//! | `GET /teams/{id}/members` | `{"items": ["p1001", …]}` |
//! | `POST /teams/{id}/members` | `{"add": […], "remove": […]}`; what is so already stays |
//!
//! `X-Key` opens it. A person's `userName` and a team's `name` are there and unique without
//! regard to case. `id`, `created`, `updated`, a person's `teams` and its manager's
//! `displayName` are the backend's own; every other field is kept as it comes, and shown but for `password`. A refusal is
//! `{"code": "taken", "field": "userName"}`.

mod directory;
mod refusal;
mod row;
mod service;
#[cfg(test)]
mod tests;

use super::kit::{Emulator, Options};
use std::time::Duration;

/// The key of a backend nobody gave one.
pub const KEY: &str = "reference-key";

/// Starts one on two free loopback ports; `latency` is what every call takes. Fails when there
/// are no ports to be had.
pub fn start(latency: Duration) -> std::io::Result<Emulator> {
    let options = Options::<(), ()>::with_latency(latency);
    Emulator::start(options, |_| service::Service::new())
}
