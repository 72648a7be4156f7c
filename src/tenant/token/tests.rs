#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::{MemoryError, Recall};
use crate::store::Store;

const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn tokens(store: &Store) -> Tokens {
    Tokens::new(Arc::new(store.clone()), Pepper::random().unwrap())
}

fn random(below: usize) -> usize {
    (getrandom::u64().unwrap() % below as u64) as usize
}

#[test]
fn a_token_has_the_registered_form_and_is_never_the_same() {
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let text = SecretToken::mint(TokenKind::Tenant)
            .unwrap()
            .reveal()
            .to_owned();
        assert_eq!((text.len(), &text[..4], &text[12..13]), (62, "scg_", "_"));
        assert!(
            text[4..12]
                .bytes()
                .chain(text[13..].bytes())
                .all(|b| ALPHABET.contains(&b))
        );
        assert_eq!(
            SecretToken::parse(TokenKind::Tenant, &text)
                .unwrap()
                .reveal(),
            text
        );
        assert!(seen.insert(text[4..12].to_owned()) && seen.insert(text[13..56].to_owned()));
    }
}

#[test]
fn every_single_wrong_character_is_found() {
    let mut tried = 0;
    while tried < 100_000 {
        let good = SecretToken::mint(TokenKind::Tenant).unwrap();
        for place in 0..62 {
            let mut bytes = good.reveal().as_bytes().to_vec();
            let wrong = ALPHABET[random(62)];
            if bytes[place] == wrong {
                continue;
            }
            bytes[place] = wrong;
            let typo = String::from_utf8(bytes).unwrap();
            let expect = match place {
                0..4 | 12 => TokenFault::Shape,
                _ => TokenFault::Checksum,
            };
            assert_eq!(
                SecretToken::parse(TokenKind::Tenant, &typo).unwrap_err(),
                expect,
                "at {place}"
            );
            tried += 1;
        }
    }
}

#[test]
fn swapped_neighbours_are_found() {
    for _ in 0..200 {
        let good = SecretToken::mint(TokenKind::Tenant).unwrap();
        for place in 13..61 {
            let mut bytes = good.reveal().as_bytes().to_vec();
            bytes.swap(place, place + 1);
            let swapped = String::from_utf8(bytes).unwrap();
            assert!(
                swapped == good.reveal()
                    || SecretToken::parse(TokenKind::Tenant, &swapped).is_err()
            );
        }
    }
}

#[test]
fn cut_off_and_padded_texts_are_refused() {
    let good = SecretToken::mint(TokenKind::Tenant).unwrap();
    let text = good.reveal();
    for end in 0..62 {
        assert_eq!(
            SecretToken::parse(TokenKind::Tenant, &text[..end]).unwrap_err(),
            TokenFault::Shape
        );
    }
    for bad in [
        format!("{text}0"),
        format!("{text} "),
        format!(" {text}"),
        format!("{text}\n"),
        format!("Bearer {text}"),
        text.to_uppercase(),
        text.replace('_', "-"),
        "ä".repeat(31),
        format!("scg_{}", "é".repeat(29)),
    ] {
        assert_eq!(
            SecretToken::parse(TokenKind::Tenant, &bad).unwrap_err(),
            TokenFault::Shape,
            "{bad:?}"
        );
    }
}

#[test]
fn random_texts_are_refused() {
    for _ in 0..100_000 {
        let mut bytes = [0; 62];
        getrandom::fill(&mut bytes).unwrap();
        let mut text: String = bytes
            .iter()
            .map(|b| char::from(ALPHABET[usize::from(b % 62)]))
            .collect();
        assert!(SecretToken::parse(TokenKind::Tenant, &text).is_err());
        text.replace_range(..4, "scg_");
        text.replace_range(12..13, "_");
        assert_eq!(
            SecretToken::parse(TokenKind::Tenant, &text).unwrap_err(),
            TokenFault::Checksum
        );
    }
}

/// Computed with Python's `zlib.crc32` and `hmac`, which share no code with ours.
#[test]
fn checksum_and_digest_are_the_standard_ones() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("pepper");
    Pepper::open(&path).unwrap();
    std::fs::write(&path, [7; 32]).unwrap();
    let text = "scg_3kTq9ZbX_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf0K9uMD";
    let digest = SecretToken::parse(TokenKind::Tenant, text)
        .unwrap()
        .digest(&Pepper::open(&path).unwrap());
    let hex: String = digest
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "12c9fb61da20feb6ee3078602d5114bb04cb3fe9f3625066b9a332b200a94934"
    );
}

