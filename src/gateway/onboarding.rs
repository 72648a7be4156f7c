//! What a vendor's own console does for its customers: one tenant each, within its template.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value, json};
use url::Url;

use super::follower::Follower;
use super::registry::{self, Adapters, Registry, RegistryFault};
use super::{doubts, tenant_url};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::CredentialKind;
use crate::catalog::Reloader;
use crate::config::Config;
use crate::limiter::Limiter;
use crate::server::admin::bodies::{
    CustomerStatus, Field, Onboard, Onboarded, SignIn, TokenStatus,
};
use crate::server::admin::{Answered, Refusal};
use crate::store::Store;
use crate::tenant::oauth::TOKEN_PATH;
use crate::tenant::stored::{Added, Customer, Service, StoredTenant, TenantBook as _};
use crate::tenant::token::onboarding::Scope;
use crate::tenant::token::{BookFault, IssueFault, KeyId, SecretToken, TokenKind, Tokens};

/// Customers a second, and at once: more are no people.
const PACE: (u32, u32) = (5, 50);

/// How often what somebody else did at the same time is met with another try.
const TRIES: usize = 4;

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

/// The desk of vendors' consoles.
pub(super) struct Onboarding {
    config: Config,
    store: Store,
    tokens: Arc<Tokens>,
    registry: Arc<Registry>,
    follower: Arc<Follower>,
    reloader: Reloader,
    pace: Limiter,
}

/// A secret that was made.
struct Issued {
    token: SecretToken,
    expires: Option<Timestamp>,
    ended: Vec<KeyId>,
}

impl Onboarding {
    pub(super) fn new(
        config: &Config,
        store: Store,
        tokens: Arc<Tokens>,
        registry: Arc<Registry>,
        follower: Arc<Follower>,
        reloader: Reloader,
    ) -> Self {
        Self {
            config: config.clone(),
            store,
            tokens,
            registry,
            follower,
            reloader,
            pace: Limiter::per_second(PACE.0, PACE.1),
        }
    }

    /// Makes the customer's tenant, or brings it up to date, and gives a new secret for it.
    pub(super) async fn onboard(&self, scope: &Scope, body: Onboard) -> Result<Answered, Refusal> {
        if self.pace.take().is_err() {
            let help = "wait a minute, and onboard one customer after the other";
            return Err(Refusal::new(
                429,
                "too_many",
                "too many customers at once",
                help,
            ));
        }
        let running = self.reloader.running();
        let adapter = running.adapters.get(&scope.adapter);
        let adapter = adapter.ok_or_else(|| Refusal::unavailable("the adapter is not loaded"))?;
        let document = document(scope, adapter, &body)?;
        let (tenant, created) = self
            .settled(scope, &body, document, &running.adapters)
            .await?;
        let looked = self.follower.look().await;
        looked.map_err(|_| Refusal::unavailable("the tenant is made and cannot be served yet"))?;
        let issued = match body.sign_in {
            SignIn::Federation => None,
            SignIn::Token => Some(self.issued(&tenant, TokenKind::Tenant).await?),
            SignIn::ClientSecret => Some(self.issued(&tenant, TokenKind::ClientSecret).await?),
        };
        let told = self.told(tenant.clone(), created, adapter, body, issued.as_ref());
        Ok(Answered {
            body: serde_json::to_value(told).unwrap_or_default(),
            made: issued.map(|issued| issued.token.key_id().to_string()),
            tenant: Some(tenant),
            ..Answered::default()
        })
    }

