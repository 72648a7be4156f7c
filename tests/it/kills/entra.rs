//! Entra, as far as it matters here: it sends a POST again until it is answered, and takes for
//! made what it was told so or finds.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::stand::Tenant;
use crate::harness::{Request, Response};

/// For how long one object is tried after the last kill. Whatever is lost, the vendor's time is over
/// long before.
const PATIENCE: Duration = Duration::from_secs(25);

/// Between two tries: Entra waits for minutes, and a whole run for seconds.
const PAUSE: Duration = Duration::from_millis(60);

/// Something to provision.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) sort: Sort,
    pub(super) name: String,
    pub(super) external: String,
    /// Of a group.
    pub(super) members: Vec<String>,
    pub(super) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Person,
    Team,
}

/// How it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The same POST.
    Same,
    /// A look whether it is there, and then the same POST: a cycle of Entra's.
    Cycle,
    /// The POST with another `displayName` each time: it was changed between two cycles.
    Changed,
}

/// What a thing came to.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) id: String,
    /// The body that was acknowledged by a 201; `None` if the object was only found.
    pub(super) acknowledged: Option<Value>,
    /// POSTs that it took.
    pub(super) tries: usize,
    /// Times that a POST which nobody had acknowledged was refused for its own earlier try.
    pub(super) refused: usize,
}

impl Sort {
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::Person => "/Users",
            Self::Team => "/Groups",
        }
    }

    /// As the vendor calls it.
    pub(super) fn native(self) -> &'static str {
        match self {
            Self::Person => "people",
            Self::Team => "teams",
        }
    }

    pub(super) fn name_attribute(self) -> &'static str {
        match self {
            Self::Person => "userName",
            Self::Team => "displayName",
        }
    }
}

impl Thing {
    /// One of this name that is tried as it is.
    pub(super) fn named(sort: Sort, name: &str) -> Self {
        Self {
            sort,
            name: name.to_owned(),
            external: format!("external-{name}"),
            members: Vec::new(),
            style: Style::Same,
        }
    }

    /// The body of a try, counted from 1.
    pub(super) fn body(&self, tries: usize) -> Value {
        match self.sort {
            Sort::Person => json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": self.name,
                "externalId": self.external,
                "active": true,
                "displayName": match self.style {
                    Style::Changed => format!("Name {tries}"),
                    _ => "Name".to_owned(),
                },
            }),
            Sort::Team => json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": self.name,
                "externalId": self.external,
                "members": self.members.iter().map(|id| json!({"value": id})).collect::<Vec<_>>(),
            }),
        }
    }
}

/// What is left of [`PATIENCE`].
struct Patience {
    address: watch::Receiver<Option<SocketAddr>>,
    end: Instant,
}

impl Patience {
    fn with(tenant: &Tenant) -> Self {
        Self {
            address: tenant.whereabouts(),
            end: Instant::now() + PATIENCE,
        }
    }

    fn lasts(&mut self) -> bool {
        if self.address.has_changed().unwrap_or_default() {
            self.address.mark_unchanged();
            self.end = Instant::now() + PATIENCE;
        }
        Instant::now() < self.end
    }
}

/// Tries until the thing is settled. `Err` is a promise that was broken.
pub(super) async fn provision(tenant: &Tenant, thing: &Thing) -> Result<Settled, String> {
    let mut patience = Patience::with(tenant);
    let (mut tries, mut refused, mut last) = (0, 0, String::new());
    while patience.lasts() {
        if thing.style == Style::Cycle
            && let Some(id) = find(tenant, thing).await?
        {
            return Ok(Settled {
                id,
                acknowledged: None,
                tries,
                refused,
            });
        }
        tries += 1;
        let body = thing.body(tries);
        let answer = tenant
            .try_send(&tenant.post(thing.sort.endpoint(), &body))
            .await;
        match answer {
            Some(made) if made.status == 201 => {
                return Ok(Settled {
                    id: id_in(&made.json()),
                    acknowledged: Some(body),
                    tries,
                    refused,
                });
            }
            Some(taken) if taken.status == 409 => {
                refused += 1;
                last = told(&taken);
                if let Some(id) = find(tenant, thing).await? {
                    return Ok(Settled {
                        id,
                        acknowledged: None,
                        tries,
                        refused,
                    });
                }
            }
            Some(later) => {
                is_later(&later)?;
                last = told(&later);
            }
            None => {}
        }
        sleep(PAUSE).await;
    }
    Err(format!("not settled by {tries} POSTs; the last: {last}"))
}

