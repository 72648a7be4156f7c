//! What stands behind the admin port.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use super::concerns::{STORE_CONCERN, concerns, expiring, near_quarantine, of_files};
use super::conditions::Conditions;
use super::events::Wanted;
use super::follower::Follower;
use super::onboarding::{Onboarding, refusal, token_status};
use super::registry::{self, Registry, RegistryFault};
use super::status::{Status, TenantStatus, TokenStatus};
use super::tenants::{Seen, Tenants};
use super::trial::Trial;
use super::{Gateway, described, doubts, tenant_url};
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::TenantUrlForm;
use crate::catalog::standing::{Source, State};
use crate::catalog::{Demand, Preview, Reloader, Standing};
use crate::config::Config;
use crate::dry_run::DryRun;
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{self, Event};
use crate::script::call::LocalBoxFuture;
use crate::server::admin::bodies::{Definition, Hidden, Minted, MintedClient};
use crate::server::admin::{Answered, Ask, Console, Refusal};
use crate::store::Store;
use crate::store::log::{Filter, Page};
use crate::tenant::audit::{AuditBook, Deed};
use crate::tenant::oauth::TOKEN_PATH;
use crate::tenant::stored::{Added, Service};
use crate::tenant::token::admin::Actor;
use crate::tenant::token::grants::Grants;
use crate::tenant::token::onboarding::Scope;
use crate::tenant::token::{AuthFault, BookFault, IssueFault, KeyId, LocalPass, Tokens};
use crate::transcript::Requests;
use crate::vendor::TlsOptions;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// By so much the provisioning log may be behind the answers.
const LOG_LAG: Duration = Duration::from_millis(500);
/// Deeds told at once.
const DEEDS: u32 = 200;

/// How many compile or play at once for administrators; the others wait. Each takes a core
/// from those who serve.
const BENCHES: usize = 2;

/// Requests of one dry run: it is carried out beside what is served.
const MOST_TRIED: usize = 100;

/// Knows all parts that can be looked at or changed while the gateway runs.
pub(super) struct Steward {
    config: Config,
    since: Timestamp,
    store: Store,
    tokens: Arc<Tokens>,
    local: LocalPass,
    administrators: Grants<Actor>,
    tenants: Arc<Tenants>,
    conditions: Arc<Conditions>,
    reloader: Reloader,
    tls: TlsOptions,
    benches: Arc<Semaphore>,
    registry: Arc<Registry>,
    follower: Arc<Follower>,
    consoles: Grants<Scope>,
    onboarding: Onboarding,
}

impl Steward {
    pub(super) fn of(
        config: &Config,
        gateway: &Gateway,
        reloader: Reloader,
        follower: Arc<Follower>,
    ) -> Self {
        let store = gateway.store.clone();
        let registry = Arc::new(Registry::new(store.clone(), Arc::clone(&gateway.vault)));
        let onboarding = Onboarding::new(
            config,
            store.clone(),
            Arc::clone(&gateway.tokens),
            Arc::clone(&registry),
            Arc::clone(&follower),
            reloader.clone(),
        );
        Self {
            registry,
            follower,
            onboarding,
            consoles: gateway.tokens.grants(Arc::new(store.clone())),
            config: config.clone(),
            since: Timestamp::now(),
            local: gateway.tokens.local_pass(),
            administrators: gateway.tokens.grants(Arc::new(store.clone())),
            store,
            tokens: Arc::clone(&gateway.tokens),
            tenants: Arc::clone(&gateway.tenants),
            conditions: Arc::clone(&gateway.conditions),
            reloader,
            tls: gateway.tls.clone(),
            benches: Arc::new(Semaphore::new(BENCHES)),
        }
    }

