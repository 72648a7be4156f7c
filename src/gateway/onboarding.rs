//! What a vendor's own console does for its customers: one tenant each, within its template.

mod answer;
mod template;

pub use template::template;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::follower::Follower;
use super::registry::{self, Adapters, Registry, RegistryFault};
use super::tenant_url;
use crate::adapter::keys::TenantId;
use crate::catalog::Reloader;
use crate::config::Config;
use crate::limiter::Limiter;
use crate::server::admin::bodies::{CustomerStatus, Onboard, SignIn, TokenStatus};
use crate::server::admin::{Answered, Refusal};
use crate::store::Store;
use crate::tenant::stored::{Added, Customer, Service, StoredTenant, TenantBook as _};
use crate::tenant::token::onboarding::Scope;
use crate::tenant::token::{BookFault, IssueFault, KeyId, SecretToken, TokenKind, Tokens};

/// Customers a second, and at once: more are no people.
const PACE: (u32, u32) = (5, 50);

/// How often what somebody else did at the same time is met with another try.
const TRIES: usize = 4;

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
        let document = template::document(scope, adapter, &body)?;
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
        let told = answer::told(
            &self.config,
            tenant.clone(),
            created,
            adapter,
            body,
            issued.as_ref(),
        );
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
                    let id = template::new_name(&scope.adapter)?;
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
