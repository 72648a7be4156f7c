//! The gateway as a whole: open, run, drain. The one place where the parts are
//! put together.

mod concerns;
pub mod conditions;
mod console;
mod described;
mod destination;
mod events;
mod follower;
mod gate;
mod live;
mod measure;
mod onboarding;
mod readiness;
mod registry;
mod settling;
mod sides;
mod silence;
pub mod status;
mod stored;
mod tenant_url;
mod tenants;
mod trial;
mod verifying;
mod worker;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::catalog::{Catalog, Plan, Reloader, Report, unfit_certificate};
use crate::config::{self, Config};
use crate::problem::Problem;
use crate::problem::file::without_numbers;
use crate::provisioning::lease::SLACK;
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{Audience, Identity, Witness};
use crate::scim::CursorKey;
use crate::server::{Certificate, Limits, Running, Server, Settings, TenantLimits, TlsFault};
use crate::store::Store;
use crate::store::log::{Log, Reads, Rules};
use crate::telemetry::Instruments;
use crate::tenant::oauth::{Clients, KeySource};
use crate::tenant::seal::KeyFault;
use crate::tenant::secret::Vault;
use crate::tenant::stored::StoredTenant;
use crate::tenant::token::{PepperFault, Tokens};
use crate::vendor::{Documents, Pool, TlsError, TlsOptions};
use conditions::Conditions;
pub use destination::way_to_vendor;
use live::{Live, ServedCertificate};
pub use onboarding::template;
pub use registry::{Adapters, Registry, RegistryFault};
pub use sides::{SidePorts, Sides};
pub use stored::{
    open_store, open_store_to_read, open_tokens, pepper, pepper_file, place, stored_tenants, vault,
};
pub use tenant_url::{doubts, form_of_adapter, form_on_disk, public_url_problem, tenant_url};
use tenants::{Entrances, Tenants};
use worker::Worker;

/// Bound and not yet running: requests wait in the kernel's queue.
pub struct Gateway {
    server: Server,
    store: Store,
    tokens: Arc<Tokens>,
    clients: Arc<Clients>,
    tenants: Arc<Tenants>,
    tls: TlsOptions,
    certificate: Option<ServedCertificate>,
    instruments: Option<Arc<Instruments>>,
    audience: Audience,
    log: Arc<Log>,
    conditions: Arc<Conditions>,
    vault: Arc<Vault>,
    /// The tenants in the store, as they were when it was opened.
    stored: Vec<StoredTenant>,
}