#[test]
fn the_digest_depends_on_every_character_and_on_the_pepper() {
    let (pepper, other) = (Pepper::random().unwrap(), Pepper::random().unwrap());
    let token = SecretToken::mint(TokenKind::Tenant).unwrap();
    let digest = token.digest(&pepper);
    assert!(
        digest.matches(
            &SecretToken::parse(TokenKind::Tenant, token.reveal())
                .unwrap()
                .digest(&pepper)
        )
    );
    assert!(!digest.matches(&token.digest(&other)));
    assert!(
        !digest.matches(
            &SecretToken::mint(TokenKind::Tenant)
                .unwrap()
                .digest(&pepper)
        )
    );
}

#[test]
fn nothing_prints_a_secret() {
    let pepper = Pepper::random().unwrap();
    let token = SecretToken::mint(TokenKind::Tenant).unwrap();
    let record = TokenRecord::new(&token, &pepper, acme(), Timestamp::now(), None);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let printed = format!(
        "{token:?} {pepper:?} {record:?} {:?} {:#?} {:?}",
        record.digest,
        record,
        SecretToken::parse(TokenKind::Tenant, token.reveal())
    );
    assert!(!printed.contains(&token.reveal()[13..30]), "{printed}");
    for secret in [&pepper.block()[..32], record.digest.as_bytes()] {
        assert!(!printed.contains(&hex(secret)[..8]));
        assert!(!printed.contains(&format!("{}, {}, {}", secret[0], secret[1], secret[2])));
    }
    assert!(printed.contains(token.key_id().as_str()));
}

#[test]
fn a_token_admits_its_tenant_and_no_other_does() {
    let store = Store::in_memory().unwrap();
    let tokens = tokens(&store);
    block_on(async {
        let ours = tokens.issue(acme(), None).await.unwrap();
        assert_eq!(tokens.authenticate(ours.reveal()).await, Ok(acme()));
        let strange = SecretToken::mint(TokenKind::Tenant).unwrap();
        let refused = tokens.authenticate(strange.reveal()).await;
        assert_eq!(refused, Err(AuthFault::Unknown));
        let refused = tokens.authenticate("scg_x").await;
        assert_eq!(refused, Err(AuthFault::Malformed));
        let signed = format!("scg_{}_{}", ours.key_id(), &strange.reveal()[13..56]);
        let forged = format!("{signed}{}", checksum(&signed));
        assert_eq!(tokens.authenticate(&forged).await, Err(AuthFault::Unknown));
    });
}

#[test]
fn the_end_of_a_token_is_told_apart_only_to_its_owner() {
    let store = Store::in_memory().unwrap();
    let tokens = tokens(&store);
    let now = Timestamp::now();
    block_on(async {
        let past = tokens
            .issue(acme(), Some(now - SignedDuration::from_secs(1)))
            .await
            .unwrap();
        let soon = tokens
            .issue(acme(), Some(now + SignedDuration::from_hours(1)))
            .await
            .unwrap();
        assert_eq!(
            tokens.authenticate(past.reveal()).await,
            Err(AuthFault::Expired)
        );
        assert_eq!(tokens.authenticate(soon.reveal()).await, Ok(acme()));
        assert!(tokens.revoke(&acme(), soon.key_id()).await.unwrap());
        assert_eq!(
            tokens.authenticate(soon.reveal()).await,
            Err(AuthFault::Revoked)
        );
    });
}

#[test]
fn a_tenant_revokes_its_own_tokens_only_and_has_three_at_most() {
    let store = Store::in_memory().unwrap();
    let tokens = tokens(&store);
    let other = TenantId::parse("other").unwrap();
    let past = Some(Timestamp::UNIX_EPOCH);
    block_on(async {
        tokens.issue(acme(), past).await.unwrap();
        let first = tokens.issue(acme(), None).await.unwrap();
        for _ in 1..LIVE_TOKENS {
            tokens.issue(acme(), None).await.unwrap();
        }
        let refused = tokens.issue(acme(), None).await.unwrap_err().to_string();
        assert!(refused.contains("revoke one first"), "{refused}");
        tokens.issue(other.clone(), None).await.unwrap();
        assert!(!tokens.revoke(&other, first.key_id()).await.unwrap());
        assert_eq!(tokens.authenticate(first.reveal()).await, Ok(acme()));
        assert!(tokens.revoke(&acme(), first.key_id()).await.unwrap());
        tokens.issue(acme(), None).await.unwrap();
        let listed = store.list(&acme()).await.unwrap();
        assert_eq!(listed.len(), 5);
        assert_eq!(
            listed
                .iter()
                .filter(|record| record.revoked.is_some())
                .count(),
            1
        );
        assert!(listed.is_sorted_by_key(|record| record.created));
    });
}

