#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::time::advance;

use super::access::AccessKey;
use super::*;
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::{MemoryError, Recall};
use crate::store::Store;
use crate::tenant::token::{AuthFault, BookFault, KeyId, Pepper, TokenBook, TokenRecord, Tokens};

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn key() -> AccessKey {
    AccessKey::new(Pepper::random().unwrap())
}

fn access(ends: i64) -> Access {
    Access {
        tenant: acme(),
        ends,
        generation: Generation::Secret(KeyId::parse("3kTq9ZbX").unwrap()),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn an_access_token_says_what_it_is_worth_until_it_ends_and_under_its_own_key_only() {
    let key = key();
    let token = key.issue(&access(2_000));
    let token = token.expose_secret();
    assert!(token.starts_with("sco_acme.2000.s3kTq9ZbX."), "{token}");
    assert_eq!(key.read(token, at(1_999)), Ok(access(2_000)));
    assert_eq!(key.read(token, at(2_000)), Err(AuthFault::Expired));
    let other = AccessKey::new(Pepper::random().unwrap());
    assert_eq!(other.read(token, at(1_999)), Err(AuthFault::Unknown));
}

#[test]
fn a_changed_access_token_admits_nobody() {
    let key = key();
    let token = key.issue(&access(2_000));
    let token = token.expose_secret();
    for place in 0..token.len() {
        for wrong in ["a", "0", ".", "_", "Z"] {
            let mut changed = token.to_owned();
            changed.replace_range(place..=place, wrong);
            let read = key.read(&changed, at(1_000));
            assert!(changed == token || read.is_err(), "{changed}");
        }
        assert!(key.read(&token[..place], at(1_000)).is_err());
    }
    for changed in [
        token.replace("acme", "beta"),
        token.replace(".2000.", ".9000."),
        token.replace(".2000.", ".02000."),
        token.replace("sco_", "scg_"),
        format!("{token}a"),
        format!("{token}."),
        "sco_".to_owned(),
        "sco_acme.2000.s3kTq9ZbX.".to_owned(),
        format!("sco_{}", "a".repeat(8_000)),
        "sco_…".to_owned(),
    ] {
        assert!(key.read(&changed, at(1_000)).is_err(), "{changed}");
    }
}

#[test]
fn the_longest_access_token_fits() {
    let key = key();
    let access = Access {
        tenant: TenantId::parse(&"a".repeat(63)).unwrap(),
        ..access(9_999_999_999)
    };
    let token = key.issue(&access);
    assert_eq!(key.read(token.expose_secret(), at(0)), Ok(access));
}

/// Clients that share a store and a pepper, as gateways do.
fn gateways(store: &Store) -> [(Arc<Tokens>, Clients); 2] {
    let pepper = Arc::new(Pepper::random().unwrap());
    [0, 1].map(|_| {
        let tokens = Arc::new(Tokens::new(Arc::new(store.clone()), Arc::clone(&pepper)));
        let clients = Clients::new(Arc::clone(&tokens), Duration::from_secs(3600));
        (tokens, clients)
    })
}

#[tokio::test]
async fn a_secret_gives_access_tokens_that_end_with_it_everywhere() {
    let store = Store::in_memory().unwrap();
    let [(tokens, clients), (_, elsewhere)] = gateways(&store);
    let (secret, _) = tokens.issue_secret(acme(), None).await.unwrap();
    let (kept, _) = tokens.issue_secret(acme(), None).await.unwrap();
    let mut given = Vec::new();
    for secret in [&secret, &kept] {
        let identified = clients.identify("acme", secret.reveal()).await;
        let (tenant, generation) = identified.unwrap();
        given.push(clients.grant(tenant, generation).token);
    }
    for gateway in [&clients, &elsewhere] {
        for token in &given {
            let admitted = gateway.admit(token.expose_secret()).await.unwrap();
            assert_eq!(admitted.tenant, acme());
        }
    }
    assert!(tokens.revoke(&acme(), secret.key_id()).await.unwrap());
    tokio::time::sleep(Duration::from_millis(600)).await;
    for gateway in [&clients, &elsewhere] {
        let [ended, lives] = [&given[0], &given[1]].map(|token| token.expose_secret());
        assert_eq!(gateway.admit(ended).await, Err(AuthFault::Revoked));
        assert!(gateway.admit(lives).await.is_ok());
    }
    let identified = clients.identify("acme", secret.reveal()).await;
    assert_eq!(identified, Err(AuthFault::Revoked));
}

/// A book that tells only which secrets are revoked, is counted, and may be shut.
#[derive(Default)]
struct Book {
    revoked: Mutex<Option<Vec<KeyId>>>,
    asked: AtomicUsize,
}

fn shut<'a, T>() -> Recall<'a, T> {
    Box::pin(async { Err(MemoryError("shut".into())) })
}

impl TokenBook for Book {
    fn key_ids(&self) -> Recall<'_, Vec<KeyId>> {
        shut()
    }

    fn find(&self, _: &KeyId) -> Recall<'_, Option<TokenRecord>> {
        shut()
    }

    fn insert(&self, _: TokenRecord) -> Recall<'_, Result<(), BookFault>> {
        shut()
    }

    fn revoke(&self, _: &TenantId, _: &KeyId, _: Timestamp) -> Recall<'_, bool> {
        shut()
    }

    fn note_uses(&self, _: Vec<(KeyId, Timestamp)>) -> Recall<'_, ()> {
        shut()
    }

    fn revoked_secrets(&self, _: Timestamp) -> Recall<'_, Vec<KeyId>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let revoked = self.revoked.lock().unwrap().clone();
        revoked.map_or_else(shut, |ids| Box::pin(async { Ok(ids) }))
    }

    fn list(&self, _: &TenantId) -> Recall<'_, Vec<TokenRecord>> {
        shut()
    }
}

