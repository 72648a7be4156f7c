//! Tokens held in common: one grant for all callers of all threads.
//!
//! A vendor counts by client, so tenants whose files hold the same credential (an MSP's sites)
//! are one client with one token. This is the one thing tenants share, and only with whoever
//! knows all of the same secrets.

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::header::HeaderValue;
use secrecy::SecretString;
use tokio::sync::MutexGuard as TurnGuard;
use tokio::time::{Instant, timeout_at};

use super::{OAuth2, OAuth2Client};
use crate::script::call::CallFault;

/// How long before its end a token is renewed; at half its life if that is shorter.
const EARLY: Duration = Duration::from_secs(60);

/// All clients' tokens. One for the process: it outlives reloads.
#[derive(Default)]
pub struct AccessTokens {
    keys: [RandomState; 2],
    clients: Mutex<HashMap<[u64; 2], Weak<Shared>>>,
}

impl AccessTokens {
    /// The client with the tokens that equal ones have already been given.
    pub fn share(&self, client: OAuth2Client) -> OAuth2 {
        let mut clients = lock(&self.clients);
        clients.retain(|_, shared| shared.strong_count() > 0);
        let key = client.fingerprint(&self.keys);
        let known = clients.get(&key).and_then(Weak::upgrade);
        let shared = known.unwrap_or_default();
        clients.insert(key, Arc::downgrade(&shared));
        OAuth2 {
            client: Arc::new(client),
            shared,
        }
    }
}

/// A token as it was given.
pub(in crate::vendor) struct Issued {
    /// `Bearer …`, marked sensitive.
    pub(in crate::vendor) header: HeaderValue,
    pub(super) refresh: Option<SecretString>,
    renew_from: Instant,
    ends: Instant,
}

impl Issued {
    pub(super) fn new(header: HeaderValue, refresh: Option<SecretString>, life: Duration) -> Self {
        let now = Instant::now();
        Self {
            header,
            refresh,
            renew_from: now + life - EARLY.min(life / 2),
            ends: now + life,
        }
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.renew_from
    }

    pub(super) fn is_good(&self, now: Instant) -> bool {
        now < self.ends
    }
}

/// Why there is no token. The call itself did not go out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::vendor) enum Denied {
    /// The endpoint refuses the client or its service account.
    Refused,
    /// It asks to wait.
    Busy(Option<Duration>),
    /// It could not be reached or did not answer as an endpoint does.
    Failed(String),
}

impl From<Denied> for CallFault {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused => Self::Credential,
            Denied::Busy(retry_after) => Self::Busy { retry_after },
            Denied::Failed(why) => Self::NotSent(why),
        }
    }
}

/// What equal clients have in common.
#[derive(Default)]
pub(super) struct Shared {
    current: Mutex<Option<Arc<Issued>>>,
    /// Held by whoever asks for a token; in it the last refusal.
    turn: tokio::sync::Mutex<Option<Refused>>,
}

struct Refused {
    at: Instant,
    why: Denied,
}

/// The right to ask for a token, while nobody else does.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    last: TurnGuard<'a, Option<Refused>>,
    asked: Instant,
}

impl Shared {
    pub(super) fn current(&self) -> Option<Arc<Issued>> {
        lock(&self.current).clone()
    }

    /// Waits for the turn, until `ends`.
    pub(super) async fn turn(&self, ends: Instant) -> Result<Turn<'_>, Denied> {
        let asked = Instant::now();
        match timeout_at(ends, self.turn.lock()).await {
            Ok(last) => Ok(Turn {
                shared: self,
                last,
                asked,
            }),
            Err(_) => Err(Denied::Failed("no access token in time".into())),
        }
    }

    /// The turn, if nobody has it.
    pub(super) fn try_turn(&self) -> Option<Turn<'_>> {
        let last = self.turn.try_lock().ok()?;
        Some(Turn {
            shared: self,
            last,
            asked: Instant::now(),
        })
    }
}

impl Turn<'_> {
    /// What somebody else came to while this one waited: another token than `old`, or that there
    /// is none. Ten callers with one bad password must not lock the account.
    pub(super) fn settled(&self, old: Option<&Arc<Issued>>) -> Option<Result<Arc<Issued>, Denied>> {
        let is_old = |token: &Arc<Issued>| old.is_some_and(|old| Arc::ptr_eq(old, token));
        let current = self.shared.current().filter(|token| !is_old(token));
        if let Some(token) = current.filter(|token| token.is_good(Instant::now())) {
            return Some(Ok(token));
        }
        let refused = self.last.as_ref().filter(|last| last.at >= self.asked)?;
        Some(Err(refused.why.clone()))
    }

    /// Puts down what came of asking, and gives the turn on.
    pub(super) fn settle(mut self, issued: Result<Issued, Denied>) -> Result<Arc<Issued>, Denied> {
        match issued {
            Ok(token) => {
                let token = Arc::new(token);
                *lock(&self.shared.current) = Some(Arc::clone(&token));
                *self.last = None;
                Ok(token)
            }
            Err(why) => {
                let at = Instant::now();
                *self.last = Some(Refused {
                    at,
                    why: why.clone(),
                });
                Err(why)
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