#[test]
fn a_record_comes_back_as_it_was_and_a_key_id_is_taken_once() {
    let store = Store::in_memory().unwrap();
    let pepper = Pepper::random().unwrap();
    let token = SecretToken::mint(TokenKind::Tenant).unwrap();
    let at = |second: i64| Timestamp::from_millisecond(second * 1000 + 7).unwrap();
    let record = TokenRecord::new(&token, &pepper, acme(), at(1), Some(at(9)));
    block_on(async {
        store.insert(record.clone()).await.unwrap().unwrap();
        let twin = TokenRecord {
            tenant: TenantId::parse("other").unwrap(),
            ..record.clone()
        };
        let taken = store.insert(twin).await.unwrap().unwrap_err();
        assert!(matches!(taken, BookFault::Taken(key) if key == record.key_id));
        for time in [5, 6] {
            assert!(
                store
                    .revoke(&acme(), token.key_id(), at(time))
                    .await
                    .unwrap()
            );
        }
        let found = store.find(token.key_id()).await.unwrap().unwrap();
        assert_eq!((found.tenant, found.created), (acme(), at(1)));
        assert_eq!((found.expires, found.revoked), (Some(at(9)), Some(at(5))));
        assert!(found.digest.matches(&record.digest));
    });
}

/// Two gateways on one database: the one that did not revoke.
#[test]
fn a_token_revoked_elsewhere_is_dead_within_a_second() {
    let store = Store::in_memory().unwrap();
    let here = tokens(&store);
    block_on(async {
        let token = here.issue(acme(), None).await.unwrap();
        here.authenticate(token.reveal()).await.unwrap();
        store
            .revoke(&acme(), token.key_id(), Timestamp::now())
            .await
            .unwrap();
        let revoked = Instant::now();
        while here.authenticate(token.reveal()).await.is_ok() {
            assert!(revoked.elapsed() < Duration::from_millis(1050));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(
            here.authenticate(token.reveal()).await,
            Err(AuthFault::Revoked)
        );
    });
}

/// A book that does not open, and one that counts how often it is asked.
struct Book(Option<Store>, std::sync::atomic::AtomicUsize);

impl TokenBook for Book {
    fn key_ids(&self) -> Recall<'_, Vec<KeyId>> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match &self.0 {
            Some(store) => store.key_ids(),
            None => Box::pin(async { Err(MemoryError("closed".into())) }),
        }
    }

    fn find(&self, key_id: &KeyId) -> Recall<'_, Option<TokenRecord>> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match &self.0 {
            Some(store) => store.find(key_id),
            None => Box::pin(async { Err(MemoryError("closed".into())) }),
        }
    }

    fn insert(&self, _: TokenRecord) -> Recall<'_, Result<(), BookFault>> {
        Box::pin(async { Err(MemoryError("closed".into())) })
    }

    fn revoke(&self, _: &TenantId, _: &KeyId, _: Timestamp) -> Recall<'_, bool> {
        Box::pin(async { Err(MemoryError("closed".into())) })
    }

    fn note_uses(&self, _: Vec<(KeyId, Timestamp)>) -> Recall<'_, ()> {
        Box::pin(async { Err(MemoryError("closed".into())) })
    }

    fn revoked_secrets(&self, since: Timestamp) -> Recall<'_, Vec<KeyId>> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match &self.0 {
            Some(store) => store.revoked_secrets(since),
            None => Box::pin(async { Err(MemoryError("closed".into())) }),
        }
    }

    fn list(&self, _: &TenantId) -> Recall<'_, Vec<TokenRecord>> {
        Box::pin(async { Err(MemoryError("closed".into())) })
    }
}

fn asked(store: Option<Store>, times: usize) -> (Result<TenantId, AuthFault>, usize) {
    let book = Arc::new(Book(store, 0.into()));
    let tokens = Tokens::new(book.clone(), Pepper::random().unwrap());
    let stranger = SecretToken::mint(TokenKind::Tenant).unwrap();
    let mut last = Err(AuthFault::Malformed);
    for _ in 0..times {
        last = block_on(tokens.authenticate(stranger.reveal()));
    }
    (last, book.1.load(std::sync::atomic::Ordering::Relaxed))
}

#[test]
fn a_closed_store_is_not_an_unknown_token_and_is_asked_again() {
    assert_eq!(asked(None, 3), (Err(AuthFault::StoreUnavailable), 3));
}

#[test]
fn an_unknown_token_is_looked_up_once_a_second() {
    let store = Store::in_memory().unwrap();
    let (last, times) = asked(Some(store), 10);
    assert_eq!(last, Err(AuthFault::Unknown));
    assert!(times <= 2, "{times} look-ups");
}

