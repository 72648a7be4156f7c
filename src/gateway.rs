//! The gateway as a whole: bind, run, drain.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use url::Url;

use crate::adapter::{LocalBoxFuture, TenantId};
use crate::config::Config;
use crate::server::{
    Admission, Application, Certificate, Limits, Running, Server, Settings, TenantLimits, TlsFault,
};
use crate::tenant::token::{AuthFault, Tokens};

/// Bound and not yet running: requests wait in the kernel's queue.
pub struct Gateway {
    server: Server,
}

/// Why the gateway cannot take its place.
#[derive(Debug, thiserror::Error)]
pub enum BindFault {
    /// The certificate or its key.
    #[error("server.tls: {0}")]
    Tls(#[from] TlsFault),
    /// The address is taken, not ours, or needs a right we do not have.
    #[error("server.listen: cannot listen on {address}: {error}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The operating system's words.
        error: io::Error,
    },
}

/// Where a tenant's name leads on one worker thread.
pub trait Directory {
    /// The way into `tenant` on the generation that is live now; `None` if
    /// there is no such tenant (any more).
    fn open(&self, tenant: &TenantId) -> Option<Rc<dyn Admission>>;
}

/// What stands behind the server on one worker thread: the tokens that all
/// threads share, and the thread's own way to the tenants.
pub struct Worker<D> {
    tokens: Arc<Tokens>,
    directory: D,
}

impl Gateway {
    /// Reads the certificate and takes the address.
    ///
    /// # Errors
    /// [`BindFault`], naming the configuration key.
    pub fn bind(config: &Config) -> Result<Self, BindFault> {
        let address = config.server.listen;
        let server = Server::bind(settings(config)?);
        let server = server.map_err(|error| BindFault::Listen { address, error })?;
        Ok(Self { server })
    }

    /// The address taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Starts the worker threads; `application` is called once on each.
    ///
    /// # Errors
    /// The operating system has no thread or no event queue left.
    pub fn start<F>(self, application: F) -> io::Result<Running>
    where
        F: Fn() -> Rc<dyn Application> + Send + Sync + 'static,
    {
        self.server.start(application)
    }

    /// Serves until `shutdown` is ready, then drains.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn run<F>(self, application: F, shutdown: impl Future<Output = ()>) -> io::Result<()>
    where
        F: Fn() -> Rc<dyn Application> + Send + Sync + 'static,
    {
        let running = self.start(application)?;
        shutdown.await;
        running.stop().await;
        Ok(())
    }
}

impl<D> Worker<D> {
    /// Puts the two together.
    pub fn new(tokens: Arc<Tokens>, directory: D) -> Self {
        Self { tokens, directory }
    }
}

impl<D: Directory> Application for Worker<D> {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
    ) -> LocalBoxFuture<'a, Result<Rc<dyn Admission>, AuthFault>> {
        Box::pin(async move {
            let tenant = self.tokens.authenticate(token).await?;
            // A token may outlive its tenant's file: then it opens nothing.
            self.directory.open(&tenant).ok_or(AuthFault::Unknown)
        })
    }
}

fn settings(config: &Config) -> Result<Settings, TlsFault> {
    let tls = config.server.tls.as_ref();
    let certificate = tls.map(|tls| Certificate::load(&tls.certificate, &tls.key));
    Ok(Settings {
        listen: config.server.listen,
        certificate: certificate.transpose()?.map(Arc::new),
        public_origin: config.server.public_url.as_ref().map(origin),
        workers: config.workers.unwrap_or_else(cores),
        limits: limits(config),
    })
}

fn limits(config: &Config) -> Limits {
    Limits {
        connections: config.server.max_connections,
        in_flight: config.server.max_in_flight,
        body_bytes: config.server.body_limit,
        request: Duration::from_secs(config.deadline.request_seconds),
        tenant: TenantLimits {
            per_second: config.limits.requests_per_second.get(),
            burst: config.limits.burst.get(),
            in_flight: config.limits.in_flight,
        },
        ..Limits::default()
    }
}

fn origin(public_url: &Url) -> String {
    public_url.as_str().trim_end_matches('/').to_owned()
}

fn cores() -> usize {
    available_parallelism().map_or(1, Into::into)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::tenant::token::Pepper;

    /// Knows no tenant.
    struct Empty;

    impl Directory for Empty {
        fn open(&self, _: &TenantId) -> Option<Rc<dyn Admission>> {
            None
        }
    }

    #[tokio::test]
    async fn a_token_that_outlives_its_tenant_opens_nothing() {
        let store = Arc::new(Store::in_memory().unwrap());
        let tokens = Arc::new(Tokens::new(store, Pepper::random().unwrap()));
        let tenant = TenantId::parse("acme").unwrap();
        let token = tokens.issue(tenant, None).await.unwrap();
        let worker = Worker::new(tokens, Empty);
        let refused = worker.authenticate(token.reveal()).await.err();
        assert_eq!(refused, Some(AuthFault::Unknown));
        let refused = worker.authenticate("scg_x").await.err();
        assert_eq!(refused, Some(AuthFault::Malformed));
    }

    #[test]
    fn a_public_url_is_taken_without_its_last_slash() {
        let origin = |text: &str| origin(&Url::parse(text).unwrap());
        assert_eq!(
            origin("https://scim.example.com"),
            "https://scim.example.com"
        );
        assert_eq!(
            origin("https://example.com/gate/"),
            "https://example.com/gate"
        );
    }

    #[test]
    fn an_address_that_cannot_be_had_is_named() {
        let mut config = Config::default();
        config.server.listen = "192.0.2.1:1".parse().unwrap();
        let fault = Gateway::bind(&config).err().unwrap().to_string();
        assert!(
            fault.contains("server.listen") && fault.contains("192.0.2.1:1"),
            "{fault}"
        );
    }
}
