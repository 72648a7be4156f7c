//! A key that the vendor gives for a user name and a password, and takes back when it likes.
//!
//! One exchange serves all who wait for it, on every thread and in every generation of the
//! catalog. There is no early renewal: such a vendor does not say when a key ends, it refuses it.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded::Serializer;

use super::client::{AGENT, send};
use super::destination::Destination;
use super::path;
use super::pool::Connections;
use super::retry::Tried;
use crate::provisioning::trace::Story;
use crate::script::call::CallFault;
use crate::script::replies::Meaning;

/// How a key is asked for, and where it goes.
#[derive(Clone)]
pub struct KeyExchange {
    /// The header that carries the key.
    pub header: HeaderName,
    /// Where the form is posted, below the tenant's base URL.
    pub path: String,
    /// The form; `{username}` and `{password}` stand for the secrets.
    pub form: Vec<(String, String)>,
    /// JSON pointer to the key in the reply.
    pub key: String,
    /// The service account.
    pub username: SecretString,
    /// Its password.
    pub password: SecretString,
}

/// The key in force of one tenant.
#[derive(Debug, Default)]
pub(super) struct KeyRing {
    hasher: RandomState,
    held: Mutex<Held>,
    /// Whoever exchanges; the others wait and take what comes of it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    /// The key and whose it is.
    key: Option<(u64, HeaderValue)>,
    /// The last exchange that failed, for those who waited for it.
    failed: Option<(Instant, Tried)>,
}

/// A call with a key that may have ended: a refused one is exchanged once. A refused call did
/// nothing, so that any may go again.
pub(super) async fn attempt_with_key(
    exchange: &KeyExchange,
    connections: &Connections,
    to: &Destination,
    request: Request<Full<Bytes>>,
    deadline: Instant,
    story: Option<&Story>,
) -> Tried {
    let ring = &to.state.health.keys;
    let key = match ring.key(exchange, None, connections, to, deadline).await {
        Ok(key) => key,
        Err(tried) => return tried,
    };
    let with = |key: HeaderValue| {
        let mut request = request.clone();
        request.headers_mut().insert(exchange.header.clone(), key);
        request
    };
    let tried = send(connections, to, with(key.clone()), deadline, story).await;
    if !matches!(tried, Tried::Answered(_, Meaning::Credential)) {
        return tried;
    }
    match ring
        .key(exchange, Some(&key), connections, to, deadline)
        .await
    {
        Ok(key) => send(connections, to, with(key), deadline, story).await,
        Err(tried) => tried,
    }
}

impl KeyRing {
    /// The key in force, another one than `refused`.
    async fn key(
        &self,
        exchange: &KeyExchange,
        refused: Option<&HeaderValue>,
        connections: &Connections,
        to: &Destination,
        deadline: Instant,
    ) -> Result<HeaderValue, Tried> {
        let owner = self.hasher.hash_one(exchange);
        let came = Instant::now();
        if let Some(key) = self.held().key_of(owner, refused) {
            return Ok(key);
        }
        let turn = timeout_at(deadline, self.turn.lock()).await;
        let _turn = turn.map_err(|_| Tried::Unsent("no key in time".into()))?;
        if let Some(settled) = self.held().settled_since(came, owner, refused) {
            return settled;
        }
        let given = exchange.ask(connections, to, deadline).await;
        let mut held = self.held();
        match &given {
            Ok(key) => held.key = Some((owner, key.clone())),
            Err(tried) => held.failed = Some((Instant::now(), tried.clone())),
        }
        given
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn key_of(&self, owner: u64, refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        let (of, key) = self.key.as_ref()?;
        (*of == owner && Some(key) != refused).then(|| key.clone())
    }

    /// What another caller's exchange came to while this one waited.
    fn settled_since(
        &self,
        came: Instant,
        owner: u64,
        refused: Option<&HeaderValue>,
    ) -> Option<Result<HeaderValue, Tried>> {
        if let Some(key) = self.key_of(owner, refused) {
            return Some(Ok(key));
        }
        let (at, tried) = self.failed.as_ref()?;
        (*at > came).then(|| Err(tried.clone()))
    }
}

impl KeyExchange {
    async fn ask(
        &self,
        connections: &Connections,
        to: &Destination,
        deadline: Instant,
    ) -> Result<HeaderValue, Tried> {
        let request = self.request(to).map_err(Tried::Unsent)?;
        match send(connections, to, request, deadline, None).await {
            Tried::Answered(reply, Meaning::Ok) => {
                let key = to.replies.parse(&reply.body);
                let key = key
                    .as_ref()
                    .and_then(|body| body.pointer(&self.key)?.as_str());
                let value = key.and_then(|key| HeaderValue::try_from(key).ok());
                let mut value =
                    value.ok_or_else(|| Tried::Unsent("no key in the answer".into()))?;
                value.set_sensitive(true);
                Ok(value)
            }
            // Whoever is asked for a key and forbids it refuses who asks.
            Tried::Answered(_, Meaning::Credential | Meaning::Forbidden) => {
                Err(Tried::Held(CallFault::Credential))
            }
            Tried::Answered(reply, Meaning::Busy) => Err(Tried::Held(CallFault::Busy {
                retry_after: reply.retry_after,
            })),
            Tried::Answered(reply, _) => {
                Err(Tried::Unsent(format!("no key: status {}", reply.status)))
            }
            // The call that needs the key has not gone out.
            Tried::Lost(why) | Tried::Unsent(why) => Err(Tried::Unsent(format!("no key: {why}"))),
            held @ Tried::Held(_) => Err(held),
        }
    }

    fn request(&self, to: &Destination) -> Result<Request<Full<Bytes>>, String> {
        let mut form = Serializer::new(String::new());
        for (name, template) in &self.form {
            form.append_pair(name, &self.filled(template));
        }
        let mut request = Request::new(Full::from(form.finish()));
        *request.uri_mut() = path::join(&to.base_url, &self.path)?;
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        headers.extend(to.headers.iter().cloned());
        Ok(request)
    }

    fn filled(&self, template: &str) -> String {
        match template {
            "{username}" => self.username.expose_secret().to_owned(),
            "{password}" => self.password.expose_secret().to_owned(),
            fixed => fixed.to_owned(),
        }
    }
}

/// All that makes two accounts the same, secrets included.
impl Hash for KeyExchange {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.header.hash(hasher);
        self.path.hash(hasher);
        self.form.hash(hasher);
        self.username.expose_secret().hash(hasher);
        self.password.expose_secret().hash(hasher);
    }
}
