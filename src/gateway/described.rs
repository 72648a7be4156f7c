//! What the gateway's own parts answer on the admin port, for the document that describes it.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::status::{Status, TenantStatus};
use crate::catalog::{Outcome, Preview};
use crate::provisioning::trace::{self, Action, Fault};
use crate::server::admin::{self, shape};
use crate::tenant::audit::Deed;

/// Both APIs for programs.
pub(super) fn document() -> Value {
    admin::document(&[
        ("get_status", shape::<Status>),
        ("get_diff", shape::<Preview>),
        ("get_tenants", shape::<Vec<TenantStatus>>),
        ("get_tenants_tenant", shape::<TenantStatus>),
        ("get_tenants_tenant_events", shape::<Events>),
        ("get_events", shape::<Events>),
        ("get_events_request", shape::<Vec<Event>>),
        ("post_reload", shape::<Outcome>),
        ("post_reload_forced", shape::<Outcome>),
        ("get_audit", shape::<Vec<Deed>>),
    ])
}

/// Some events, and how to go on.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described: store::log::Page")]
struct Events {
    /// In the order asked for.
    events: Vec<Event>,
    /// The place of the newest event on the page: `after` it come the newer ones.
    first: i64,
    /// The place of the oldest event on the page, if there may be older ones: `before` it.
    last: Option<i64>,
}

/// One line of the provisioning log, with all that is known of it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described: provisioning::trace::Event")]
struct Event {
    /// When the request came (RFC 3339).
    at: String,
    /// The id in the answer and in log lines.
    request_id: String,
    /// Which operation of a bulk request, from 1; none is a request of its own.
    part: Option<u32>,
    /// Whose.
    tenant: String,
    /// The adapter's name: Entra's target system.
    vendor: String,
    /// What it was for.
    #[schemars(extend("enum" = Action::ALL))]
    action: String,
    /// What came of it.
    #[schemars(extend("enum" = trace::Status::ALL))]
    status: String,
    /// The error code in Entra's provisioning log, if the gateway can derive it.
    code: Option<String>,
    /// The HTTP status Entra got; none if it hung up.
    http_status: Option<u16>,
    /// Whose fault a failure was.
    #[schemars(extend("enum" = Fault::ALL))]
    fault: Option<String>,
    /// RFC 7644 §3.12.
    scim_type: Option<String>,
    /// The text Entra shows.
    detail: Option<String>,
    /// For operators only: where the failure arose, and its cause.
    reason: Option<String>,
    /// What somebody must do, where the adapter says so.
    remedy: Option<String>,
    /// The HTTP method.
    method: String,
    /// `/Users/{id}`.
    route: String,
    /// `user` or `group`.
    resource: Option<String>,
    /// The SCIM id: Entra's target id.
    target_id: Option<String>,
    /// `userName` or a group's `displayName`, as `log.identity` allows.
    identity: Option<String>,
    /// From the first byte to the end of the work, in microseconds.
    duration_us: u64,
    /// The work ended after the answer, which said that the request took too long.
    unheard: Option<bool>,
    /// When the answer went out, in microseconds since the request came, where the work went on
    /// after it.
    answered_us: Option<u64>,
    /// What it changes, values masked.
    modified: Option<Vec<Modified>>,
    /// Who was to join or leave the group, or which groups the user was to leave.
    members: Option<Vec<Membership>>,
    /// What happened, in order.
    steps: Option<Vec<Moment>>,
}

/// One attribute that a request changes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Modified {
    /// `emails[type eq "work"].value`.
    name: String,
    /// What the vendor held, masked; none unless it was read.
    old: Option<String>,
    /// What it is to be, masked; none unassigns it.
    new: Option<String>,
}

/// Who joins or leaves a group.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Membership {
    /// The user's SCIM id.
    member: String,
    /// Whether the user joins; else the user leaves.
    joins: bool,
}

/// A step, and when it was noted. What else it says depends on its word.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Moment {
    /// Microseconds since the request came.
    after_us: u64,
    /// What happened, in a word: `call`, `lookup`, `plan`.
    step: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::adapter::keys::TenantId;
    use crate::scim::ResourceKind;

    /// With all that an event can have.
    fn full() -> trace::Event {
        let some = |text: &str| Some(text.to_owned());
        trace::Event {
            at: Timestamp::UNIX_EPOCH,
            request_id: "r".to_owned(),
            part: 1,
            tenant: TenantId::parse("acme").unwrap(),
            vendor: "example".to_owned(),
            action: Action::Create,
            status: trace::Status::Failure,
            code: some("c"),
            http_status: Some(503),
            fault: Some(Fault::Vendor),
            scim_type: some("s"),
            detail: some("d"),
            reason: some("r"),
            remedy: some("r"),
            method: "POST".to_owned(),
            route: "/Users".to_owned(),
            resource: Some(ResourceKind::User),
            target_id: some("1"),
            identity: some("i"),
            duration_us: 1,
            unheard: true,
            answered_us: Some(1),
            modified: vec![trace::Modified {
                name: "n".to_owned(),
                old: some("o"),
                new: some("n"),
            }],
            members: vec![trace::Membership {
                member: "1".to_owned(),
                joins: true,
            }],
            steps: vec![trace::Moment {
                after_us: 1,
                step: trace::Step::Page { rows: 1 },
            }],
        }
    }

    #[test]
    fn an_event_is_described_as_it_is() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        let keys = |value: &Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let event = serde_json::to_value(full()).unwrap();
        assert_eq!(keys(&event), keys(&schemas["Event"]["properties"]));
        for (list, name) in [("modified", "Modified"), ("members", "Membership")] {
            assert_eq!(keys(&event[list][0]), keys(&schemas[name]["properties"]));
        }
        for required in schemas["Event"]["required"].as_array().unwrap() {
            assert!(event.get(required.as_str().unwrap()).is_some());
        }
    }

    #[test]
    fn what_is_described_is_asked_for() {
        let document = document();
        let operations: Vec<_> = document["paths"].as_object().unwrap().values().collect();
        let of = |id: &str| {
            let mut all = operations
                .iter()
                .flat_map(|it| it.as_object().unwrap().values());
            let found = all.find(|it| it["operationId"] == id).cloned();
            found.unwrap()["responses"]["200"]["content"]["application/json"]["schema"].clone()
        };
        assert_eq!(of("get_status")["$ref"], "#/components/schemas/Status");
        assert_eq!(of("get_diff")["$ref"], "#/components/schemas/Preview");
        let deed = &document["components"]["schemas"]["Deed"]["properties"];
        assert_eq!(deed["at"]["format"], "date-time");
        assert_eq!(deed["tenant"]["type"], json!(["string", "null"]));
        let event = &of("get_events_request")["items"]["$ref"];
        assert_eq!(event, "#/components/schemas/Event");
    }
}
