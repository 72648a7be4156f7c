//! From a tenant's name to an operation: where catalog, vendor, store and server
//! meet.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::destination::destination;
use crate::adapter::compile::VERIFY;
use crate::adapter::keys::TenantId;
use crate::catalog::Catalog;
use crate::provisioning::batch::{Batches, Limit};
use crate::provisioning::ids::{IdCache, KnownIds};
use crate::provisioning::intents::Intents;
use crate::provisioning::lease::Lease;
use crate::provisioning::locks::{Locks, SharedLocks};
use crate::provisioning::memory::Memory;
use crate::provisioning::recent::Recent;
use crate::provisioning::trace::{Asked, Audience, Story};
use crate::provisioning::{Operation, Process};
use crate::scim::{self, CursorKey};
use crate::script::call::LocalBoxFuture;
use crate::script::fault::Failure;
use crate::script::once::{LookUps, TenantLookUps};
use crate::server::Admission;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::tenant::oauth::{Access, Federation, Generation, Keys};
use crate::tenant::token::AuthFault;
use crate::vendor::{AccessTokens, Destination, Network, Pool, VendorStanding, VendorState};

/// All tenants, shared by all threads.
pub(super) struct Tenants {
    process: Process,
    store: Store,
    memory: Arc<dyn Memory>,
    /// Where other gateways share the store.
    shared: Option<Arc<dyn SharedLocks>>,
    ids: Arc<IdCache>,
    known: Arc<KnownIds>,
    look_ups: LookUps,
    cursors: CursorKey,
    access: AccessTokens,
    /// `None` for a tenant that is there and cannot be used.
    live: ArcSwap<HashMap<TenantId, Option<Arc<Entry>>>>,
    /// Rings when another catalog is live.
    published: Arc<Notify>,
    /// What outlives a reload, by tenant.
    lasting: Mutex<HashMap<TenantId, Lasting>>,
}

/// One tenant of one generation, ready to work.
struct Entry {
    tenant: Arc<Tenant>,
    /// The adapter's name, for stories.
    vendor: Arc<str>,
    destination: Arc<Destination>,
    locks: Arc<Locks>,
    batches: Arc<Batches>,
    recent: Arc<Recent>,
    intents: Arc<Intents>,
    look_ups: TenantLookUps,
    /// What it is set up with works at its vendor, or somebody is looking whether it does.
    verified: AtomicBool,
    trust: Option<Trust>,
    trust_in_entra: Option<Trust>,
}

/// Whose assertions a tenant's client may show, and the keys to check them with.
#[derive(Clone)]
pub(super) struct Trust {
    pub(super) federation: Arc<Federation>,
    pub(super) keys: Arc<Keys>,
}

/// A tenant as it stands.
pub(super) struct Seen {
    pub(super) tenant: Arc<Tenant>,
    /// Its vendor failed so often that it is only probed.
    pub(super) paused: bool,
    /// Creates of which nobody knows yet whether they made an object.
    pub(super) open_creates: usize,
}

/// What a reload must not reset: who waits for what, and how the vendor is doing.
#[derive(Clone)]
struct Lasting {
    locks: Arc<Locks>,
    state: Arc<VendorState>,
    batches: Arc<Batches>,
    recent: Arc<Recent>,
    intents: Arc<Intents>,
    /// Of the identity provider its client is from.
    keys: Option<Arc<Keys>>,
    /// Of Entra, whose own tokens it takes.
    entra_keys: Option<Arc<Keys>>,
}

impl Tenants {
    /// No tenants yet.
    pub(super) fn new(store: &Store, cursors: CursorKey) -> Self {
        let shared = store.shared_locks();
        let ids = match shared {
            Some(_) => IdCache::none(),
            None => IdCache::new(),
        };
        Self {
            process: Process::of_gateway(),
            store: store.clone(),
            memory: Arc::new(store.clone()),
            shared,
            cursors,
            ids: Arc::new(ids),
            known: Arc::default(),
            look_ups: LookUps::default(),
            access: AccessTokens::default(),
            live: ArcSwap::default(),
            published: Arc::default(),
            lasting: Mutex::default(),
        }
    }

    /// That of a request which begins now.
    fn lease(&self) -> Lease {
        let shared = self.shared.as_ref();
        shared.map_or_else(Lease::default, |shared| shared.lease())
    }