    async fn status(&self) -> Result<Status, Refusal> {
        let tenants = self.all_tenants().await?;
        let standing = Standing::clone(&self.reloader.standing());
        let mut concerns = concerns(&standing, &tenants);
        if !self.store.is_writable() && self.store.writable().await.is_err() {
            concerns.push(STORE_CONCERN.to_owned());
        }
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            well: concerns.is_empty(),
            concerns,
            standing,
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
        let now = Timestamp::now();
        let health = self.store.health(&id, now);
        let warnings = self.store.count(Filter {
            tenant: Some(id.clone()),
            status: Some(trace::Status::Warning),
            since: Some(now - DAY),
            ..Filter::default()
        });
        let health = health.await.map_err(store_fault)?;
        // No request of a tenant that is not served can close what was found earlier.
        let served = seen.as_ref();
        let mut conditions = served.map_or_else(Vec::new, |_| self.conditions.of(&id));
        let standing = self.reloader.standing();
        let part = standing.tenants.get(id.as_str());
        // Nothing is the matter with a tenant that somebody has disabled.
        if part.is_none_or(|tenant| tenant.part.state != State::Off) {
            let found = expiring(&id, &tokens, now).into_iter();
            let found = found.chain(near_quarantine(&health, now)).collect();
            conditions.extend(self.conditions.stand(&id, found));
        }
        conditions.extend(of_files(&standing, &id));
        Ok(TenantStatus {
            health,
            conditions,
            warnings: warnings.await.map_err(store_fault)?,
            url: tenant_url(&self.config, &id, form(seen.as_ref())),
            vendor: seen.as_ref().map(|seen| seen.tenant.adapter.name.clone()),
            open_creates: seen.as_ref().map_or(0, |seen| seen.open_creates),
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
        let told = records
            .iter()
            .map(|record| token_status(&self.tokens, record, now));
        Ok(told.collect())
    }

    /// Where a tenant comes from, and what it says.
    async fn definition(&self, id: &TenantId) -> Result<Definition, Refusal> {
        let standing = self.reloader.standing();
        let part = standing.tenants.get(id.as_str());
        if part.is_some_and(|part| part.source == Source::File) {
            let file = self.config.catalog.tenants.join(format!("{id}.toml"));
            let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
            return Ok(Definition {
                source: "file",
                service: Service::On,
                customer: None,
                changed: None,
                tenant: registry::shown(&text),
            });
        }
        let there = self.registry.existing(id).await.map_err(refusal)?;
        Ok(Definition {
            source: "store",
            service: there.service,
            tenant: registry::shown(&there.text),
            customer: there.customer,
            changed: Some(there.changed),
        })
    }

    async fn add_tenant(&self, id: TenantId, document: Hidden) -> Result<Answered, Refusal> {
        self.not_of_a_file(&id)?;
        let adapters = &self.reloader.running().adapters;
        let added = self.registry.add(&id, None, document.0, adapters).await;
        match added.map_err(refusal)? {
            Added::New => self.live(&id).await,
            _ => Err(refusal(RegistryFault::Taken(id))),
        }
    }

    async fn change_tenant(&self, id: TenantId, patch: Hidden) -> Result<Answered, Refusal> {
        self.not_of_a_file(&id)?;
        let adapters = &self.reloader.running().adapters;
        let changed = self.registry.change(&id, patch.0, adapters).await;
        changed.map_err(refusal)?;
        self.live(&id).await
    }

    async fn serve(&self, id: TenantId, service: Service) -> Result<Answered, Refusal> {
        // One in the store that a file stands in for may go.
        if service != Service::Deleted {
            self.not_of_a_file(&id)?;
        }
        let done = self.registry.set_service(&id, service).await;
        done.map_err(refusal)?;
        match service {
            Service::Deleted => {
                self.take().await?;
                Ok(Answered::default())
            }
            _ => self.live(&id).await,
        }
    }

    /// Takes what was written, and tells what the tenant says now.
    async fn live(&self, id: &TenantId) -> Result<Answered, Refusal> {
        self.take().await?;
        told(self.definition(id).await?)
    }

    async fn take(&self) -> Result<(), Refusal> {
        self.follower.look().await.map_err(store_fault)
    }

    /// What a file says counts, whatever the store says.
    fn not_of_a_file(&self, id: &TenantId) -> Result<(), Refusal> {
        let standing = self.reloader.standing();
        let part = standing.tenants.get(id.as_str());
        match part.is_some_and(|part| part.source == Source::File) {
            true => Err(Refusal::conflict(
                format!("tenant {id} has a file, which counts"),
                "change the file; a gateway that is running takes it",
            )),
            false => Ok(()),
        }
    }

    async fn mint(
        &self,
        tenant: TenantId,
        expires: Option<Timestamp>,
        oauth: bool,
    ) -> Result<Answered, Refusal> {
        let seen = self.existing(&tenant)?;
        if expires.is_some_and(|at| at <= Timestamp::now()) {
            let help = "name a time to come, or leave expires out";
            return Err(Refusal::invalid(
                "such a token would have expired already",
                help,
            ));
        }
        let url = tenant_url(&self.config, &tenant, form(seen.as_ref()));
        let warnings = doubts(&self.config);
        let (token, client) = if oauth {
            let issued = self.tokens.issue_secret(tenant.clone(), expires).await;
            let (secret, expires) = issued.map_err(unissued)?;
            let client = MintedClient {
                token_endpoint: format!("{url}{TOKEN_PATH}"),
                client_id: tenant.to_string(),
                client_secret: secret.reveal().to_owned(),
                expires,
            };
            (secret, Some(client))
        } else {
            let token = self.tokens.issue(tenant, expires).await.map_err(unissued)?;
            (token, None)
        };
        let key = token.key_id().to_string();
        let body = Minted {
            key: key.clone(),
            tenant_url: url,
            secret_token: client.is_none().then(|| token.reveal().to_owned()),
            client,
            warnings,
        };
        Ok(Answered {
            made: Some(key),
            ..told(body)?
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

    async fn diff(&self) -> Result<Preview, Refusal> {
        let reloader = self.reloader.clone();
        self.aside(move || reloader.rehearse()).await
    }

    /// Works off this thread, on which probes are answered.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        on(self.bench().await, work).await
    }

    /// `None` never: the benches are not closed.
    async fn bench(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.benches).acquire_owned().await.ok()
    }

    async fn reload(&self, demand: Demand) -> Result<Answered, Refusal> {
        let before = self.reloader.standing().running.clone();
        let reloader = self.reloader.clone();
        let outcome = self.aside(move || reloader.reload(demand)).await?;
        Ok(Answered {
            before: Some(before),
            after: Some(outcome.standing.running.clone()),
            ..told(outcome)?
        })
    }

    async fn dry_run(&self, id: &TenantId, requests: &str, read: bool) -> Result<DryRun, Refusal> {
        let requests = Requests::parse("requests", requests).map_err(|why| {
            let help = "see `scimgate dry-run --help` for what can be tried";
            Refusal::invalid(why, help)
        })?;
        if requests.tried.len() > MOST_TRIED {
            let message = format!("{} requests are too many", requests.tried.len());
            let help = format!("try at most {MOST_TRIED} at once, or use `scimgate dry-run`");
            return Err(Refusal::invalid(message, help));
        }
        let running = self.reloader.running();
        let tenant = running.tenants.get(id);
        let tenant = tenant.ok_or_else(|| unserved(id))?;
        let adapter = running.adapters.get(&tenant.adapter.name);
        // Before what is remembered is copied: copies of those who wait would fill the memory.
        let bench = self.bench().await;
        let memory = self.store.rehearsal(id).await.map_err(store_fault)?;
        let trial = Trial {
            adapter: Arc::clone(adapter.ok_or_else(|| unserved(id))?),
            transcripts: self.config.catalog.transcripts.join(&tenant.adapter.name),
            tenant: Arc::clone(tenant),
            requests,
            memory,
            reads: read.then(|| self.tls.clone()),
        };
        let played = on(bench, move || trial.play()).await?;
        played.map_err(|error| {
            tracing::error!(%error, "a dry run could not begin");
            Refusal::unavailable("the dry run could not begin")
        })
    }

    async fn events(
        &self,
        tenant: Option<TenantId>,
        query: &[(String, String)],
    ) -> Result<Page, Refusal> {
        let Wanted {
            filter,
            order,
            count,
        } = Wanted::read(tenant, query)?;
        let page = self.store.events(filter, order, count).await;
        page.map_err(store_fault)
    }

    async fn event(&self, request_id: &str) -> Result<Vec<Event>, Refusal> {
        let mut events = self.store.event(request_id).await.map_err(store_fault)?;
        if events.is_empty() {
            // Whoever asks as soon as the answer is out is ahead of the log.
            sleep(LOG_LAG).await;
            events = self.store.event(request_id).await.map_err(store_fault)?;
        }
        if events.is_empty() {
            let message = format!("the provisioning log does not have request {request_id}");
            let help = "log.reads and log.retention say what it keeps, and for how long";
            return Err(Refusal::missing(message, help));
        }
        Ok(events)
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
            Ask::Events { tenant, query } => told(self.events(tenant, &query).await?),
            Ask::Event(request_id) => told(self.event(&request_id).await?),
            Ask::DryRun {
                tenant,
                requests,
                read,
            } => told(self.dry_run(&tenant, &requests, read).await?),
            Ask::Mint {
                tenant,
                expires,
                oauth,
            } => self.mint(tenant, expires, oauth).await,
            Ask::Revoke { tenant, key } => self.revoke(&tenant, &key).await,
            Ask::Definition(tenant) => told(self.definition(&tenant).await?),
            Ask::AddTenant { tenant, document } => self.add_tenant(tenant, document).await,
            Ask::ChangeTenant { tenant, patch } => self.change_tenant(tenant, patch).await,
            Ask::Serve { tenant, service } => self.serve(tenant, service).await,
            Ask::Onboard { scope, body } => self.onboarding.onboard(&scope, *body).await,
            Ask::Customer { scope, customer } => {
                told(self.onboarding.customer(&scope, customer).await?)
            }
            Ask::EndToken {
                scope,
                customer,
                key,
            } => self.onboarding.end_token(&scope, &customer, &key).await,
            Ask::Config => told(&self.config),
            Ask::Audit => told(self.audit().await?),
            Ask::Routes => Ok(described::document().into()),
            Ask::Diff => told(self.diff().await?),
            Ask::Reload { force: false } => self.reload(Demand::Again).await,
            Ask::Reload { force: true } => self.reload(Demand::Forced).await,
        }
    }
}

impl Console for Steward {
    fn local(&self, presented: &str) -> Option<Actor> {
        let admitted = self.local.admits(presented, Timestamp::now());
        admitted.then(Actor::local)
    }

    fn authenticate<'a>(
        &'a self,
        presented: &'a str,
    ) -> LocalBoxFuture<'a, Result<Actor, AuthFault>> {
        Box::pin(self.administrators.authenticate(presented))
    }