    /// The customer's tenant as `document` says, and whether it is new. Many that come at once for
    /// one customer find the same.
    async fn settled(
        &self,
        scope: &Scope,
        body: &Onboard,
        document: Map<String, Value>,
        adapters: &Adapters,
    ) -> Result<(TenantId, bool), Refusal> {
        for _ in 0..TRIES {
            let there = self.store.tenant_of(&scope.adapter, &body.customer).await;
            let there = match there.map_err(RegistryFault::from).map_err(refusal)? {
                Some(there) => there,
                None => {
                    let id = new_name(&scope.adapter)?;
                    let customer = Some(body.customer.clone());
                    let added = self.registry.add(&id, customer, document.clone(), adapters);
                    match added.await.map_err(refusal)? {
                        Added::New => return Ok((id, true)),
                        Added::NameTaken => continue,
                        Added::Has(there) => *there,
                    }
                }
            };
            if there.service == Service::Off {
                let help = "ask the gateway's operator: `scimgate tenant enable`";
                return Err(Refusal::conflict("the tenant is switched off", help));
            }
            match self
                .registry
                .change(&there.id, document.clone(), adapters)
                .await
            {
                Ok(()) => return Ok((there.id, false)),
                Err(RegistryFault::Meanwhile(_) | RegistryFault::Missing(_)) => {}
                Err(fault) => return Err(refusal(fault)),
            }
        }
        let help = "send one request for a customer at a time";
        Err(Refusal::conflict(
            "others change this tenant at the same time",
            help,
        ))
    }

    /// A new secret. Where there are too many, one that was never used makes room: it is lost, or
    /// was replaced before anybody entered it.
    async fn issued(&self, tenant: &TenantId, kind: TokenKind) -> Result<Issued, Refusal> {
        let mut ended = Vec::new();
        loop {
            let made = match kind {
                TokenKind::ClientSecret => {
                    let issued = self.tokens.issue_secret(tenant.clone(), None).await;
                    issued.map(|(token, end)| (token, Some(end)))
                }
                _ => {
                    let issued = self.tokens.issue(tenant.clone(), None).await;
                    issued.map(|token| (token, None))
                }
            };
            match made {
                Ok((token, expires)) => {
                    return Ok(Issued {
                        token,
                        expires,
                        ended,
                    });
                }
                Err(IssueFault::Book(BookFault::TooMany(_))) if ended.len() < TRIES => {
                    ended.push(self.end_unused(tenant, kind).await?);
                }
                Err(fault) => {
                    return Err(Refusal::conflict(fault.to_string(), "end one that is old"));
                }
            }
        }
    }

    async fn end_unused(&self, tenant: &TenantId, kind: TokenKind) -> Result<KeyId, Refusal> {
        self.tokens.note_uses().await;
        let now = Timestamp::now();
        let records = self
            .tokens
            .list(tenant)
            .await
            .map_err(super::console::store_fault)?;
        let mut unused = records.into_iter().filter(|record| {
            record.kind == kind && record.used.is_none() && record.standing(now).is_ok()
        });
        let oldest = unused.next().ok_or_else(|| {
            let help = "end one that is no longer entered anywhere: DELETE …/tokens/{key}";
            Refusal::conflict("the customer has three secrets, and all are in use", help)
        })?;
        let ended = self.tokens.revoke(tenant, &oldest.key_id).await;
        ended.map_err(super::console::store_fault)?;
        Ok(oldest.key_id)
    }

    fn told(
        &self,
        tenant: TenantId,
        created: bool,
        adapter: &Adapter,
        body: Onboard,
        issued: Option<&Issued>,
    ) -> Onboarded {
        let url = tenant_url(&self.config, &tenant, adapter.manifest.tenant_url);
        let field = |label, value: String, secret| Field {
            label,
            value,
            secret,
        };
        let mut fields = vec![field("Tenant URL", url.clone(), false)];
        let secret = issued.map(|issued| issued.token.reveal().to_owned());
        if body.sign_in == SignIn::Token {
            fields.extend(secret.map(|secret| field("Secret Token", secret, true)));
        } else {
            // The endpoint behind the tenant's own URL, also where all tenants share one.
            let own = tenant_url(&self.config, &tenant, Default::default());
            fields.push(field("Token Endpoint", format!("{own}{TOKEN_PATH}"), false));
            fields.push(field("Client ID", tenant.to_string(), false));
            fields.extend(secret.map(|secret| field("Client Secret", secret, true)));
        }
        Onboarded {
            tenant,
            customer: body.customer,
            created,
            key: issued.map(|issued| issued.token.key_id().to_string()),
            ended: issued.map_or_else(Vec::new, |issued| {
                issued.ended.iter().map(KeyId::to_string).collect()
            }),
            expires: issued.and_then(|issued| issued.expires),
            fields,
            steps: steps(body.sign_in),
            warnings: doubts(&self.config),
        }
    }