#[test]
fn ten_thousand_invented_tokens_are_few_look_ups_and_a_good_one_works_all_the_same() {
    let store = Store::in_memory().unwrap();
    let book = Arc::new(Book(Some(store.clone()), 0.into()));
    let pepper = Arc::new(Pepper::random().unwrap());
    let tokens = Tokens::new(book.clone(), Arc::clone(&pepper));
    let elsewhere = Tokens::new(Arc::new(store), pepper);
    let acme = TenantId::parse("acme").unwrap();
    let good = block_on(elsewhere.issue(acme.clone(), None)).unwrap();
    let began = std::time::Instant::now();
    for _ in 0..10_000 {
        let stranger = SecretToken::mint(TokenKind::Tenant).unwrap();
        let told = block_on(tokens.authenticate(stranger.reveal()));
        assert_eq!(told, Err(AuthFault::Unknown));
    }
    let seconds = began.elapsed().as_secs() as usize + 1;
    let times = book.1.load(std::sync::atomic::Ordering::Relaxed);
    assert!(times <= 50 + 21 * seconds, "{times} look-ups");
    assert_eq!(block_on(tokens.authenticate(good.reveal())), Ok(acme));
}

/// A gateway that has just started is asked everything at once.
#[test]
fn however_many_come_at_once_with_a_good_token_all_are_admitted() {
    let (store, pepper) = (
        Store::in_memory().unwrap(),
        Arc::new(Pepper::random().unwrap()),
    );
    let elsewhere = Tokens::new(Arc::new(store.clone()), Arc::clone(&pepper));
    let good = block_on(elsewhere.issue(acme(), None)).unwrap();
    let tokens = Arc::new(Tokens::new(Arc::new(store), pepper));
    block_on(async {
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (tokens, text) = (Arc::clone(&tokens), good.reveal().to_owned());
            asking.spawn(async move { tokens.authenticate(&text).await });
        }
        let admitted = asking.join_all().await;
        assert!(admitted.iter().all(|it| *it == Ok(acme())), "{admitted:?}");
    });
}

#[test]
fn a_pepper_is_made_once_and_kept() {
    let directory = TempDir::new().unwrap();
    let path = Pepper::beside(&directory.path().join("scimgate.db"));
    assert!(path.ends_with("scimgate.pepper"));
    let together: Vec<[u8; 64]> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Pepper::open(&path).unwrap().block()))
            .collect();
        openers
            .into_iter()
            .map(|opener| opener.join().unwrap())
            .collect()
    });
    assert!(together.iter().all(|block| *block == together[0]));
    assert_eq!(Pepper::open(&path).unwrap().block(), together[0]);
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[track_caller]
fn check_refused(path: &Path, expect: &str) {
    let error = Pepper::open(path).unwrap_err().to_string();
    assert!(error.contains(expect), "{error}");
}

#[test]
fn a_pepper_that_is_none_is_refused_with_the_way_out() {
    let directory = TempDir::new().unwrap();
    let short = directory.path().join("scimgate.pepper");
    std::fs::write(&short, [1; 31]).unwrap();
    check_refused(&short, "31 bytes instead of 32; restore it");
    check_refused(&short.join("below"), "writable for this user");
}

#[cfg(unix)]
#[test]
fn a_pepper_that_every_user_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("scimgate.pepper");
    let key = Pepper::open(&path).unwrap().block();
    let may = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    may(0o644);
    check_refused(&path, "chmod o-rwx");
    // A volume in a cluster belongs to a group.
    may(0o660);
    assert_eq!(Pepper::open(&path).unwrap().block(), key);
}

#[test]
fn a_use_is_noted_once_a_second_and_told_until_the_book_takes_it() {
    block_on(async {
        let store = Store::in_memory().unwrap();
        let tokens = tokens(&store);
        let (used, unused) = (
            tokens.issue(acme(), None).await.unwrap(),
            tokens.issue(acme(), None).await.unwrap(),
        );
        let before = Timestamp::now();
        for _ in 0..3 {
            tokens.authenticate(used.reveal()).await.unwrap();
        }
        // Its key id alone is no use of it.
        let mut forged = unused.reveal().to_owned();
        forged.replace_range(20..21, if &forged[20..21] == "a" { "b" } else { "a" });
        assert!(tokens.authenticate(&forged).await.is_err());
        let last = async |token: &SecretToken| {
            let records = tokens.list(&acme()).await.unwrap();
            let mut records = records.into_iter();
            let record = records.find(|record| record.key_id == *token.key_id());
            record.unwrap().used
        };
        assert_eq!(last(&used).await, None, "not before it is told");
        tokens.note_uses().await;
        let noted = last(&used).await.unwrap();
        assert!(noted.as_millisecond() >= before.as_millisecond());
        assert_eq!(last(&unused).await, None);
        let earlier = vec![(used.key_id().clone(), Timestamp::UNIX_EPOCH)];
        store.note_uses(earlier).await.unwrap();
        assert_eq!(last(&used).await, Some(noted), "the later one stays");
    });
}