#[tokio::test(start_paused = true)]
async fn access_tokens_cost_two_reads_a_second_and_a_shut_book_is_no_fault_of_theirs() {
    let book = Arc::new(Book::default());
    let tokens = Arc::new(Tokens::new(book.clone(), Pepper::random().unwrap()));
    let clients = Clients::new(tokens, Duration::from_secs(3600));
    let granted = clients.grant(acme(), access(0).generation);
    let token = granted.token.expose_secret();
    assert_eq!(clients.admit(token).await, Err(AuthFault::StoreUnavailable));
    *book.revoked.lock().unwrap() = Some(Vec::new());
    book.asked.store(0, Ordering::Relaxed);
    for _ in 0..5_000 {
        assert!(clients.admit(token).await.is_ok());
        advance(Duration::from_millis(1)).await;
    }
    let asked = book.asked.load(Ordering::Relaxed);
    assert!(asked <= 11, "{asked} reads in five seconds");
    // What was read last holds for five seconds, not longer.
    *book.revoked.lock().unwrap() = None;
    advance(Duration::from_millis(4_000)).await;
    assert!(clients.admit(token).await.is_ok());
    advance(Duration::from_millis(1_500)).await;
    assert_eq!(clients.admit(token).await, Err(AuthFault::StoreUnavailable));
    let Generation::Secret(key) = access(0).generation else {
        panic!("of a secret")
    };
    *book.revoked.lock().unwrap() = Some(vec![key]);
    assert_eq!(clients.admit(token).await, Err(AuthFault::Revoked));
}

#[tokio::test]
async fn a_secret_is_no_token_and_a_token_is_no_secret_and_neither_is_another_clients() {
    let store = Store::in_memory().unwrap();
    let [(tokens, clients), _] = gateways(&store);
    let (secret, _) = tokens.issue_secret(acme(), None).await.unwrap();
    let token = tokens.issue(acme(), None).await.unwrap();
    let refused = tokens.authenticate(secret.reveal()).await;
    assert_eq!(refused, Err(AuthFault::Malformed));
    let refused = clients.identify("acme", token.reveal()).await;
    assert_eq!(refused, Err(AuthFault::Malformed));
    // A secret under the prefix of a token: its checksum is another, and so would its digest be.
    let dressed = secret.reveal().replace("scs_", "scg_");
    let refused = tokens.authenticate(&dressed).await;
    assert_eq!(refused, Err(AuthFault::Malformed));
    let refused = clients.identify("beta", secret.reveal()).await;
    assert_eq!(refused, Err(AuthFault::Unknown));
}