/// What was settled is there for everybody, and is not made again.
pub(super) async fn confirm(
    tenant: &Tenant,
    thing: &Thing,
    settled: &Settled,
    again: &[u16],
) -> Result<(), String> {
    let path = format!("{}/{}", thing.sort.endpoint(), settled.id);
    let read = answered(tenant, &tenant.request("GET", &path)).await?;
    let name = thing.sort.name_attribute();
    if read.status != 200 || read.json()[name] != thing.name.as_str() {
        return Err(format!("it exists, and reading it gives {}", told(&read)));
    }
    if let Some(sent) = &settled.acknowledged
        && read.json()["externalId"] != sent["externalId"]
    {
        return Err(format!("its externalId is {}", read.json()["externalId"]));
    }
    let found = find(tenant, thing).await?;
    if found.as_ref() != Some(&settled.id) {
        return Err(format!("{} is found as {found:?}", settled.id));
    }
    if let Some(body) = &settled.acknowledged
        && !again.is_empty()
    {
        let repeated = answered(tenant, &tenant.post(thing.sort.endpoint(), body)).await?;
        if !again.contains(&repeated.status) {
            return Err(format!("the POST sent again gives {}", told(&repeated)));
        }
    }
    Ok(())
}

/// The id of whatever has the thing's name, as Entra looks for it.
pub(super) async fn find(tenant: &Tenant, thing: &Thing) -> Result<Option<String>, String> {
    let name = thing.name.replace('@', "%40");
    let filter = format!(
        "{}?filter={}+eq+%22{name}%22",
        thing.sort.endpoint(),
        thing.sort.name_attribute()
    );
    let found = answered(tenant, &tenant.request("GET", &filter)).await?;
    let resources = found.json()["Resources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    match (found.status, resources.as_slice()) {
        (200, []) => Ok(None),
        (200, [one]) => Ok(Some(id_in(one))),
        (200, many) => Err(format!("{} have the name {}", many.len(), thing.name)),
        _ => Err(format!("a search gives {}", told(&found))),
    }
}

/// An answer that is one: what was lost or put off is asked again.
async fn answered(tenant: &Tenant, request: &Request) -> Result<Response, String> {
    let mut patience = Patience::with(tenant);
    let mut last = String::new();
    while patience.lasts() {
        match tenant.try_send(request).await {
            Some(later) if matches!(later.status, 429 | 500..) => {
                is_later(&later)?;
                last = told(&later);
            }
            Some(answer) => return Ok(answer),
            None => {}
        }
        sleep(PAUSE).await;
    }
    Err(format!("no answer to {request}; the last: {last}"))
}

/// What is neither done nor refused is told with a time to come back.
pub(super) fn is_later(answer: &Response) -> Result<(), String> {
    let soon = answer
        .retry_after()
        .is_some_and(|wait| (1..=60).contains(&wait));
    match (answer.status, soon) {
        (429 | 503, true) => Ok(()),
        _ => Err(format!("Entra can make nothing of {}", told(answer))),
    }
}

/// An answer in one line.
fn told(answer: &Response) -> String {
    let body = answer.json();
    let words = ["detail", "id", "totalResults"].map(|name| &body[name]);
    let words = words.into_iter().find(|word| !word.is_null());
    format!("{} {}", answer.status, words.unwrap_or(&Value::Null))
}

fn id_in(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_default().to_owned()
}