    /// What a request writes, it writes under its lease.
    fn memory_under(&self, lease: Lease) -> Arc<dyn Memory> {
        match lease.number() {
            None => Arc::clone(&self.memory),
            Some(_) => Arc::new(self.store.under(lease)),
        }
    }

    /// Whether other gateways work for the same tenants.
    pub(super) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Makes a catalog the live one. Requests under way end on theirs.
    pub(super) fn publish(&self, catalog: &Catalog) {
        let next = Arc::new(self.entries(catalog));
        self.live.store(next);
        self.published.notify_waiters();
        self.forget_those_gone();
    }

    /// The tenants of a catalog; one that is the same as before keeps its place.
    fn entries(&self, catalog: &Catalog) -> HashMap<TenantId, Option<Arc<Entry>>> {
        let before = self.live.load();
        let usable = catalog.tenants.values().map(|tenant| {
            let there = before.get(&tenant.id).and_then(Option::as_ref);
            let same = there.filter(|there| Arc::ptr_eq(&there.tenant, tenant));
            let entry = same
                .cloned()
                .unwrap_or_else(|| Arc::new(self.entry(tenant)));
            (tenant.id.clone(), Some(entry))
        });
        let unusable = catalog.unusable.iter().map(|id| (id.clone(), None));
        unusable.chain(usable).collect()
    }

    /// What lasts goes with its tenant, once the last request of it has ended: one that comes
    /// back meanwhile must wait for the same locks.
    fn forget_those_gone(&self) {
        let live = self.live.load();
        let mut lasting = self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        lasting
            .retain(|id, lasting| live.contains_key(id) || Arc::strong_count(&lasting.locks) > 1);
    }

    /// How the vendor of each tenant that can be used is doing.
    pub(super) fn standing(&self) -> Vec<(TenantId, VendorStanding)> {
        let live = self.live.load();
        let usable = live.iter().filter_map(|(id, entry)| {
            let state = &entry.as_ref()?.destination.state;
            Some((id.clone(), state.standing()))
        });
        usable.collect()
    }

    /// Whether anybody can be served. One broken tenant of many says nothing
    /// against it: taking the gateway out of service would break the others.
    pub(super) fn are_servable(&self) -> bool {
        let live = self.live.load();
        live.is_empty() || live.values().any(Option::is_some)
    }

    /// The tenants there are, with what serves each: `None` where nothing can.
    pub(super) fn seen(&self) -> BTreeMap<TenantId, Option<Seen>> {
        let live = self.live.load();
        let seen = live.iter().map(|(id, entry)| {
            let seen = entry.as_ref().map(|entry| Seen {
                tenant: Arc::clone(&entry.tenant),
                paused: entry.destination.state.is_paused(),
                open_creates: entry.intents.in_doubt(),
            });
            (id.clone(), seen)
        });
        seen.collect()
    }

    fn entry(&self, tenant: &Arc<Tenant>) -> Entry {
        let Lasting {
            locks,
            state,
            batches,
            recent,
            intents,
            keys,
            entra_keys,
        } = self.lasting(tenant);
        let trust = |federation: &Option<Arc<Federation>>, keys| {
            let trust = federation.clone().zip(keys);
            trust.map(|(federation, keys)| Trust { federation, keys })
        };
        Entry {
            tenant: Arc::clone(tenant),
            vendor: tenant.adapter.name.as_str().into(),
            destination: Arc::new(destination(tenant, state, &self.access)),
            locks,
            batches,
            recent,
            intents,
            look_ups: self.look_ups.of(tenant.id.as_str()),
            verified: AtomicBool::new(tenant.adapter.script.arity(VERIFY).is_none()),
            trust: trust(&tenant.federation, keys),
            trust_in_entra: trust(&tenant.entra_tokens, entra_keys),
        }
    }

    fn lasting(&self, tenant: &Tenant) -> Lasting {
        let mut lasting = self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = lasting.entry(tenant.id.clone()).or_insert_with(|| Lasting {
            locks: Arc::new(Locks::of(&tenant.id, self.shared.clone())),
            state: Arc::new(VendorState::among(tenant.upstream.limits, self.lease())),
            batches: Arc::default(),
            recent: Arc::default(),
            intents: Arc::new(Intents::new(self.shared.is_some())),
            keys: None,
            entra_keys: None,
        });
        entry.state = entry.state.under(tenant.upstream.limits);
        let per_minute = tenant.upstream.limits.batches_per_minute;
        let limit = per_minute.map(|per_minute| Limit {
            per_minute,
            counts: Arc::new(self.store.clone()),
        });
        let batches = entry.batches.under(&tenant.adapter.manifest, limit);
        entry.batches = Arc::new(batches);
        for (keys, federation) in [
            (&mut entry.keys, &tenant.federation),
            (&mut entry.entra_keys, &tenant.entra_tokens),
        ] {
            let url = federation.as_ref().map(|it| &it.keys_url);
            if keys.as_ref().map(|keys| keys.url()) != url {
                *keys = url.map(|url| Arc::new(Keys::at(url.clone())));
            }
        }
        entry.clone()
    }
}

