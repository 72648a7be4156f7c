#![allow(clippy::unwrap_used)]

use super::*;

const HERE: Scope<'_> = Scope {
    tenant: "acme",
    query: "Users|userName pr|",
};
const CURSOR: Cursor = Cursor {
    position: 40,
    count: 20,
};
const NOW: u64 = 1_700_000_000;

fn key() -> CursorKey {
    CursorKey::new([7; 32])
}

#[track_caller]
fn check(text: &str, scope: Scope<'_>, now: u64, want: Result<Cursor, &str>) {
    let got = key().open(text, scope, now);
    let got = got.map_err(|error| error.scim_type.unwrap().as_str());
    assert_eq!(got, want, "{text}");
}

#[test]
fn a_cursor_is_good_for_its_query_and_its_time() {
    let text = key().seal(CURSOR, HERE, NOW);
    check(&text, HERE, NOW, Ok(CURSOR));
    check(&text, HERE, NOW + TIMEOUT, Ok(CURSOR));
    check(&text, HERE, NOW + TIMEOUT + 1, Err("expiredCursor")); // R121
    check(&text, HERE, NOW - 5, Ok(CURSOR)); // clocks of two replicas
}

#[test]
fn a_cursor_gives_no_rights() {
    // R152
    let text = key().seal(CURSOR, HERE, NOW);
    let (tenant, query) = (HERE.tenant, HERE.query);
    for (tenant, query) in [
        ("other", query),
        (tenant, "Groups|userName pr|"),
        (tenant, "Users|userName pr|userName"),
        ("acmeU", "sers|userName pr|"),
        ("", query),
    ] {
        let scope = Scope { tenant, query };
        check(&text, scope, NOW, Err("invalidCursor"));
    }
    let other = CursorKey::new([8; 32]).seal(CURSOR, HERE, NOW);
    check(&other, HERE, NOW, Err("invalidCursor"));
}

#[test]
fn every_changed_character_is_noticed() {
    let text = key().seal(CURSOR, HERE, NOW);
    for at in 0..text.len() {
        for digit in ["0", "f", "G", "-"] {
            let mut forged = text.clone();
            forged.replace_range(at..=at, digit);
            if forged != text {
                check(&forged, HERE, NOW, Err("invalidCursor"));
            }
        }
        check(&text[..at], HERE, NOW, Err("invalidCursor"));
    }
    for text in [
        format!("{text}00"),
        text.to_uppercase(),
        "ä".into(),
        "0".repeat(100_000),
    ] {
        check(&text, HERE, NOW, Err("invalidCursor"));
    }
}

#[test]
fn a_cursor_is_made_of_unreserved_characters() {
    // R120
    let text = key().seal(CURSOR, HERE, NOW);
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(text.len(), 2 * (PAYLOAD + SEAL));
}

#[test]
fn the_count_stays() {
    assert_eq!(CURSOR.require_count(20), Ok(CURSOR));
    let error = CURSOR.require_count(21).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidCount)); // R121
}