/// Why the gateway cannot take its place: the configuration key it is about.
/// The reason is the error's source.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The server's certificate or its key.
    #[error("server.tls")]
    Tls(#[from] TlsFault),
    /// The address is taken, not ours, or needs a right we do not have.
    #[error("{key}: {}", cannot_listen(.address, .error))]
    Listen {
        /// `server.listen`, `ops.listen` or `admin.listen`.
        key: &'static str,
        /// As configured.
        address: SocketAddr,
        /// The operating system's words.
        error: io::Error,
    },
    /// The database.
    #[error("{key}")]
    Store {
        /// `store.path` or `store.postgres_url_file`.
        key: &'static str,
        /// What is wrong, and the remedy.
        source: MemoryError,
    },
    /// Trust towards the database.
    #[error("store.postgres_ca")]
    StoreTls(#[source] TlsError),
    /// The key of the tokens' digests.
    #[error("{key}")]
    Pepper {
        /// `store.pepper_file`, or `store.path` beside which it lies.
        key: &'static str,
        /// What is wrong, and the remedy.
        source: PepperFault,
    },
    /// A key of vendors' secrets in the store.
    #[error("store.credential_key_file")]
    CredentialKey(#[from] KeyFault),
    /// Trust towards vendors.
    #[error("vendor.extra_ca")]
    VendorTls(#[from] TlsError),
}

/// Why nobody can listen there, and what to do.
fn cannot_listen(address: &SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "cannot listen on {address}: port {port} is taken, perhaps by another scimgate; stop \
             it or name another port"
        ),
        ErrorKind::PermissionDenied => format!(
            "cannot listen on {address}: this user has no right to port {port}; name a port above \
             1023"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "cannot listen on {address}: this machine has no address {}; 0.0.0.0 listens on all",
            address.ip()
        ),
        _ => format!(
            "cannot listen on {address}: {}",
            without_numbers(&error.to_string())
        ),
    }
}

impl Gateway {
    /// Reads the certificate, opens the store and takes the address. There are
    /// no tenants until [`load`](Self::load) or [`publish`](Self::publish).
    ///
    /// # Errors
    /// [`OpenFault`], naming the configuration key.
    pub fn open(config: &Config) -> Result<Self, OpenFault> {
        let certificate = certificate(config)?;
        let settings = settings(config, certificate.as_ref());
        let vault = Arc::new(vault(config)?);
        let (store, tokens) = stored::open_to_serve(config)?;
        let stored = stored_tenants(config, &store)?;
        let tokens = Arc::new(tokens);
        let address = config.server.listen;
        let server = Server::bind(settings);
        let cursors = CursorKey::new(tokens.derived_key("cursors"));
        let log = Log::open(store.clone(), rules(config));
        let log = log.map_err(|source| OpenFault::Store {
            key: stored::store_key(config),
            source,
        })?;
        let conditions: Arc<Conditions> = Arc::default();
        Ok(Self {
            server: server.map_err(|error| OpenFault::Listen {
                key: "server.listen",
                address,
                error,
            })?,
            clients: Arc::new(Clients::new(Arc::clone(&tokens), access_life(config))),
            tokens,
            tenants: Arc::new(Tenants::new(&store, cursors)),
            store,
            tls: TlsOptions::load(config.vendor.extra_ca.as_deref())?,
            certificate,
            instruments: None,
            audience: Audience {
                witnesses: vec![Arc::clone(&log) as _, Arc::clone(&conditions) as _],
                identity: identity(config),
            },
            log,
            conditions,
            vault,
            stored,
        })
    }

    /// Loads the catalog, makes it the live one, and gives what loads it again.
    pub fn load(&self, config: &Config) -> (Reloader, Report) {
        let plan = plan(config, Arc::clone(&self.vault));
        let live = Live {
            tenants: Arc::clone(&self.tenants),
            certificate: self.certificate.clone(),
        };
        let (reloader, found) = Reloader::open(plan, self.stored.clone(), Box::new(live));
        if let Some(instruments) = &self.instruments {
            measure::reloads(instruments, &reloader);
        }
        (reloader, found)
    }

    /// The address taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The tokens, to mint one.
    pub fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }

    /// What is the matter with tenants now.
    pub fn conditions(&self) -> Arc<Conditions> {
        Arc::clone(&self.conditions)
    }

    /// Makes a catalog the live one.
    pub fn publish(&self, catalog: &Catalog) {
        self.tenants.publish(catalog);
    }

    /// Counts requests, vendor calls and how tenants stand with `instruments`.
    pub fn measured_by(mut self, instruments: &Arc<Instruments>) -> Self {
        measure::tenants(instruments, &self.tenants);
        measure::store(instruments, self.store.faults());
        measure::log(instruments, &self.log);
        measure::conditions(instruments, &self.conditions);
        if let Some(certificate) = &self.certificate {
            measure::certificate(instruments, Arc::clone(&certificate.served));
        }
        self.server = self.server.observed_by(Arc::clone(instruments) as _);
        self.tell(Arc::clone(instruments) as _);
        self.instruments = Some(Arc::clone(instruments));
        self
    }

    /// The provisioning log, to be closed after the last request.
    pub fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }

    /// Lets somebody hear how requests end.
    pub fn tell(&mut self, witness: Arc<dyn Witness>) {
        self.audience.witnesses.push(witness);
    }

    /// Starts the worker threads. What is measured now and then is measured on the caller's
    /// runtime.
    ///
    /// # Errors
    /// The operating system has no thread or no event queue left.
    pub fn start(self) -> io::Result<Running> {
        let Self {
            server,
            store,
            tokens,
            clients,
            tenants,
            tls,
            instruments,
            audience,
            conditions,
            ..
        } = self;
        if let (Some(instruments), Ok(runtime)) = (&instruments, Handle::try_current()) {
            let asked = measure::Asked {
                store: store.clone(),
                tenants: Arc::downgrade(&tenants),
                tokens: Arc::downgrade(&tokens),
                conditions: Arc::downgrade(&conditions),
            };
            runtime.spawn(measure::now_and_then(Arc::clone(instruments), asked));
        }
        let (settling, verifying) = (settling::Begun::default(), settling::Begun::default());
        let verification = Audience {
            witnesses: vec![conditions as _],
            ..audience.clone()
        };
        let documents: Arc<dyn KeySource> = Arc::new(Documents::new(tls.clone()));
        server.start(move || {
            let mut pool = Pool::new(tls.clone());
            if let Some(instruments) = &instruments {
                pool = pool.observed_by(Arc::clone(instruments) as _);
            }
            if tenants.are_shared() {
                pool = pool.connecting_within(SLACK);
            }
            let entrances = Entrances::new(Arc::clone(&tenants), pool, audience.clone());
            let entrances = Rc::new(entrances);
            settling::begin(&settling, &store, &entrances);
            verifying::begin(&verifying, &entrances, verification.clone());
            Rc::new(Worker {
                tokens: Arc::clone(&tokens),
                clients: Arc::clone(&clients),
                documents: Arc::clone(&documents),
                entrances,
            })
        })
    }
}