#[tokio::test]
async fn a_secret_ends_in_one_to_three_years() {
    use crate::tenant::token::IssueFault;
    let store = Store::in_memory().unwrap();
    let [(tokens, _), _] = gateways(&store);
    let days = |days: i64| Timestamp::now() + jiff::SignedDuration::from_hours(days * 24);
    for refused in [0, 364, 1097, 4000] {
        let issued = tokens.issue_secret(acme(), Some(days(refused))).await;
        let fault = issued.map(drop).unwrap_err();
        assert!(matches!(fault, IssueFault::SecretLife), "{refused}");
    }
    for fits in [365, 1095] {
        let (_, ends) = tokens.issue_secret(acme(), Some(days(fits))).await.unwrap();
        assert!(ends <= days(fits));
    }
    let (_, ends) = tokens.issue_secret(acme(), None).await.unwrap();
    assert!(ends > days(729) && ends <= days(730));
    // Three of a kind, beside the tokens.
    assert!(tokens.issue_secret(acme(), None).await.is_err());
    assert!(tokens.issue(acme(), None).await.is_ok());
}

fn federation(section: &str) -> Federation {
    let written: federation::FederationFile = toml::from_str(section).unwrap();
    written.check("acme.toml").unwrap()
}

#[test]
fn tokens_of_federation_end_when_somebody_else_may_obtain_them_and_not_else() {
    let section = "entra_tenant = \"11111111-2222-3333-4444-555555555555\"\n\
                   subject = \"s\"\naudiences = [\"api://a\"]\n";
    let generation = |section: &str| federation(section).generation();
    let before = generation(section);
    for same in [
        section.replace("[\"api://a\"]", "[\"api://a\", \"b\"]"),
        format!("{section}keys_url = \"https://keys.example/\"\n"),
    ] {
        assert_eq!(generation(&same), before, "{same}");
    }
    for other in [
        section.replace("\"s\"", "\"t\""),
        section.replace("1111-2222", "1111-3333"),
        format!("{section}issuer = \"https://login.microsoftonline.us/x/v2.0\"\n"),
    ] {
        assert_ne!(generation(&other), before, "{other}");
    }
}

#[test]
fn a_section_needs_an_id_and_keys_that_come_safely() {
    let section = "entra_tenant = \"11111111-2222-3333-4444-555555555555\"\n\
                   subject = \"s\"\naudiences = [\"api://a\"]\n";
    let problems = |section: &str| {
        let written: federation::FederationFile = toml::from_str(section).unwrap();
        written
            .check("acme.toml")
            .map_or_else(|found| found.len(), |_| 0)
    };
    assert_eq!(problems(section), 0);
    let keys_url = |url: &str| format!("{section}keys_url = \"{url}\"\n");
    for good in [
        "https://keys.example/keys",
        "http://127.0.0.1:9/keys",
        "http://[::1]/keys",
    ] {
        assert_eq!(problems(&keys_url(good)), 0, "{good}");
    }
    for bad in [
        "http://keys.example/",
        "http://localhost/",
        "file:///keys",
        "ftp://127.0.0.1/",
        "https://a:b@keys.example/",
        "keys",
        "",
    ] {
        assert_eq!(problems(&keys_url(bad)), 1, "{bad}");
    }
    for (from, to) in [
        ("11111111-2222-3333-4444-555555555555", "contoso.com"),
        ("\"s\"", "\"\""),
        ("[\"api://a\"]", "[]"),
        ("[\"api://a\"]", "[\"\"]"),
    ] {
        assert_eq!(problems(&section.replace(from, to)), 1, "{to}");
    }
}