/// One worker thread's way to the tenants.
pub(super) struct Entrances {
    tenants: Arc<Tenants>,
    pool: Rc<Pool>,
    audience: Rc<Audience>,
}

impl Entrances {
    /// With the thread's own connections; `audience` hears how requests end.
    pub(super) fn new(tenants: Arc<Tenants>, pool: Pool, audience: Audience) -> Self {
        Self {
            tenants,
            pool: Rc::new(pool),
            audience: Rc::new(audience),
        }
    }

    /// Tells that a token was refused that names the tenant.
    pub(super) fn refused(&self, tenant: &TenantId) {
        let witnesses = &self.audience.witnesses;
        witnesses.iter().for_each(|witness| witness.refused(tenant));
    }

    /// The way into a tenant on the generation that is live now.
    ///
    /// # Errors
    /// [`AuthFault::Unknown`]: there is no such tenant (any more).
    /// [`AuthFault::TenantUnavailable`]: there is, and it could not be loaded.
    pub(super) fn open(&self, tenant: &TenantId) -> Result<Rc<dyn Admission>, AuthFault> {
        let entry = self.tenants.live.load().get(tenant).cloned();
        let entry = entry.ok_or(AuthFault::Unknown)?;
        let entry = entry.ok_or(AuthFault::TenantUnavailable)?;
        Ok(Rc::new(self.entrance(&entry, &self.audience)))
    }

    /// The same for an access token.
    ///
    /// # Errors
    /// As of [`open`](Self::open); [`AuthFault::Revoked`] where whoever obtained it is no longer
    /// the one that the tenant's file names.
    pub(super) fn open_by(&self, access: &Access) -> Result<Rc<dyn Admission>, AuthFault> {
        let admission = self.open(&access.tenant)?;
        let Generation::Federation(_) = &access.generation else {
            return Ok(admission);
        };
        let trust = self.trust(&access.tenant);
        match trust.is_ok_and(|trust| trust.federation.generation() == access.generation) {
            true => Ok(admission),
            false => Err(AuthFault::Revoked),
        }
    }

    /// Whose assertions the client of this name may show.
    ///
    /// # Errors
    /// [`AuthFault::Unknown`]: there is no such client, or it shows none.
    /// [`AuthFault::TenantUnavailable`]: the same, while there are tenants that could not be
    /// loaded, of which it may be one. Nobody learns of which tenants that is so.
    pub(super) fn trust(&self, tenant: &TenantId) -> Result<Trust, AuthFault> {
        self.trusted(tenant, |entry| entry.trust.clone())
    }

    /// Which tokens that Entra makes itself are good for this tenant.
    ///
    /// # Errors
    /// As of [`trust`](Self::trust).
    pub(super) fn trust_in_entra(&self, tenant: &TenantId) -> Result<Trust, AuthFault> {
        self.trusted(tenant, |entry| entry.trust_in_entra.clone())
    }

    fn trusted(
        &self,
        tenant: &TenantId,
        of: impl Fn(&Entry) -> Option<Trust>,
    ) -> Result<Trust, AuthFault> {
        let live = self.tenants.live.load();
        let entry = live.get(tenant).and_then(Option::as_ref);
        let trust = entry.and_then(|entry| of(entry));
        trust.ok_or_else(|| match live.values().all(Option::is_some) {
            true => AuthFault::Unknown,
            false => AuthFault::TenantUnavailable,
        })
    }

    /// When another catalog is live.
    pub(super) fn published(&self) -> impl Future<Output = ()> + use<> {
        Arc::clone(&self.tenants.published).notified_owned()
    }

