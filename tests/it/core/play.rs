//! A case, played on every vendor, in every profile, in every way a request can come.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use scimgate::scim::Profile;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::Answer;
use super::stand::Stand;
use super::vendors::Vendor;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// How many gateways run at a time.
const AT_ONCE: usize = 3;

/// How a request comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Alone,
    /// As the only operation of a bulk request.
    InBulk,
}

/// A gateway, and the way its requests come.
#[derive(Clone)]
pub(super) struct Play {
    pub(super) stand: Arc<Stand>,
    pub(super) way: Way,
}

/// Plays a case on each of `vendors`, in every profile, and in every way in Entra's, and tells where
/// it fails.
///
/// A profile changes how a request is read, which no vendor takes part in: unless
/// `SCIMGATE_EVERY_PROFILE` is set, each other profile is played on one of the vendors, another one
/// for each case.
///
/// # Panics
/// When it fails anywhere, naming vendor, profile and way.
pub(super) async fn everywhere<F>(
    vendors: &[&'static Vendor],
    case: impl Fn(Play) -> F + Copy + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    in_profiles(vendors, &Profile::ALL, case).await;
}

/// The same in some profiles.
pub(super) async fn in_profiles<F>(
    vendors: &[&'static Vendor],
    profiles: &[Profile],
    case: impl Fn(Play) -> F + Copy + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut waiting = pairs(vendors, profiles, std::any::type_name_of_val(&case));
    let mut playing = JoinSet::new();
    let mut failures = Vec::new();
    while !waiting.is_empty() || !playing.is_empty() {
        while playing.len() < AT_ONCE
            && let Some((vendor, profile)) = waiting.pop()
        {
            playing.spawn(async move {
                let stand = Arc::new(Stand::start(vendor, profile).await);
                both_ways(stand, case).await
            });
        }
        match playing.join_next().await {
            Some(Ok(failed)) => failures.extend(failed),
            Some(Err(panic)) => failures.push(panic.to_string()),
            None => {}
        }
    }
    failures.sort();
    let count = failures.len();
    assert!(count == 0, "{count} fail\n\n{}", failures.join("\n\n"));
}

/// On which vendor which profile is played.
fn pairs(
    vendors: &[&'static Vendor],
    profiles: &[Profile],
    case: &str,
) -> Vec<(&'static Vendor, Profile)> {
    let all = std::env::var_os("SCIMGATE_EVERY_PROFILE").is_some();
    let turn: usize = case.bytes().map(usize::from).sum();
    let each = profiles.iter().enumerate();
    each.flat_map(|(at, profile)| {
        let on = match all || *profile == Profile::Entra {
            true => vendors,
            false => std::slice::from_ref(&vendors[(turn + at) % vendors.len()]),
        };
        on.iter().map(|vendor| (*vendor, *profile))
    })
    .collect()
}

/// Plays a case in every way on one gateway, in bulk requests in Entra's profile only; gives what
/// failed.
pub(super) async fn both_ways<F>(stand: Arc<Stand>, case: impl Fn(Play) -> F) -> Vec<String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut failures = Vec::new();
    // What a profile changes lies before the operation, which is the same in a bulk request.
    let ways: &[Way] = match stand.profile {
        Profile::Entra => &[Way::Alone, Way::InBulk],
        _ => &[Way::Alone],
    };
    for way in ways.iter().copied() {
        let stand = Arc::clone(&stand);
        let play = Play { stand, way };
        let place = play.to_string();
        if let Err(panic) = tokio::spawn(case(play)).await {
            failures.push(format!("=== {place}\n{}", text_of(panic)));
        }
    }
    failures
}

/// Plays a case with each of several inputs, and tells with which it fails.
///
/// # Panics
/// When it fails with any.
pub(super) async fn with_each<I, F>(
    play: &Play,
    inputs: impl IntoIterator<Item = I>,
    case: impl Fn(Play, I) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut failures = Vec::new();
    for input in inputs {
        if let Err(panic) = tokio::spawn(case(play.clone(), input)).await {
            failures.push(text_of(panic));
        }
    }
    let count = failures.len();
    assert!(count == 0, "{count} inputs\n- {}", failures.join("\n- "));
}

/// What a task of the case comes to; its panic is the case's.
pub(super) async fn ended<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// What a panic said.
fn text_of(panic: tokio::task::JoinError) -> String {
    let Ok(payload) = panic.try_into_panic() else {
        return "stopped".to_owned();
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => match other.downcast::<&str>() {
            Ok(text) => (*text).to_owned(),
            Err(_) => "a panic without a text".to_owned(),
        },
    }
}

impl Play {
    pub(super) async fn post(&self, endpoint: &str, body: &Value) -> Answer {
        self.send("POST", endpoint, body).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, body).await
    }

    /// A PATCH of these operations.
    pub(super) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.send("PATCH", path, &body).await
    }

    /// Makes an object and gives its id, however the requests of the case come.
    #[track_caller]
    pub(super) fn make<'a>(
        &'a self,
        endpoint: &'a str,
        body: &'a Value,
    ) -> impl Future<Output = String> + 'a {
        self.stand.tenant.make(endpoint, body)
    }

    /// Deletes what a case no longer needs: the picture of what is left is taken sooner.
    pub(super) async fn remove(&self, path: &str) {
        let gone = self.tenant.delete(path).await;
        assert_eq!(gone.status, 204, "{path}: {gone}");
    }

    /// Asserts that a request, which judges its answer by itself, changes nothing.
    pub(super) async fn unchanged_by(&self, what: &str, request: impl Future<Output = ()>) {
        let before = self.picture().await;
        request.await;
        before.is_still(&self.picture().await, what);
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let tenant = &self.stand.tenant;
        match self.way {
            Way::Alone => {
                let request = tenant.request(method, path).json(body);
                Answer::of(&tenant.send(request).await)
            }
            Way::InBulk => {
                let answers = self.bulk(vec![operation(method, path, body)]).await;
                answers.into_iter().next().expect("one answer")
            }
        }
    }

    /// Several operations in one bulk request.
    pub(super) async fn bulk(&self, operations: Vec<Value>) -> Vec<Answer> {
        let body = json!({"schemas": [BULK], "Operations": operations});
        let response = self.stand.tenant.post("/Bulk", &body).await;
        assert_eq!(response.status, 200, "{response}");
        let answers = response.json()["Operations"].take();
        let answers = answers.as_array().cloned().unwrap_or_default();
        answers.iter().map(Answer::in_bulk).collect()
    }
}

/// An operation of a bulk request.
pub(super) fn operation(method: &str, path: &str, body: &Value) -> Value {
    let mut operation = json!({"method": method, "path": path, "data": body});
    if method == "POST" {
        operation["bulkId"] = uuid::Uuid::new_v4().to_string().into();
    }
    operation
}

impl Deref for Play {
    type Target = Stand;

    fn deref(&self) -> &Stand {
        &self.stand
    }
}

impl fmt::Display for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Alone => "alone",
            Way::InBulk => "in bulk",
        };
        let (vendor, profile) = (self.stand.vendor.name, self.stand.profile.as_str());
        write!(f, "{vendor}, {profile}, {way}")
    }
}
