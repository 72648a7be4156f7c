//! What a console may say of a tenant: what the operator's template leaves open, and nothing else.

use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value, json};
use url::Url;

use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::CredentialKind;
use crate::server::admin::Refusal;
use crate::server::admin::bodies::{Onboard, SignIn};
use crate::tenant::token::onboarding::Scope;

/// The keys of a template's text that say something for all tenants of a console.
const TEMPLATE: [&str; 7] = [
    "adapter",
    "base_url",
    "profile",
    "settings",
    "credential",
    "limits",
    "groups",
];

/// A template that the operator gave: the text of a tenant's file in which parts may be missing.
///
/// # Errors
/// It is none, in a sentence.
pub fn template(adapter: &str, text: &str) -> Result<Map<String, Value>, String> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    let document = serde_json::to_value(table).unwrap_or_default();
    let Value::Object(mut document) = document else {
        return Err("it is no table".to_owned());
    };
    if let Some(other) = document
        .keys()
        .find(|key| !TEMPLATE.contains(&key.as_str()))
    {
        return Err(format!("it cannot say `{other}`"));
    }
    if document
        .get("adapter")
        .is_some_and(|named| *named != adapter)
    {
        return Err(format!("its adapter is not {adapter}"));
    }
    let url = document.get("base_url").and_then(Value::as_str);
    if url.and_then(|url| Url::parse(url).ok()).is_none() {
        return Err("it must say base_url: no console may choose where calls go".to_owned());
    }
    document.insert("adapter".to_owned(), adapter.into());
    Ok(document)
}

/// The tenant that a console wants: what the template says, and what it may add.
pub(super) fn document(
    scope: &Scope,
    adapter: &Adapter,
    body: &Onboard,
) -> Result<Map<String, Value>, Refusal> {
    let mut document = template(&scope.adapter, &scope.template)
        .map_err(|why| Refusal::unavailable(format!("the template cannot be used: {why}")))?;
    add(&mut document, "settings", &body.settings.0)?;
    add(&mut document, "credential", &body.credential.0)?;
    if let Some(part) = body
        .credential
        .0
        .values()
        .find(|secret| !secret.is_string())
    {
        let kind = if part.is_object() {
            "a place"
        } else {
            "no text"
        };
        let message = format!("a part of the credential is {kind}");
        return Err(Refusal::invalid(
            message,
            "give the secret itself, as a text",
        ));
    }
    if let CredentialKind::OAuth2 { token_url, .. } = &adapter.manifest.credential {
        let leads = |name: &&String| token_url.contains(&format!("{{{name}}}"));
        if let Some(name) = body.settings.0.keys().find(leads) {
            return Err(fixed("settings", name));
        }
    }
    if let Some(wanted) = &body.base_url {
        let fixed = document.get("base_url").and_then(Value::as_str);
        if !fixed.is_some_and(|fixed| is_below(fixed, wanted)) {
            let help = "leave base_url out, or name an address below the template's";
            return Err(Refusal::invalid(
                "base_url leaves the template's address",
                help,
            ));
        }
        document.insert("base_url".to_owned(), wanted.clone().into());
    }
    if let Some(federation) = &body.federation {
        document.insert("federation".to_owned(), json!(federation));
    } else if body.sign_in == SignIn::Federation {
        let help = "send federation with entra_tenant, subject and audiences";
        return Err(Refusal::invalid("nobody's assertions are named", help));
    }
    Ok(document)
}

/// Adds what the template does not say.
fn add(
    document: &mut Map<String, Value>,
    key: &'static str,
    given: &Map<String, Value>,
) -> Result<(), Refusal> {
    let entry = document.entry(key).or_insert_with(|| json!({}));
    let there = entry
        .as_object_mut()
        .ok_or_else(|| Refusal::unavailable("the template cannot be used"))?;
    for (name, value) in given {
        if there.contains_key(name) {
            return Err(fixed(key, name));
        }
        there.insert(name.clone(), value.clone());
    }
    Ok(())
}

fn fixed(key: &str, name: &str) -> Refusal {
    let message = format!("{key}.{name} is the operator's to say, in the template");
    Refusal::new(403, "fixed", message, "leave it out")
}

/// Whether `wanted` is on the same host and port and below the path of `base`, however it is
/// written.
fn is_below(base: &str, wanted: &str) -> bool {
    let (Ok(base), Ok(wanted)) = (Url::parse(base), Url::parse(wanted)) else {
        return false;
    };
    let path = wanted.path();
    let rest = path.strip_prefix(base.path().trim_end_matches('/'));
    base.origin() == wanted.origin()
        && wanted.username().is_empty()
        && wanted.password().is_none()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        // Not every server takes a quoted dot or slash for what it stands for.
        && !path.to_ascii_lowercase().contains("%2")
        && !path.contains('\\')
}

/// A name that nobody guesses and that says nothing of the customer.
pub(super) fn new_name(adapter: &str) -> Result<TenantId, Refusal> {
    const DIGITS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let failed = || Refusal::unavailable("there is no randomness for a name");
    let mut random = Zeroizing::new([0_u8; 12]);
    getrandom::fill(random.as_mut()).map_err(|_| failed())?;
    let digits = random
        .iter()
        .filter_map(|byte| DIGITS.get(usize::from(byte % 32)));
    let digits: String = digits.map(|digit| char::from(*digit)).collect();
    let plain = adapter.chars().map(|c| match c {
        'a'..='z' | '0'..='9' => c,
        _ => '-',
    });
    let plain: String = plain.take(40).collect();
    let name = format!("{}-{digits}", plain.trim_matches('-'));
    TenantId::parse(name.trim_start_matches('-')).ok_or_else(failed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_an_address_leaves_the_template() {
        let base = "https://api.example:8443/v1";
        for wanted in [
            "https://api.example:8443/v1",
            "https://API.example:8443/v1/",
            "https://api.example:8443/v1/sites/7",
        ] {
            assert!(is_below(base, wanted), "{wanted}");
        }
        for wanted in [
            "http://api.example:8443/v1",
            "https://api.example/v1",
            "https://api.example:8443/v10",
            "https://api.example:8443/",
            "https://api.example:8443/v1/../admin",
            "https://api.example:8443/v1/%2e%2e/admin",
            "https://api.example:8443/v1/..%2fadmin",
            "https://api.example:8443/v1\\..\\admin",
            "https://api.example:8443@evil.example/v1",
            "https://x@api.example:8443/v1",
            "https://api.example.evil.example:8443/v1",
            "//api.example:8443/v1",
            "file:///v1",
            "",
        ] {
            assert!(!is_below(base, wanted), "{wanted}");
        }
        assert!(is_below("https://api.example", "https://api.example/any"));
    }

    #[test]
    fn a_template_says_where_calls_go_and_nothing_about_signing_in() {
        let good = "base_url = \"https://a.example\"\nlimits = { per_second = 3 }";
        assert_eq!(template("one", good).unwrap()["adapter"], "one");
        for bad in [
            "limits = { per_second = 3 }",
            "base_url = \"no url\"",
            "base_url = \"https://a.example\"\nadapter = \"two\"",
            "base_url = \"https://a.example\"\nfederation = { subject = \"a\" }",
            "base_url = ",
        ] {
            assert!(template("one", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_tenants_names_and_differ() {
        for adapter in ["sosafe", "a_b", "-", &"x".repeat(80)] {
            let (one, other) = (new_name(adapter).unwrap(), new_name(adapter).unwrap());
            assert_ne!(one, other);
        }
    }
}