    /// The tenants whose setup has to be verified, each given once. `audience` hears of it.
    pub(super) fn unverified(&self, audience: &Rc<Audience>) -> Vec<Unverified> {
        let live = self.tenants.live.load();
        let entries = live.values().flatten();
        let unverified = entries.filter(|entry| !entry.verified.swap(true, Ordering::Relaxed));
        let entrances = unverified.map(|entry| Unverified(self.entrance(entry, audience)));
        entrances.collect()
    }

    fn entrance(&self, entry: &Arc<Entry>, audience: &Rc<Audience>) -> Entrance {
        Entrance {
            tenants: Arc::clone(&self.tenants),
            pool: Rc::clone(&self.pool),
            entry: Arc::clone(entry),
            audience: Rc::clone(audience),
        }
    }

    /// An operation of each of these tenants that can be served, for work that is no request's. It
    /// begins with the call, and may take so long.
    pub(super) fn beside_requests(
        &self,
        of: &[TenantId],
    ) -> Vec<impl FnOnce(Duration) -> Operation + use<>> {
        let live = self.tenants.live.load();
        let entries = of.iter().filter_map(|id| live.get(id)?.as_ref());
        let entries = entries.map(|entry| {
            let entrance = self.entrance(entry, &Rc::default());
            move |limit| {
                let story = Story::unheard_of(&entrance.entry.tenant.id);
                entrance.operation(String::new(), Instant::now() + limit, story)
            }
        });
        entries.collect()
    }
}

/// A tenant whose setup has to be verified.
pub(super) struct Unverified(Entrance);

impl Unverified {
    /// The operation to verify it by, and its story, which is to be ended.
    pub(super) fn begin(&self, limit: Duration) -> (Operation, Rc<Story>) {
        let story = self.0.begin("-".into(), "-", "-");
        let operation = self
            .0
            .operation(String::new(), Instant::now() + limit, Rc::clone(&story));
        (operation, story)
    }

    /// It does not work yet.
    pub(super) fn look_again(&self) {
        self.0.entry.verified.store(false, Ordering::Relaxed);
    }
}

/// A request's way in.
struct Entrance {
    tenants: Arc<Tenants>,
    pool: Rc<Pool>,
    entry: Arc<Entry>,
    audience: Rc<Audience>,
}

impl Admission for Entrance {
    fn tenant(&self) -> &TenantId {
        &self.entry.tenant.id
    }

    fn service(&self) -> Arc<scim::Service> {
        Arc::clone(&self.entry.tenant.service)
    }

    fn begin(&self, request_id: Arc<str>, method: &'static str, route: &'static str) -> Rc<Story> {
        let tenant = &self.entry.tenant;
        let asked = Asked {
            request_id,
            part: 0,
            tenant: tenant.id.clone(),
            vendor: Arc::clone(&self.entry.vendor),
            method,
            route,
        };
        Story::begin(asked, Rc::clone(&self.audience))
    }

    fn perform(
        self: Rc<Self>,
        request: scim::Request,
        base_url: String,
        deadline: Instant,
        story: Rc<Story>,
    ) -> LocalBoxFuture<'static, Result<scim::Response, Failure>> {
        Box::pin(async move {
            self.operation(base_url, deadline, story)
                .perform(request)
                .await
        })
    }
}

impl Entrance {
    fn operation(&self, base_url: String, deadline: Instant, story: Rc<Story>) -> Operation {
        let Entry {
            tenant,
            destination,
            locks,
            batches,
            recent,
            intents,
            ..
        } = &*self.entry;
        let lease = self.tenants.lease();
        let network = Network::new(Rc::clone(&self.pool), Arc::clone(destination));
        let network = network.under(lease.clone());
        Operation {
            tenant: tenant.id.clone(),
            adapter: Arc::clone(&tenant.adapter),
            service: Arc::clone(&tenant.service),
            settings: Arc::clone(&tenant.settings),
            group_priority: Arc::clone(&tenant.group_priority),
            process: self.tenants.process.clone(),
            backend: Rc::new(network.noting(Rc::clone(&story))),
            memory: self.tenants.memory_under(lease),
            locks: Arc::clone(locks),
            batches: Arc::clone(batches),
            recent: Arc::clone(recent),
            intents: Arc::clone(intents),
            known: Arc::clone(&self.tenants.known),
            look_ups: self.entry.look_ups.clone(),
            ids: Arc::clone(&self.tenants.ids),
            cursors: self.tenants.cursors.clone(),
            base_url,
            deadline,
            story,
        }
    }
}
