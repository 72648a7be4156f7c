//! Assertions that Entra would not make.

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use hmac::{Hmac, KeyInit as _, Mac as _};
use scimgate::tenant::token::{SecretToken, TokenKind};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::oauth::federation::{AUDIENCES, ENTRA, SUBJECTS, claims, header, now};
use crate::oauth::issuer::{Issuer, Key, base64};

/// What is signed as it should not be, or says what it should not say.
pub(super) fn assertions(key: &Key, other: &Key, issuer: &Issuer) -> Vec<(&'static str, String)> {
    let mut all = signatures(key, other);
    all.extend(headers(key, other, issuer));
    all.extend(statements(key));
    all.extend(texts(key));
    all
}

fn signatures(key: &Key, other: &Key) -> Vec<(&'static str, String)> {
    let good = key.sign(&header(key), &claims());
    let (said, _) = good.rsplit_once('.').unwrap();
    let claimed = claims().to_string();
    let algorithm = |alg: Value| json!({"alg": alg, "typ": "JWT", "kid": key.kid}).to_string();
    let signed = |alg: Value, way| key.sign_text(&algorithm(alg), &claimed, way);
    let unsigned = |alg: &str| format!("{}.{}.", base64(algorithm(json!(alg))), base64(&claimed));
    let secret = |secret: &str| {
        let said = format!("{}.{}", base64(algorithm(json!("HS256"))), base64(&claimed));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(said.as_bytes());
        format!("{said}.{}", base64(mac.finalize().into_bytes()))
    };
    let mut changed = claims();
    changed["exp"] = json!(now() + 7200);
    let public = key.public();
    vec![
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg nOnE", unsigned("nOnE")),
        ("an empty alg", unsigned("")),
        ("alg RS256 unsigned", unsigned("RS256")),
        (
            "HS256 with the modulus",
            secret(public["n"].as_str().unwrap()),
        ),
        ("HS256 with the published key", secret(&public.to_string())),
        ("HS256 with nothing", secret("")),
        ("RS384", signed(json!("RS384"), &RSA_PKCS1_SHA384)),
        ("RS512", signed(json!("RS512"), &RSA_PKCS1_SHA512)),
        ("PS256", signed(json!("PS256"), &RSA_PSS_SHA256)),
        ("PSS under RS256", signed(json!("RS256"), &RSA_PSS_SHA256)),
        (
            "SHA-384 under RS256",
            signed(json!("RS256"), &RSA_PKCS1_SHA384),
        ),
        ("ES256", signed(json!("ES256"), &RSA_PKCS1_SHA256)),
        ("EdDSA", signed(json!("EdDSA"), &RSA_PKCS1_SHA256)),
        ("rs256", signed(json!("rs256"), &RSA_PKCS1_SHA256)),
        (
            "a list of algs",
            signed(json!(["RS256"]), &RSA_PKCS1_SHA256),
        ),
        ("another's signature", other.sign(&header(key), &claims())),
        ("no signature", format!("{said}.")),
        ("a cut signature", good[..good.len() - 8].to_owned()),
        ("a padded signature", format!("{good}==")),
        ("changed claims", swapped(&good, 1, &changed)),
        (
            "a changed header",
            swapped(&good, 0, &json!({"alg": "RS256", "kid": key.kid})),
        ),
    ]
}

/// With another part in its place, under the old signature.
fn swapped(good: &str, place: usize, part: &Value) -> String {
    let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    parts[place] = base64(part.to_string());
    parts.join(".")
}