fn access_life(config: &Config) -> Duration {
    Duration::from_secs(config.oauth.access_token_minutes * 60)
}

fn certificate(config: &Config) -> Result<Option<ServedCertificate>, TlsFault> {
    let read = config.server.tls.as_ref().map(|tls| {
        let served = Certificate::load(&tls.certificate, &tls.key)?;
        Ok(ServedCertificate {
            served: Arc::new(served),
            chain: tls.certificate.clone(),
            key: tls.key.clone(),
        })
    });
    read.transpose()
}

/// What keeps the configured certificate from being served, if anything.
pub fn certificate_problem(config: &Config) -> Option<Problem> {
    let chain = &config.server.tls.as_ref()?.certificate;
    let fault = certificate(config).err()?;
    Some(unfit_certificate(
        &chain.display().to_string(),
        fault.to_string(),
    ))
}

fn rules(config: &Config) -> Rules {
    Rules {
        reads: match config.log.reads {
            config::Reads::All => Reads::All,
            config::Reads::Failures => Reads::Failures,
            config::Reads::None => Reads::None,
        },
        retention: config.log.retention,
        most: config.log.max_events as u64,
    }
}

fn identity(config: &Config) -> Identity {
    match config.log.identity {
        config::Identity::Full => Identity::Full,
        config::Identity::Masked => Identity::Masked,
        config::Identity::Off => Identity::Off,
    }
}

fn plan(config: &Config, vault: Arc<Vault>) -> Plan {
    let tls = config.server.tls.as_ref();
    let catalog = &config.catalog;
    Plan {
        sources: catalog.sources(),
        vault,
        transcripts: Some(catalog.transcripts.clone()),
        certificate: tls.map(|tls| (tls.certificate.clone(), tls.key.clone())),
        removal_grace: Duration::from_secs(catalog.removal_grace_seconds),
    }
}

fn settings(config: &Config, certificate: Option<&ServedCertificate>) -> Settings {
    Settings {
        listen: config.server.listen,
        certificate: certificate.map(|certificate| Arc::clone(&certificate.served)),
        public_origin: config
            .server
            .public_url
            .as_ref()
            .map(tenant_url::public_origin),
        workers: config.workers.unwrap_or_else(cores),
        limits: limits(config),
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        connections: config.server.max_connections,
        connections_per_source: config.server.max_connections_per_source,
        in_flight: config.server.max_in_flight,
        body_bytes: config.server.body_limit,
        body_budget: config.server.body_budget,
        request: Duration::from_secs(config.deadline.request_seconds),
        tenant: TenantLimits {
            per_second: config.limits.requests_per_second.get(),
            burst: config.limits.burst.get(),
            in_flight: config.limits.in_flight,
        },
        ..Limits::default()
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, Into::into)
}
