//! Forms and headers that show nobody, or two, or are no request for a token.

use super::{Case, OWN, SHARED, case};
use crate::harness::Request;
use crate::oauth::issuer::base64;
use crate::oauth::{Client, basic, form, raw};

/// What is no request for a token.
pub(super) fn malformed(a: &Client) -> Vec<Case> {
    let good = form(OWN, &a.pairs());
    let body = String::from_utf8(good.body.clone().unwrap()).unwrap();
    let with = |more: &str| raw(OWN, format!("{body}&{more}"));
    let of_type = |value: &str| good.clone().header("Content-Type", value);
    let by = |method: &str| Request {
        method: method.to_owned(),
        ..good.clone()
    };
    let query = Request {
        target: format!("{OWN}?{body}"),
        ..raw(OWN, "grant_type=client_credentials")
    };
    let bad = "invalid_request";
    vec![
        case("GET", by("GET"), 405, bad),
        case("PUT", by("PUT"), 405, bad),
        case("DELETE", by("DELETE"), 405, bad),
        case("an invented method", by("FETCH"), 405, bad),
        case("credentials in the URL", query, 400, bad),
        case("JSON", of_type("application/json"), 400, bad),
        case("SCIM", of_type("application/scim+json"), 400, bad),
        case(
            "several parts",
            of_type("multipart/form-data; boundary=x"),
            400,
            bad,
        ),
        case("no type", good.clone().without("Content-Type"), 400, bad),
        case(
            "JSON as a form",
            raw(OWN, "{\"grant_type\":\"client_credentials\"}"),
            400,
            bad,
        ),
        case("nothing", raw(OWN, ""), 400, bad),
        case(
            "1 MB",
            with(&format!("x={}", "y".repeat(1 << 20))),
            413,
            bad,
        ),
        case(
            "a thousand parameters",
            with(&(0..1000).map(|n| format!("p{n}&")).collect::<String>()),
            400,
            bad,
        ),
        case(
            "17 KiB",
            with(&format!("x={}", "y".repeat(17 << 10))),
            413,
            bad,
        ),
        case(
            "a compressed body",
            good.clone().header("Content-Encoding", "gzip"),
            415,
            bad,
        ),
        case(
            "two grant types",
            with("grant_type=client_credentials"),
            400,
            bad,
        ),
        case("two client ids", with("client_id=b"), 400, bad),
        case(
            "two secrets",
            with(&format!("client_secret={}", a.secret)),
            400,
            bad,
        ),
        case("two scopes", with("scope=x&scope=x"), 400, bad),
        case("two of what is unknown", with("x=1&x=2"), 400, bad),
        case(
            "a secret without a client",
            raw(
                SHARED,
                format!("grant_type=client_credentials&client_secret={}", a.secret),
            ),
            400,
            bad,
        ),
        case(
            "no grant type",
            raw(OWN, format!("client_id=a&client_secret={}", a.secret)),
            400,
            bad,
        ),
        case(
            "an empty grant type",
            raw(
                OWN,
                format!("grant_type=&client_id=a&client_secret={}", a.secret),
            ),
            400,
            bad,
        ),
        case(
            "bytes that are no text",
            raw(OWN, vec![0xff, 0xfe, b'=', 0x80]),
            400,
            bad,
        ),
        case(
            "a scope of 2 KiB",
            with(&format!("scope={}", "s".repeat(2048))),
            400,
            "invalid_scope",
        ),
        case(
            "a scope with a quote",
            with("scope=a%22b"),
            400,
            "invalid_scope",
        ),
        case(
            "a scope with a line end",
            with("scope=a%0d%0ab"),
            400,
            "invalid_scope",
        ),
        case(
            "a scope that is not ASCII",
            with("scope=%C3%A4"),
            400,
            "invalid_scope",
        ),
        case(
            "nobody",
            raw(OWN, "grant_type=client_credentials"),
            401,
            "invalid_client",
        ),
        case(
            "an id alone",
            raw(OWN, "grant_type=client_credentials&client_id=a"),
            401,
            "invalid_client",
        ),
        case(
            "an empty secret",
            raw(
                OWN,
                "grant_type=client_credentials&client_id=a&client_secret=",
            ),
            401,
            "invalid_client",
        ),
    ]
}

pub(super) fn other_grants(a: &Client) -> Vec<Case> {
    let asking = |grant: &str| {
        let pairs = [
            ("grant_type", grant),
            ("client_id", "a"),
            ("client_secret", &a.secret),
            ("username", "u"),
            ("password", "p"),
            ("code", "c"),
            ("refresh_token", "r"),
            ("assertion", "x"),
        ];
        form(OWN, &pairs)
    };
    let grants = [
        ("a password", "password"),
        ("a code", "authorization_code"),
        ("a refresh token", "refresh_token"),
        ("an implicit grant", "implicit"),
        (
            "an assertion as a grant",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ),
        (
            "SAML as a grant",
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
        ),
        (
            "an exchange",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("a device", "urn:ietf:params:oauth:grant-type:device_code"),
        ("another case", "Client_Credentials"),
        ("a grant with a space", "client_credentials "),
    ];
    let unsupported = "unsupported_grant_type";
    grants
        .map(|(name, grant)| case(name, asking(grant), 400, unsupported))
        .into()
}

/// Headers that show nobody, or two.
pub(super) fn odd_headers(a: &Client, token: &str) -> Vec<Case> {
    let grant = raw(OWN, "grant_type=client_credentials");
    let shown = |value: &str| grant.clone().header("Authorization", value);
    let good = basic("a", &a.secret);
    let mut twice = shown(&good);
    twice
        .headers
        .push(("Authorization".to_owned(), good.clone()));
    let (who, bad) = ("invalid_client", "invalid_request");
    let other =
        raw(OWN, "grant_type=client_credentials&client_id=b").header("Authorization", &good);
    vec![
        case("two Authorization headers", twice, 400, bad),
        case(
            "header and body",
            form(OWN, &a.pairs()).header("Authorization", &good),
            400,
            bad,
        ),
        case("a header for another than the body", other, 400, bad),
        case(
            "a header of 9 KiB",
            shown(&format!("Basic {}", "A".repeat(9 << 10))),
            400,
            bad,
        ),
        case(
            "a bearer token in the header",
            shown(&format!("Bearer {token}")),
            401,
            who,
        ),
        case("a digest", shown("Digest username=\"a\""), 401, who),
        case("no base64", shown("Basic !!!!"), 401, who),
        case(
            "no colon",
            shown(&format!("Basic {}", base64("a"))),
            401,
            who,
        ),
        case("an empty header", shown("Basic "), 401, who),
        case("only a colon", shown(&basic("", "")), 401, who),
        case("no secret", shown(&basic("a", "")), 401, who),
        case(
            "the secret as the id",
            shown(&basic(&a.secret, "a")),
            401,
            who,
        ),
        case(
            "a secret and more",
            shown(&basic("a", &format!("{}:x", a.secret))),
            401,
            who,
        ),
        case(
            "another id in the header",
            shown(&basic("b", &a.secret)),
            401,
            who,
        ),
    ]
}