fn headers(key: &Key, other: &Key, issuer: &Issuer) -> Vec<(&'static str, String)> {
    let named = |kid: Value| key.sign(&json!({"alg": "RS256", "kid": kid}), &claims());
    let with = |signer: &Key, name: &str, value: Value| {
        let mut header = header(key);
        header[name] = value;
        signer.sign(&header, &claims())
    };
    let text = |header: String| key.sign_text(&header, &claims().to_string(), &RSA_PKCS1_SHA256);
    let kid = &key.kid;
    vec![
        ("no kid", key.sign(&json!({"alg": "RS256"}), &claims())),
        ("no alg", key.sign(&json!({"kid": kid}), &claims())),
        ("an empty kid", named(json!(""))),
        ("kid null", named(json!(null))),
        ("a number for a kid", named(json!(7))),
        ("kid traversal", named(json!("../../../../dev/null"))),
        ("kid traversal to the key", named(json!(format!("./{kid}")))),
        ("SQL for a kid", named(json!("x' UNION SELECT 'key"))),
        ("a kid with a zero byte", named(json!(format!("{kid}\0")))),
        ("a kid in capitals", named(json!(kid.to_uppercase()))),
        ("a kid of 4 KiB", named(json!("k".repeat(4096)))),
        ("a kid that is a URL", named(json!(issuer.keys_url))),
        (
            "the kid of another key",
            other.sign(&json!({"alg": "RS256", "kid": kid}), &claims()),
        ),
        ("an unpublished key", other.sign(&header(other), &claims())),
        ("jku", with(other, "jku", json!("http://127.0.0.1:9/keys"))),
        (
            "jku of the issuer",
            with(key, "jku", json!(issuer.keys_url)),
        ),
        (
            "x5u",
            with(key, "x5u", json!("http://169.254.169.254/cert")),
        ),
        ("a key brought along", with(other, "jwk", other.public())),
        (
            "a certificate brought along",
            with(key, "x5c", json!(["MIIB"])),
        ),
        ("crit", with(key, "crit", json!(["exp"]))),
        ("an unencoded payload", with(key, "b64", json!(false))),
        ("encryption", with(key, "enc", json!("A128GCM"))),
        ("compression", with(key, "zip", json!("DEF"))),
        (
            "alg twice",
            text(format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#)),
        ),
        (
            "kid twice",
            text(format!(r#"{{"alg":"RS256","kid":"x","kid":"{kid}"}}"#)),
        ),
    ]
}

fn statements(key: &Key) -> Vec<(&'static str, String)> {
    let saying = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        key.sign(&header(key), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        key.sign(&header(key), &claims)
    };
    let twice = |name: &str, value: Value| {
        let said = claims().to_string();
        let doubled = format!("{{\"{name}\":{value},{}", &said[1..]);
        key.sign_text(&header(key).to_string(), &doubled, &RSA_PKCS1_SHA256)
    };
    let issued = |tid: &str| format!("https://login.microsoftonline.com/{tid}/v2.0");
    let mut theirs = claims();
    theirs["iss"] = json!(issued(ENTRA[1]));
    theirs["tid"] = json!(ENTRA[1]);
    theirs["sub"] = json!(SUBJECTS[1]);
    let v1 = format!("https://sts.windows.net/{}/", ENTRA[0]);
    let gallery = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
    vec![
        (
            "another customer's assertion",
            key.sign(&header(key), &theirs),
        ),
        (
            "iss of another tenant",
            saying("iss", json!(issued(ENTRA[1]))),
        ),
        ("iss of version 1", saying("iss", json!(v1))),
        (
            "iss with a slash",
            saying("iss", json!(format!("{}/", issued(ENTRA[0])))),
        ),
        (
            "iss in capitals",
            saying("iss", json!(issued(ENTRA[0]).to_uppercase())),
        ),
        ("iss common", saying("iss", json!(issued("common")))),
        ("several iss", saying("iss", json!([issued(ENTRA[0])]))),
        ("no iss", without("iss")),
        ("tid of another tenant", saying("tid", json!(ENTRA[1]))),
        ("no tid", without("tid")),
        ("aud of another app", saying("aud", json!("api://other"))),
        ("aud of all custom apps", saying("aud", json!(gallery))),
        (
            "aud with more",
            saying("aud", json!(format!("{}/.default", AUDIENCES[0]))),
        ),
        (
            "several aud",
            saying("aud", json!([AUDIENCES[0], "api://other"])),
        ),
        ("no aud", without("aud")),
        ("another sub", saying("sub", json!(SUBJECTS[1]))),
        ("no sub", without("sub")),
        ("past its exp", saying("exp", json!(now() - 400))),
        ("exp 0", saying("exp", json!(0))),
        ("a negative exp", saying("exp", json!(-1))),
        (
            "exp as a text",
            saying("exp", json!((now() + 600).to_string())),
        ),
        ("exp in a month", saying("exp", json!(now() + 30 * 86_400))),
        ("exp beyond all numbers", saying("exp", json!(u64::MAX))),
        ("no exp", without("exp")),
        ("before its nbf", saying("nbf", json!(now() + 400))),
        ("issued later", saying("iat", json!(now() + 400))),
        ("iss twice", twice("iss", json!(issued(ENTRA[1])))),
        ("tid twice", twice("tid", json!(ENTRA[1]))),
        ("aud twice", twice("aud", json!("api://other"))),
        ("sub twice", twice("sub", json!(SUBJECTS[1]))),
        ("exp twice", twice("exp", json!(1))),
    ]
}

/// What is no assertion at all.
fn texts(key: &Key) -> Vec<(&'static str, String)> {
    let good = key.sign(&header(key), &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let claiming =
        |claims: &str| key.sign_text(&header(key).to_string(), claims, &RSA_PKCS1_SHA256);
    vec![
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.x")),
        ("five parts", "a.b.c.d.e".to_owned()),
        ("dots", "..".to_owned()),
        ("a space inside", good.replacen('.', ". ", 1)),
        ("a line end", format!("{good}\n")),
        ("other base64", good.replace(['-', '_'], "+")),
        ("claims that are no JSON", claiming("claims")),
        ("claims in a list", claiming(&format!("[{}]", claims()))),
        ("deep claims", claiming(&"[".repeat(3000))),
        ("no claims", claiming("")),
        (
            "a secret for an assertion",
            SecretToken::mint(TokenKind::ClientSecret)
                .unwrap()
                .reveal()
                .to_owned(),
        ),
    ]
}