    /// How a customer's tenant stands.
    pub(super) async fn customer(
        &self,
        scope: &Scope,
        customer: Customer,
    ) -> Result<CustomerStatus, Refusal> {
        let there = self.existing(scope, &customer).await?;
        let running = self.reloader.running();
        let adapter = running.adapters.get(&scope.adapter);
        let form = adapter.map(|adapter| adapter.manifest.tenant_url);
        self.tokens.note_uses().await;
        let records = self.tokens.list(&there.id).await;
        let records = records.map_err(super::console::store_fault)?;
        let now = Timestamp::now();
        Ok(CustomerStatus {
            tenant_url: tenant_url(&self.config, &there.id, form.unwrap_or_default()),
            tenant: there.id,
            customer,
            service: there.service,
            tokens: records
                .iter()
                .map(|record| token_status(&self.tokens, record, now))
                .collect(),
        })
    }

    /// Ends a token of a customer's tenant.
    pub(super) async fn end_token(
        &self,
        scope: &Scope,
        customer: &Customer,
        key: &KeyId,
    ) -> Result<Answered, Refusal> {
        let tenant = self.existing(scope, customer).await?.id;
        let found = self.tokens.revoke(&tenant, key).await;
        match found.map_err(super::console::store_fault)? {
            true => Ok(Answered {
                tenant: Some(tenant),
                ..Answered::default()
            }),
            false => Err(Refusal::missing(
                format!("the customer has no token {key}"),
                "GET the customer for its key ids",
            )),
        }
    }

    async fn existing(&self, scope: &Scope, customer: &Customer) -> Result<StoredTenant, Refusal> {
        let there = self.store.tenant_of(&scope.adapter, customer).await;
        let there = there.map_err(super::console::store_fault)?;
        there.ok_or_else(|| {
            let message = format!("the customer {customer} has no tenant");
            Refusal::missing(message, "onboard it: POST /onboarding/v1/customers")
        })
    }
}

/// What is kept of a token, for people.
pub(super) fn token_status(
    tokens: &Tokens,
    record: &crate::tenant::token::TokenRecord,
    now: Timestamp,
) -> TokenStatus {
    TokenStatus {
        key: record.key_id.to_string(),
        kind: record.kind.as_str().to_owned(),
        works: tokens.standing(record, now).is_ok(),
        created: record.created,
        expires: record.expires,
        revoked: record.revoked,
        used: record.used,
    }
}

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
fn document(
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
fn new_name(adapter: &str) -> Result<TenantId, Refusal> {
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

fn steps(sign_in: SignIn) -> Vec<String> {
    let method = match sign_in {
        SignIn::Token => "Leave the authentication method at the secret token.",
        SignIn::ClientSecret => "Choose OAuth 2.0 client credentials as the authentication method.",
        SignIn::Federation => "Choose workload identity federation as the authentication method.",
    };
    let steps = [
        "Open the Microsoft Entra admin center: Enterprise applications, your application, Provisioning.",
        "Set the provisioning mode to Automatic and open Admin Credentials.",
        method,
        "Copy each line into the field of its name. A secret is shown only now.",
        "Press Test Connection, and save when it succeeds.",
    ];
    steps.map(str::to_owned).into()
}

/// A fault of the registry as an answer.
pub(super) fn refusal(fault: registry::RegistryFault) -> Refusal {
    let message = fault.to_string();
    match fault {
        RegistryFault::Unfit(_) | RegistryFault::Form(_) => Refusal::invalid(
            message,
            "`scimgate adapter show` lists what the adapter asks of a tenant",
        ),
        RegistryFault::Seal(..) => Refusal::conflict(
            message,
            "or name a file or an environment variable that holds it",
        ),
        RegistryFault::Taken(_) => Refusal::conflict(message, "GET /admin/v1/tenants lists them"),
        RegistryFault::Missing(_) => Refusal::missing(
            message,
            "a tenant that has a file is changed there; GET /admin/v1/tenants lists all",
        ),
        RegistryFault::Meanwhile(_) => Refusal::conflict(message, "look at it, and try again"),
        RegistryFault::Store(error) => super::console::store_fault(error),
    }
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
