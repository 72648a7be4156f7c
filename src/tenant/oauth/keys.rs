//! The keys that an identity provider signs with, as it publishes them (RFC 7517 §5).
//!
//! `jsonwebtoken` reads keys and checks signatures. What is kept for how long is written here: of
//! the crates that keep a JWKS, none has one fetch for all who wait, five minutes between two of
//! them whatever is asked for, and keys that stay good through an outage and then end.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use tokio::sync::Mutex as Turns;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::tenant::token::AuthFault;

/// The least time between two fetches, whatever they ended in.
const APART: Duration = Duration::from_secs(300);
/// Keys are fetched again when they are used after this time, so that one that was withdrawn ends.
const FRESH: Duration = Duration::from_secs(12 * 60 * 60);
/// Keys are good for this long while they cannot be fetched again.
const GOOD: Duration = Duration::from_secs(48 * 60 * 60);
/// How long a request may wait for keys.
const PATIENCE: Duration = Duration::from_secs(2);
const UNKNOWN: &str = "is signed with an unknown key";
/// Keys kept of one issuer.
const MOST: usize = 64;

/// A document on its way.
pub type Fetched<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// Whoever can fetch what is published.
pub trait KeySource: Send + Sync {
    /// The document at `url`.
    ///
    /// # Errors
    /// Why it cannot be had, for our log.
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetched<'a>;
}

