//! A key that the vendor gives for a user name and a password, and takes back when it likes.
//!
//! One exchange serves all who wait for it, on every thread and in every generation of the
//! catalog. A key whose end is known is renewed before it, any other when it is refused.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

use super::client::{request, send};
use super::destination::Destination;
use super::pool::Connections;
use super::retry::Tried;
use crate::adapter::login::{Key, Login};
use crate::provisioning::trace::Story;
use crate::script::call::CallFault;
use crate::script::replies::Meaning;

/// How long before its end a key is renewed.
const EARLY: Duration = Duration::from_secs(60);

/// How a key is asked for, and where it goes.
#[derive(Clone)]
pub struct KeyExchange {
    /// The header that carries the key.
    pub header: HeaderName,
    /// How it is asked for and read.
    pub login: Login,
    /// What stands in the places of the login, by their names.
    pub values: BTreeMap<String, SecretString>,
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
    key: Option<KeyInForce>,
    /// The last exchange that failed, for those who waited for it.
    failed: Option<(Instant, Tried)>,
}

/// A key, whose it is, and until when it is used.
#[derive(Debug)]
struct KeyInForce {
    owner: u64,
    header: HeaderValue,
    until: Option<Instant>,
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
    let key = match ring
        .key(exchange, None, connections, to, deadline, story)
        .await
    {
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
        .key(exchange, Some(&key), connections, to, deadline, story)
        .await
    {
        Ok(key) => send(connections, to, with(key), deadline, story).await,
        Err(tried) => tried,
    }
}

/// A minute before its end, or at half its life if that is shorter, another key is asked for.
fn used_until(lives: Duration) -> Option<Instant> {
    Instant::now().checked_add(lives.saturating_sub(EARLY).max(lives / 2))
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
        story: Option<&Story>,
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
        let given = exchange.ask(connections, to, deadline, story).await;
        let mut held = self.held();
        match &given {
            Ok(key) => {
                held.key = Some(KeyInForce {
                    owner,
                    header: key.header.clone(),
                    until: key.lives.and_then(used_until),
                });
            }
            Err(tried) => held.failed = Some((Instant::now(), tried.clone())),
        }
        given.map(|key| key.header)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn key_of(&self, owner: u64, refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        let key = self.key.as_ref()?;
        let ended = key.until.is_some_and(|until| until <= Instant::now());
        let fits = key.owner == owner && !ended && Some(&key.header) != refused;
        fits.then(|| key.header.clone())
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
        story: Option<&Story>,
    ) -> Result<Key, Tried> {
        let value = |name: &str| {
            let value = self.values.get(name);
            value.map_or_else(String::new, |value| value.expose_secret().to_owned())
        };
        let request = request(to, &self.login.call(&value)).map_err(Tried::Unsent)?;
        let login = |why| Tried::Held(CallFault::Login(why));
        let (path, began) = (self.login.path(), Instant::now());
        let answered = send(connections, to, request, deadline, story).await;
        if let Some(story) = story {
            let status = match &answered {
                Tried::Answered(reply, _) => Some(reply.status),
                _ => None,
            };
            story.signed_in(path, status, began.elapsed());
        }
        match answered {
            Tried::Answered(reply, Meaning::Ok) => {
                self.login.key_in(&reply, &to.replies).map_err(login)
            }
            // Whoever is asked for a key and forbids it refuses who asks.
            Tried::Answered(_, Meaning::Credential | Meaning::Forbidden) => {
                Err(Tried::Held(CallFault::Credential))
            }
            Tried::Answered(reply, Meaning::Busy) => Err(Tried::Held(CallFault::Busy {
                retry_after: reply.retry_after,
            })),
            // It may pass.
            Tried::Answered(reply, _) if reply.status >= 500 => {
                Err(Tried::Unsent(format!("no key: status {}", reply.status)))
            }
            Tried::Answered(reply, _) => Err(login(self.login.failed(reply.status))),
            // The call that needs the key has not gone out.
            Tried::Lost(why) | Tried::Unsent(why) => Err(Tried::Unsent(format!("no key: {why}"))),
            held @ Tried::Held(_) => Err(held),
        }
    }
}

/// All that makes two accounts the same, secrets included.
impl Hash for KeyExchange {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.login.hash(hasher);
        for (name, value) in &self.values {
            name.hash(hasher);
            value.expose_secret().hash(hasher);
        }
    }
}