    fn scope<'a>(&'a self, presented: &'a str) -> LocalBoxFuture<'a, Result<Scope, AuthFault>> {
        Box::pin(self.consoles.authenticate(presented))
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

fn unissued(fault: IssueFault) -> Refusal {
    match fault {
        IssueFault::Book(BookFault::TooMany(_)) => {
            Refusal::conflict(fault.to_string(), "revoke one that is no longer used")
        }
        IssueFault::SecretLife => {
            Refusal::invalid(fault.to_string(), "leave expires out for two years")
        }
        fault => Refusal::unavailable(fault.to_string()),
    }
}

/// A task that panicked has said so in the log.
fn lost(error: JoinError) -> Refusal {
    tracing::error!(%error, "a task of the admin port was lost");
    Refusal::unavailable("it could not be completed")
}

/// The Tenant URL's form, as the adapter that serves has it.
fn form(seen: Option<&Seen>) -> TenantUrlForm {
    seen.map_or_else(TenantUrlForm::default, |seen| {
        seen.tenant.adapter.manifest.tenant_url
    })
}

async fn on<T: Send + 'static>(
    bench: Option<OwnedSemaphorePermit>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = spawn_blocking(move || {
        // Held until the work is done, also when nobody waits for it any more.
        let _bench = bench;
        work()
    });
    done.await.map_err(lost)
}

fn unserved(id: &TenantId) -> Refusal {
    let help = "GET /admin/v1/status tells what is the matter with it, if it is there";
    Refusal::missing(format!("no tenant {id} is being served"), help)
}

fn told(data: impl Serialize) -> Result<Answered, Refusal> {
    let body = serde_json::to_value(data);
    let body = body.map_err(|error| {
        tracing::error!(%error, "an answer of the admin port cannot be written as JSON");
        Refusal::unavailable("the answer cannot be written")
    })?;
    Ok(body.into())
}

pub(super) fn store_fault(error: MemoryError) -> Refusal {
    tracing::error!(%error, "the store does not answer");
    Refusal::unavailable("the store does not answer")
}
