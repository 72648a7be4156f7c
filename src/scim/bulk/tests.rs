#![allow(clippy::unwrap_used)]

mod envelope;
mod hostile;
mod ordering;
mod references;
mod runs;

use serde_json::{Value, json};

use super::*;
use crate::scim::{Profile, ResourceType, Response};

const BASE: &str = "https://x/scim/v2";

fn service(profile: Profile) -> Service {
    let all = vec![ResourceType::user(), ResourceType::group()];
    Service {
        published: all.clone(),
        resource_types: all,
        profile,
        page_max: 200,
    }
}

fn bulk(operations: Value) -> Result<Bulk, ScimError> {
    let body = json!({ "schemas": [REQUEST_SCHEMA], "Operations": operations });
    Bulk::parse(body, &service(Profile::Strict))
}

/// `POST /Users a` makes user `a`; what follows is merged into its data.
fn user(bulk_id: &str, more: Value) -> Value {
    let mut data = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": bulk_id,
    });
    data.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

fn managed(bulk_id: &str, manager: &str) -> Value {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    user(
        bulk_id,
        json!({ "schemas": [core, urn], urn: { "manager": { "value": format!("bulkId:{manager}") } } }),
    )
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": bulk_id, "members": members } })
}

fn delete(path: &str) -> Value {
    json!({ "method": "DELETE", "path": path })
}

fn patch(path: &str, operations: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": {
        "schemas": [crate::scim::patch::PATCH_SCHEMA], "Operations": operations } })
}

/// A service that makes everything it is asked for; the nth resource has the id `n`.
#[derive(Default)]
struct Server {
    made: usize,
    /// What it was asked, in short.
    asked: Vec<String>,
    /// Answers 400 to a resource of this name.
    refuses: Option<&'static str>,
}

impl Server {
    fn carry_out(&mut self, request: &Request) -> Result<Response, ScimError> {
        self.asked.push(short(request));
        match request {
            Request::Create { kind, body, .. } => {
                let names = ["userName", "displayName"].map(|name| body.resource.get(name));
                let refused = |name: &&Value| name.as_str() == self.refuses;
                if self.refuses.is_some() && names.iter().flatten().any(refused) {
                    return Err(ScimError::invalid_value("refused"));
                }
                self.made += 1;
                let location = format!("{BASE}/{}/{}", kind.endpoint(), self.made);
                let body = json!({ "id": self.made.to_string() });
                Ok(Response {
                    version: Some("W/\"1\"".to_owned()),
                    ..Response::created(body, location)
                })
            }
            Request::Patch { id, .. } | Request::Delete { id, .. } if id == "absent" => {
                Err(ScimError::not_found("There is no such resource."))
            }
            _ => Ok(Response::no_content()),
        }
    }
}

/// `POST Users a`, `PATCH Groups 1 members [..]`.
fn short(request: &Request) -> String {
    match request {
        Request::Create { kind, body, .. } => {
            let mut name = ["userName", "displayName"].into_iter();
            let name = name.find_map(|name| body.resource.get(name)?.as_str());
            let members = body.resource.get("members").map(ids).unwrap_or_default();
            format!("POST {} {}{members}", kind.endpoint(), name.unwrap_or("-"))
        }
        Request::Replace { kind, id, .. } => format!("PUT {} {id}", kind.endpoint()),
        Request::Patch {
            kind, id, patch, ..
        } => {
            let operations = patch.operations.iter();
            let operations = operations.map(|operation| {
                let value = operation.value.as_ref().map(ids).unwrap_or_default();
                format!(" {}{value}", operation.path)
            });
            format!(
                "PATCH {} {id}{}",
                kind.endpoint(),
                operations.collect::<String>()
            )
        }
        Request::Delete { kind, id, .. } => format!("DELETE {} {id}", kind.endpoint()),
        other => format!("{other:?}"),
    }
}

fn ids(value: &Value) -> String {
    let list: Vec<&Value> = match value {
        Value::Array(list) => list.iter().collect(),
        single => vec![single],
    };
    let id = |item: &&Value| Some(item.get("value").unwrap_or(item).as_str()?.to_owned());
    let ids = list.iter().filter_map(id);
    format!(" [{}]", ids.collect::<Vec<_>>().join(" "))
}

/// Carries out as long as there is something, and answers.
fn carry_out(bulk: Bulk, server: &mut Server) -> Value {
    let service = service(Profile::Strict);
    let mut run = bulk.run(&service, BASE);
    while let Some(request) = run.next_request() {
        run.record(server.carry_out(&request));
    }
    let response = run.finish();
    assert_eq!(response.status, 200);
    response.body.unwrap().into_tree()
}
