//! A worker thread's connections to vendors.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::connect::Connector;
use super::destination::Destination;
use super::intake::Intake;
use super::observer::CallObserver;
use super::tls::TlsOptions;
use crate::adapter::keys::TenantId;

/// A call must not be written to a connection that is just being closed, or was without a word:
/// the vendor may then have it, and it is not sent twice. The shortest time in use is 5 s (Node.js).
const CONNECTION_IDLE: Duration = Duration::from_secs(4);
const TENANT_IDLE: Duration = Duration::from_secs(600);
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// One tenant's connections, and who hears of what goes over them.
pub(super) struct Connections {
    client: Client<Connector, Full<Bytes>>,
    pub(super) intake: Intake,
    pub(super) observer: Option<Arc<dyn CallObserver>>,
}

impl Connections {
    /// Sends a request over a connection that is free or new.
    pub(super) fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        self.client.request(request)
    }
}

/// The connections of one worker thread, apart for each tenant: what a proxy or
/// a vendor remembers of a connection (who logged in, whose turn it is) never
/// meets another tenant's call. Stays on its thread.
pub struct Pool {
    tls: TlsOptions,
    observer: Option<Arc<dyn CallObserver>>,
    longest_connect: Duration,
    tenants: RefCell<Tenants>,
}

struct Tenants {
    entries: HashMap<TenantId, Entry>,
    swept: Instant,
}

struct Entry {
    connections: Rc<Connections>,
    connect: Duration,
    used: Instant,
}

impl Pool {
    /// No connections yet.
    pub fn new(tls: TlsOptions) -> Self {
        let tenants = Tenants {
            entries: HashMap::new(),
            swept: Instant::now(),
        };
        Self {
            tls,
            observer: None,
            longest_connect: Duration::MAX,
            tenants: RefCell::new(tenants),
        }
    }

    /// Tells `observer` of every try on the wire.
    pub fn observed_by(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Waits no longer for a connection than this, whatever the vendor's manifest says.
    pub fn connecting_within(mut self, most: Duration) -> Self {
        self.longest_connect = most;
        self
    }

    /// The tenant's connections. Those of tenants that made no call for ten
    /// minutes are closed on the way.
    pub(super) fn connections(&self, to: &Destination) -> Rc<Connections> {
        let now = Instant::now();
        let mut tenants = self.tenants.borrow_mut();
        tenants.sweep(now);
        let connect = to.deadlines.connect().min(self.longest_connect);
        let fresh = || Entry::new(self, connect, now);
        let entry = tenants
            .entries
            .entry(to.tenant.clone())
            .or_insert_with(fresh);
        // The limit is part of the connector, and a reload may have set another.
        if entry.connect != connect {
            *entry = fresh();
        }
        entry.touch(now)
    }

    #[cfg(test)]
    pub(super) fn tenants(&self) -> usize {
        self.tenants.borrow().entries.len()
    }
}

impl Tenants {
    fn sweep(&mut self, now: Instant) {
        if now.duration_since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        let unused = |entry: &Entry| now.duration_since(entry.used) >= TENANT_IDLE;
        self.entries.retain(|_, entry| !unused(entry));
    }
}

impl Entry {
    fn new(pool: &Pool, connect: Duration, now: Instant) -> Self {
        let connector = Connector::new(pool.tls.for_tenant(), connect);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(CONNECTION_IDLE)
            // Every waiting call holds one, and most replies are shorter.
            .http1_read_buf_exact_size(4096)
            .build(connector);
        Self {
            connections: Rc::new(Connections {
                client,
                intake: Intake::default(),
                observer: pool.observer.clone(),
            }),
            connect,
            used: now,
        }
    }

    fn touch(&mut self, now: Instant) -> Rc<Connections> {
        self.used = now;
        Rc::clone(&self.connections)
    }
}
