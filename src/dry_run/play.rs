//! Requests one after the other, by the whole gateway but for its sockets.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::report::{Answered, Asked, DryRun, Exchange};
use super::secrets;
use super::understood::{steps, understood};
use super::vendor::Vendor;
use super::{Means, Subject};
use crate::adapter::keys::{ObjectKey, ScimId};
use crate::adapter::manifest::CredentialKind;
use crate::provisioning::batch::Batches;
use crate::provisioning::trace::{self, Story};
use crate::scim::ResourceKind;
use crate::script::call::Backend;
use crate::script::once::LookUps;
use crate::script::printed;
use crate::transcript::{
    Ask, Body, Mode, Player as Gateway, Requests, Tried, Variables, differences, fill, fill_value,
};

/// A gateway of one tenant whose vendor carries nothing out.
pub(super) struct Player {
    gateway: Gateway,
    is_real: bool,
    vendor: Rc<Vendor>,
}

impl Player {
    pub(super) fn new(subject: &Subject, means: Means) -> Self {
        let adapter = Arc::clone(&subject.adapter);
        Self {
            is_real: subject.is_real,
            vendor: Rc::new(Vendor::new(adapter, means.corpus, means.reads)),
            gateway: Gateway {
                tenant: subject.tenant.clone(),
                adapter: Arc::clone(&subject.adapter),
                service: Arc::clone(&subject.service),
                settings: Arc::clone(&subject.settings),
                group_priority: Arc::clone(&subject.group_priority),
                memory: means.memory,
                locks: Arc::default(),
                batches: Arc::new(Batches::new(&subject.adapter.manifest, None)),
                recent: Arc::default(),
                intents: Arc::default(),
                known: Arc::default(),
                look_ups: LookUps::default().of(subject.tenant.as_str()),
                ids: Arc::default(),
            },
        }
    }

    /// Until `ends`; the request that is being carried out then is left out.
    pub(super) async fn play(&self, requests: &Requests, ends: Option<Instant>) -> DryRun {
        let mut result = DryRun {
            tenant: self.is_real.then(|| self.gateway.tenant.to_string()),
            adapter: self.gateway.adapter.name.clone(),
            headers: headers(&self.gateway),
            exchanges: Vec::new(),
            calls: 0,
            writes: 0,
            reads_sent: 0,
            not_reached: requests.tried.len(),
            stopped: None,
        };
        let mut variables = Variables::new();
        for tried in &requests.tried {
            let ordinal = result.exchanges.len() + 1;
            let exchange = self.exchange(tried, ordinal, &mut variables);
            let exchange = match ends {
                Some(ends) => timeout_at(ends, exchange).await.ok(),
                None => Some(exchange.await),
            };
            let Some((exchange, stopped)) = exchange else {
                result.stopped = Some(
                    "The time of a dry run is over. Try fewer requests at once, or use `scimgate dry-run`."
                        .to_owned(),
                );
                break;
            };
            result.not_reached -= 1;
            result.calls += exchange.calls.len();
            result.writes += exchange.calls.iter().filter(|call| !call.reads).count();
            result.reads_sent += exchange.calls.iter().filter(|call| call.sent).count();
            name_id(&mut variables, ordinal, &exchange);
            result.exchanges.push(exchange);
            result.stopped = stopped;
            if result.stopped.is_some() {
                break;
            }
        }
        result
    }

    async fn exchange(
        &self,
        tried: &Tried,
        ordinal: usize,
        variables: &mut Variables,
    ) -> (Exchange, Option<String>) {
        let asks = filled(&tried.asks, variables);
        for (kind, id) in named(&asks) {
            self.tell_existing(kind, &id).await;
        }
        let story = self.story(ordinal);
        let answers = tried.answers.clone();
        self.vendor.begin(answers, variables, Rc::clone(&story));
        let backend: Rc<dyn Backend> = self.vendor.clone();
        let asked = self
            .gateway
            .ask(&tried.asks, variables, backend, Rc::clone(&story));
        let got = asked.await;
        let (mut calls, stopped) = self.vendor.end();
        let steps = steps(&story, &mut calls);
        if asks.method == "DELETE" && got.status < 300 {
            self.vendor.removed();
        }
        if let (Some(gets), Some(body)) = (&tried.gets, &got.body)
            && let Body::Json(names) = &gets.body
        {
            // Only for the names: what a value was elsewhere is not expected here.
            let _unlike = differences(
                &fill_value(names, variables),
                body,
                Mode::AtLeast,
                variables,
            );
        }
        let mut exchange = Exchange {
            understood: understood(&asks, &self.gateway.service),
            steps,
            calls,
            cause: stopped.is_none().then(|| got.cause.clone()).flatten(),
            printed: printed::take(),
            gets: stopped.is_none().then_some(Answered {
                status: got.status,
                body: got.body,
            }),
            asks,
        };
        secrets::blot(&mut exchange, &self.gateway.adapter);
        (exchange, stopped)
    }

