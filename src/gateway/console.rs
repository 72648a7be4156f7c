//! What stands behind the admin port.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::status::{Status, TenantStatus, TokenStatus};
use super::tenants::{Seen, Tenants};
use super::{Gateway, tenant_url};
use crate::adapter::{LocalBoxFuture, MemoryError, TenantId};
use crate::config::Config;
use crate::server::admin::{Answered, Ask, Console, Refusal};
use crate::store::Store;
use crate::tenant::audit::{AuditBook, Deed};
use crate::tenant::token::admin::{Actor, AdminTokens};
use crate::tenant::token::{AuthFault, BookFault, IssueFault, KeyId, Tokens};

/// Deeds told at once.
const DEEDS: u32 = 200;

/// Knows all parts that can be looked at or changed while the gateway runs.
pub(super) struct Steward {
    config: Config,
    since: Timestamp,
    store: Store,
    tokens: Arc<Tokens>,
    administrators: AdminTokens,
    tenants: Arc<Tenants>,
}

impl Steward {
    pub(super) fn of(config: &Config, gateway: &Gateway) -> Self {
        let store = gateway.store.clone();
        Self {
            config: config.clone(),
            since: Timestamp::now(),
            administrators: gateway.tokens.administrators(Arc::new(store.clone())),
            store,
            tokens: Arc::clone(&gateway.tokens),
            tenants: Arc::clone(&gateway.tenants),
        }
    }

    async fn status(&self) -> Result<Status, Refusal> {
        let tenants = self.all_tenants().await?;
        let concerns: Vec<String> = tenants.iter().filter_map(concern).collect();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            well: concerns.is_empty(),
            concerns,
            tenants,
        })
    }

    async fn all_tenants(&self) -> Result<Vec<TenantStatus>, Refusal> {
        let mut told = Vec::new();
        for (id, seen) in self.tenants.seen() {
            told.push(self.told(id, seen).await?);
        }
        Ok(told)
    }

    async fn told(&self, id: TenantId, seen: Option<Seen>) -> Result<TenantStatus, Refusal> {
        let tokens = self.tokens_of(&id).await?;
        Ok(TenantStatus {
            url: tenant_url(&self.config, &id),
            vendor: seen.as_ref().map(|seen| seen.tenant.adapter.name.clone()),
            paused: seen.is_some_and(|seen| seen.paused),
            tokens: tokens.iter().filter(|token| token.works).count(),
            id,
        })
    }

    async fn tenant(&self, id: TenantId) -> Result<TenantStatus, Refusal> {
        let seen = self.existing(&id)?;
        self.told(id, seen).await
    }

    fn existing(&self, id: &TenantId) -> Result<Option<Seen>, Refusal> {
        self.tenants.seen().remove(id).ok_or_else(|| {
            let help = format!(
                "make {}, or see GET /admin/v1/tenants",
                self.config
                    .catalog
                    .tenants
                    .join(format!("{id}.toml"))
                    .display()
            );
            Refusal::missing(format!("there is no tenant {id}"), help)
        })
    }

    async fn tokens_of(&self, tenant: &TenantId) -> Result<Vec<TokenStatus>, Refusal> {
        let now = Timestamp::now();
        let records = self.tokens.list(tenant).await.map_err(store_fault)?;
        let told = records.into_iter().map(|record| TokenStatus {
            key: record.key_id.to_string(),
            works: record.standing(now).is_ok(),
            created: record.created,
            expires: record.expires,
            revoked: record.revoked,
        });
        Ok(told.collect())
    }

    async fn mint(
        &self,
        tenant: TenantId,
        expires: Option<Timestamp>,
    ) -> Result<Answered, Refusal> {
        self.existing(&tenant)?;
        let url = tenant_url(&self.config, &tenant);
        let token = self.tokens.issue(tenant, expires).await;
        let token = token.map_err(|fault| match fault {
            IssueFault::Book(BookFault::TooMany(_)) => {
                Refusal::conflict(fault.to_string(), "revoke one that is no longer used")
            }
            fault => Refusal::unavailable(fault.to_string()),
        })?;
        let key = token.key_id().to_string();
        Ok(Answered {
            body: json!({"key": key, "tenant_url": url, "secret_token": token.reveal()}),
            made: Some(key),
            ..Answered::default()
        })
    }

    /// Also for a tenant whose file is gone: a token must be revocable without it.
    async fn revoke(&self, tenant: &TenantId, key: &KeyId) -> Result<Answered, Refusal> {
        let found = self.tokens.revoke(tenant, key).await.map_err(store_fault)?;
        let help = format!("see GET /admin/v1/tenants/{tenant}/tokens");
        found
            .then(Answered::default)
            .ok_or_else(|| Refusal::missing(format!("tenant {tenant} has no token {key}"), help))
    }

    async fn audit(&self) -> Result<Vec<Deed>, Refusal> {
        self.store.deeds(DEEDS).await.map_err(store_fault)
    }

    async fn do_it(&self, ask: Ask) -> Result<Answered, Refusal> {
        match ask {
            Ask::Status => told(self.status().await?),
            Ask::Tenants => told(self.all_tenants().await?),
            Ask::Tenant(tenant) => told(self.tenant(tenant).await?),
            Ask::Tokens(tenant) => told(self.tokens_of(&tenant).await?),
            Ask::Mint { tenant, expires } => self.mint(tenant, expires).await,
            Ask::Revoke { tenant, key } => self.revoke(&tenant, &key).await,
            Ask::Config => told(&self.config),
            Ask::Audit => told(self.audit().await?),
            Ask::Diff | Ask::Reload { .. } | Ask::OpenApi => Ok(Value::Null.into()),
        }
    }
}

impl Console for Steward {
    fn local(&self, presented: &str) -> Option<Actor> {
        self.administrators.local(presented)
    }

    fn authenticate<'a>(
        &'a self,
        presented: &'a str,
    ) -> LocalBoxFuture<'a, Result<Actor, AuthFault>> {
        Box::pin(self.administrators.authenticate(presented))
    }

    fn answer(&self, ask: Ask) -> LocalBoxFuture<'_, Result<Answered, Refusal>> {
        Box::pin(self.do_it(ask))
    }

    fn record(&self, deed: Deed) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {
            if let Err(error) = self.store.record(deed).await {
                tracing::error!(%error, "the audit could not be written");
            }
        })
    }
}

/// What is the matter with a tenant, if anything.
fn concern(tenant: &TenantStatus) -> Option<String> {
    let id = &tenant.id;
    match tenant {
        TenantStatus { vendor: None, .. } => Some(format!("tenant {id} cannot be served")),
        TenantStatus { paused: true, .. } => Some(format!(
            "tenant {id}: its vendor does not answer; one call a second probes it"
        )),
        _ => None,
    }
}

fn told(data: impl Serialize) -> Result<Answered, Refusal> {
    let body = serde_json::to_value(data);
    let body = body.map_err(|error| {
        tracing::error!(%error, "an answer of the admin port cannot be written as JSON");
        Refusal::unavailable("the answer cannot be written")
    })?;
    Ok(body.into())
}

fn store_fault(error: MemoryError) -> Refusal {
    tracing::error!(%error, "the store does not answer");
    Refusal::unavailable("the store does not answer")
}