/// The keys of one tenant's issuer, by `kid`.
pub struct Keys {
    url: Url,
    held: Mutex<Held>,
    /// One fetches for all.
    turns: Arc<Turns<()>>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Keys {
    /// None yet, of those published at `url`.
    pub fn at(url: Url) -> Self {
        Self {
            url,
            held: Mutex::default(),
            turns: Arc::default(),
        }
    }

    /// Where they are published.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The key named `kid`. It is fetched if it is not known, and all are now and then; a key that
    /// is known is not waited for twice. A fetch that was begun comes to its end, whoever waits.
    ///
    /// # Errors
    /// [`AuthFault::Assertion`]: the issuer has no such key. [`AuthFault::KeysUnavailable`]: we
    /// have none of its keys and cannot get them now.
    pub async fn key(
        self: &Arc<Self>,
        kid: &str,
        source: &Arc<dyn KeySource>,
    ) -> Result<DecodingKey, AuthFault> {
        let (known, is_fresh) = self.known(kid);
        let turn = match known {
            Some(key) if is_fresh => return Ok(key),
            Some(key) => match Arc::clone(&self.turns).try_lock_owned() {
                Ok(turn) => turn,
                Err(_) => return Ok(key),
            },
            None => Arc::clone(&self.turns).lock_owned().await,
        };
        let (known, is_fresh) = self.known(kid);
        if (known.is_none() || !is_fresh) && self.may_try() {
            let (keys, source) = (Arc::clone(self), Arc::clone(source));
            let fetching = tokio::spawn(async move {
                keys.fetch(&*source).await;
                drop(turn);
            });
            // It fails only with the runtime.
            let _ = fetching.await;
        }
        match self.known(kid).0 {
            Some(key) => Ok(key),
            // Also where this key was never looked for because the last fetch was a moment ago. It
            // would be more exact to answer 503 then, but whoever made the key up, or set the
            // client up with a wrong issuer, would be told to come back forever, uncounted as a
            // guess, and the administrator would look for a fault of the network. Issuers publish a
            // key long before they sign with it; one that does not is waited for five minutes.
            None if self.held().is_good() => Err(AuthFault::Assertion(UNKNOWN)),
            None => Err(AuthFault::KeysUnavailable),
        }
    }

    /// The key, as long as it is good, and whether it need not be fetched again.
    fn known(&self, kid: &str) -> (Option<DecodingKey>, bool) {
        let held = self.held();
        let key = held.keys.get(kid).filter(|_| held.is_good()).cloned();
        let is_fresh = held.fetched.is_some_and(|at| at.elapsed() < FRESH);
        (key, is_fresh)
    }

    fn may_try(&self) -> bool {
        let mut held = self.held();
        let is_due = held.tried.is_none_or(|at| at.elapsed() >= APART);
        if is_due {
            held.tried = Some(Instant::now());
        }
        is_due
    }

    async fn fetch(&self, source: &dyn KeySource) {
        let fetched = timeout(PATIENCE, source.fetch(&self.url)).await;
        let fetched = fetched.unwrap_or_else(|_| Err("no answer within 2 s".to_owned()));
        match fetched.and_then(|document| read(&document)) {
            Ok(keys) => {
                let mut held = self.held();
                held.keys = keys;
                held.fetched = Some(Instant::now());
            }
            Err(reason) => tracing::warn!(
                host = self.url.host_str(),
                reason,
                action = "let the gateway reach it; it tries again in five minutes, and uses the keys it has for two days",
                "the keys of an identity provider cannot be fetched"
            ),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn is_good(&self) -> bool {
        self.fetched.is_some_and(|at| at.elapsed() < GOOD)
    }
}

/// The RSA keys for signatures; others are left out, and so is one that cannot be read.
fn read(document: &[u8]) -> Result<HashMap<String, DecodingKey>, String> {
    #[derive(Deserialize)]
    struct Published {
        keys: Vec<serde_json::Value>,
    }
    let published: Published =
        serde_json::from_slice(document).map_err(|_| "what came is no set of keys".to_owned())?;
    let keys = published.keys.into_iter().take(MOST);
    let keys: HashMap<_, _> = keys
        .filter_map(|key| usable(serde_json::from_value(key).ok()?))
        .collect();
    match keys.is_empty() {
        true => Err("there is no RSA key for signatures in what came".to_owned()),
        false => Ok(keys),
    }
}

fn usable(key: Jwk) -> Option<(String, DecodingKey)> {
    let is_rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
    let signs = matches!(
        key.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let fits = matches!(key.common.key_algorithm, None | Some(KeyAlgorithm::RS256));
    let kid = key
        .common
        .key_id
        .clone()
        .filter(|_| is_rsa && signs && fits)?;
    Some((kid, DecodingKey::from_jwk(&key).ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;
    use tokio::time::{advance, sleep};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Publishes the keys of these names, takes this long, or is down.
    #[derive(Default)]
    struct Place {
        kids: Mutex<Vec<&'static str>>,
        takes: Mutex<Duration>,
        fetches: AtomicUsize,
    }

    impl Place {
        fn of(kids: &[&'static str]) -> Arc<Self> {
            let place = Arc::<Self>::default();
            place.publish(kids);
            place
        }

        fn publish(&self, kids: &[&'static str]) {
            *self.kids.lock().unwrap() = kids.to_vec();
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::SeqCst)
        }
    }

    impl KeySource for Place {
        fn fetch<'a>(&'a self, _: &'a Url) -> Fetched<'a> {
            Box::pin(async {
                self.fetches.fetch_add(1, Ordering::SeqCst);
                let takes = *self.takes.lock().unwrap();
                sleep(takes).await;
                let kids = self.kids.lock().unwrap();
                let key = |kid: &&str| json!({"kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB"});
                let keys: Vec<_> = kids.iter().map(key).collect();
                match keys.is_empty() {
                    true => Err("down".to_owned()),
                    false => Ok(json!({ "keys": keys }).to_string().into_bytes()),
                }
            })
        }
    }

    fn keys() -> Arc<Keys> {
        Arc::new(Keys::at("https://keys.example/".parse().unwrap()))
    }

    async fn ask(keys: &Arc<Keys>, kid: &str, place: &Arc<Place>) -> Result<(), AuthFault> {
        let source: Arc<dyn KeySource> = place.clone();
        keys.key(kid, &source).await.map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_a_day_refuses_nobody_and_two_days_do() {
        let (keys, place) = (keys(), Place::of(&["one"]));
        // The worst day: they were about to be fetched again.
        ask(&keys, "one", &place).await.unwrap();
        advance(FRESH).await;
        place.publish(&[]);
        for _ in 0..24 * 60 {
            assert!(ask(&keys, "one", &place).await.is_ok());
            advance(HOUR / 60).await;
        }
        let tried = place.fetches();
        assert!(tried <= 1 + 24 * 12, "{tried} fetches in a day");
        advance(GOOD).await;
        assert_eq!(
            ask(&keys, "one", &place).await,
            Err(AuthFault::KeysUnavailable)
        );
        place.publish(&["one"]);
        advance(APART).await;
        assert!(ask(&keys, "one", &place).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_keys_are_fetched_once_in_five_minutes_and_a_new_one_is_found() {
        let (keys, place) = (keys(), Place::of(&["one"]));
        ask(&keys, "one", &place).await.unwrap();
        for _ in 0..100 {
            let fault = ask(&keys, "two", &place).await.unwrap_err();
            assert_eq!(fault, AuthFault::Assertion(UNKNOWN));
        }
        assert_eq!(place.fetches(), 1);
        place.publish(&["one", "two"]);
        advance(APART).await;
        assert!(ask(&keys, "two", &place).await.is_ok());
        assert_eq!(place.fetches(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_withdrawn_key_ends_when_keys_are_fetched_again() {
        let (keys, place) = (keys(), Place::of(&["one"]));
        ask(&keys, "one", &place).await.unwrap();
        place.publish(&["two"]);
        advance(FRESH).await;
        let fault = ask(&keys, "one", &place).await.unwrap_err();
        assert!(matches!(fault, AuthFault::Assertion(_)), "{fault}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_long_and_who_has_a_key_not_at_all() {
        let (keys, place) = (keys(), Place::of(&["one"]));
        ask(&keys, "one", &place).await.unwrap();
        *place.takes.lock().unwrap() = HOUR;
        advance(FRESH).await;
        let begun = Instant::now();
        let (renewing, meanwhile) = tokio::join!(ask(&keys, "one", &place), async {
            let key = ask(&keys, "one", &place).await;
            (key, begun.elapsed())
        });
        assert!(renewing.is_ok() && meanwhile.0.is_ok());
        assert!(begun.elapsed() <= PATIENCE * 2 && meanwhile.1.is_zero());
    }

    #[test]
    fn only_rsa_keys_for_signatures_are_taken() {
        let rsa = |more: serde_json::Value| {
            let mut key = json!({"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"});
            let members = more.as_object().unwrap().clone();
            key.as_object_mut().unwrap().extend(members);
            key
        };
        let read = |key: serde_json::Value| read(json!({ "keys": [key] }).to_string().as_bytes());
        for fits in [
            json!({}),
            json!({"use": "sig", "alg": "RS256", "x5t": "x", "issuer": "y"}),
        ] {
            assert_eq!(read(rsa(fits)).map(|keys| keys.len()), Ok(1));
        }
        for other in [
            json!({"use": "enc"}),
            json!({"alg": "RS512"}),
            json!({"alg": "of tomorrow"}),
            json!({"kid": null}),
            json!({"n": "="}),
            json!({"kty": "oct", "k": "AQAB"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"}),
            json!({"kty": "of tomorrow"}),
        ] {
            assert!(read(rsa(other.clone())).is_err(), "{other}");
        }
    }
}