    /// A story that nobody but the dry run hears. Each request has an id of its own: a create that
    /// is made again in one request is a mistake, and in the next one a repetition.
    fn story(&self, ordinal: usize) -> Rc<Story> {
        let asked = trace::Asked {
            request_id: format!("dry-run-{ordinal}").into(),
            part: 0,
            tenant: self.gateway.tenant.clone(),
            vendor: self.gateway.adapter.name.as_str().into(),
            method: "-",
            route: "-",
        };
        Story::begin(asked, Rc::default())
    }

    /// What Entra names by its id is there, under the id the vendor knows.
    async fn tell_existing(&self, kind: ResourceKind, id: &str) {
        let key = ObjectKey {
            tenant: self.gateway.tenant.clone(),
            kind,
            id: ScimId::new(id),
        };
        match self.gateway.memory.native_id(&key).await {
            Ok(Some(native)) => self.vendor.exists(kind, native.as_str()),
            _ => self.vendor.exists(kind, id),
        }
    }
}

/// What every call carries: the vendor's headers, and the credential without its secret.
fn headers(gateway: &Gateway) -> Vec<String> {
    let manifest = &gateway.adapter.manifest;
    let credential = match &manifest.credential {
        CredentialKind::Basic => Some("Authorization: Basic ***".to_owned()),
        CredentialKind::Bearer | CredentialKind::OAuth2 { .. } => {
            Some("Authorization: Bearer ***".to_owned())
        }
        CredentialKind::Header { header } => Some(format!("{header}: ***")),
        CredentialKind::KeyExchange(login) => Some(format!("{}: ***", login.header)),
        CredentialKind::None => None,
    };
    let fixed = manifest.headers.iter();
    let fixed = fixed.map(|(name, value)| format!("{name}: {}", gateway.settings.fill(value)));
    fixed.chain(credential).collect()
}

/// The answer's id under the request's number: `{{1}}`.
fn name_id(variables: &mut Variables, ordinal: usize, exchange: &Exchange) {
    let body = exchange.gets.as_ref().and_then(|gets| gets.body.as_ref());
    let id = body.and_then(|body| body.get("id").or_else(|| body.pointer("/Resources/0/id")));
    if let Some(id) = id.and_then(Value::as_str) {
        variables.insert(ordinal.to_string(), id.to_owned());
    }
}

fn filled(ask: &Ask, variables: &Variables) -> Asked {
    let body = match &ask.body {
        Body::None => None,
        Body::Json(value) => Some(fill_value(value, variables)),
        Body::Text(text) => Some(fill(text, variables).into()),
    };
    Asked {
        line: ask.line,
        method: ask.method.clone(),
        target: fill(&ask.target, variables),
        body,
    }
}

/// The resources that a request names by their ids: its own, members, managers.
fn named(asks: &Asked) -> Vec<(ResourceKind, String)> {
    let path = asks.target.split('?').next().unwrap_or_default();
    let mut segments = path.trim_start_matches('/').split('/');
    let kind = match segments.next() {
        Some("Users") => Some(ResourceKind::User),
        Some("Groups") => Some(ResourceKind::Group),
        _ => None,
    };
    let id = segments
        .next()
        .filter(|id| !id.is_empty() && *id != ".search");
    let own = kind.zip(id.map(str::to_owned));
    let mut others = Vec::new();
    if let Some(body) = &asks.body {
        referred(body, false, &mut others);
    }
    let others = others.into_iter().map(|id| (ResourceKind::User, id));
    own.into_iter().chain(others).collect()
}

/// Values under `members` and `manager`, also where the path of an operation names them.
fn referred(value: &Value, inside: bool, ids: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str);
            let by_path = path.is_some_and(is_reference);
            for (name, value) in members {
                let inside = inside || is_reference(name) || (by_path && name == "value");
                match value {
                    Value::String(id) if inside && name == "value" => ids.push(id.clone()),
                    Value::String(id) if is_reference(name) => ids.push(id.clone()),
                    Value::String(_) => {}
                    value => referred(value, inside, ids),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| referred(item, inside, ids)),
        _ => {}
    }
}

fn is_reference(name: &str) -> bool {
    name.starts_with("members") || name.ends_with("manager") || name.ends_with("manager.value")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_request_names_is_there() {
        let asks = Asked {
            line: 1,
            method: "PATCH".into(),
            target: "/Groups/g?attributes=id".into(),
            body: Some(json!({"Operations": [
                {"op": "add", "path": "members", "value": [{"value": "a"}]},
                {"op": "add", "path": "emails", "value": [{"value": "no id"}]},
                {"op": "add", "value": {"urn:x:manager": "m"}},
            ]})),
        };
        let ids: Vec<String> = named(&asks).into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids, ["g", "a", "m"]);
    }
}
