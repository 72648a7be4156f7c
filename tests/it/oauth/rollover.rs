//! An issuer replaces its key while clients go on signing in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use scimgate::tenant::oauth::{Fetched, KeySource, Keys};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use url::Url;

use super::federation::{AUDIENCES, claims, header};
use super::issuer::Key;

/// What is published now, and how often it was fetched.
#[derive(Default)]
struct Place {
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
}

impl Place {
    fn publish(&self, keys: &[&Key]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }
}

impl KeySource for Place {
    fn fetch<'a>(&'a self, _: &'a Url) -> Fetched<'a> {
        Box::pin(async {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(200)).await;
            let keys = self.keys.lock().unwrap().clone();
            Ok(json!({ "keys": keys }).to_string().into_bytes())
        })
    }
}

/// Shows the assertions that are signed now in turn, one a second, until there are none.
async fn sign_in(
    keys: Arc<Keys>,
    place: Arc<Place>,
    signed: watch::Receiver<Vec<String>>,
) -> usize {
    let source: Arc<dyn KeySource> = place;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&AUDIENCES);
    let mut shown = 0;
    loop {
        let now = signed.borrow().clone();
        if now.is_empty() {
            return shown;
        }
        let assertion = &now[shown % now.len()];
        let kid = decode_header(assertion).unwrap().kid.unwrap();
        let key = keys.key(&kid, &source).await;
        let key = key.unwrap_or_else(|fault| panic!("{kid}, after {shown} others: {fault}"));
        decode::<Value>(assertion, &key, &validation).unwrap();
        shown += 1;
        sleep(Duration::from_secs(1)).await;
    }
}

/// Ten minutes with each set of keys. The new key signs from the moment at which it is published,
/// which no issuer should do, and the old one until it is withdrawn.
#[tokio::test(start_paused = true)]
async fn keys_take_turns_under_load_and_no_assertion_is_refused() {
    let (one, two) = (Key::number(0), Key::number(1));
    let [old, new] = [&one, &two].map(|key| key.sign(&header(key), &claims()));
    let keys = Arc::new(Keys::at("https://keys.example/".parse().unwrap()));
    let place = Arc::new(Place::default());
    place.publish(&[&one]);
    let (told, signed) = watch::channel(vec![old.clone()]);
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        clients.spawn(sign_in(keys.clone(), place.clone(), signed.clone()));
    }
    let ten_minutes = Duration::from_secs(600);
    sleep(ten_minutes).await;
    place.publish(&[&one, &two]);
    told.send_replace(vec![old, new.clone()]);
    sleep(ten_minutes).await;
    place.publish(&[&two]);
    told.send_replace(vec![new]);
    sleep(ten_minutes).await;
    told.send_replace(Vec::new());
    let shown: usize = clients.join_all().await.into_iter().sum();
    assert!(shown > 4 * 1_700, "{shown} assertions");
    assert_eq!(place.fetches.load(Ordering::SeqCst), 2, "one for each kid");
}
