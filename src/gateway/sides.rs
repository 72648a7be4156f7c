//! The ports beside the one that serves SCIM, on the control thread.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::console::Steward;
use super::follower::Follower;
use super::readiness::Readiness;
use super::{Gateway, OpenFault};
use crate::catalog::Reloader;
use crate::config::Config;
use crate::server::ops::{Metrics, Ops};
use crate::server::{Side, SidePort, admin};

/// The addresses taken, and what will stand behind them.
pub struct SidePorts {
    ops: Option<SidePort>,
    admin: Option<SidePort>,
    readiness: Readiness,
    steward: Steward,
    follower: Arc<Follower>,
}

/// Being served.
pub struct Sides {
    ports: Vec<Side>,
    draining: Rc<Cell<bool>>,
    follower: Arc<Follower>,
    following: JoinHandle<()>,
}

impl SidePorts {
    /// Takes the addresses.
    ///
    /// # Errors
    /// [`OpenFault::Listen`], naming the configuration key.
    pub fn open(config: &Config, gateway: &Gateway, reloader: Reloader) -> Result<Self, OpenFault> {
        if let Some(address) = config.admin.listen.filter(|it| !it.ip().is_loopback()) {
            tracing::warn!(
                %address,
                action = "set admin.listen to loopback, and reach it through a tunnel",
                "administrators' tokens are sent to this address without encryption"
            );
        }
        let follower = Arc::new(Follower::new(
            gateway.store.clone(),
            Arc::clone(&gateway.tokens),
            reloader.clone(),
            &gateway.stored,
        ));
        Ok(Self {
            ops: bind("ops.listen", config.ops.listen)?,
            admin: bind("admin.listen", config.admin.listen)?,
            readiness: Readiness {
                pulse: gateway.server.pulse(),
                store: gateway.store.clone(),
                tenants: Arc::clone(&gateway.tenants),
                draining: Rc::default(),
            },
            steward: Steward::of(config, gateway, reloader, Arc::clone(&follower)),
            follower,
        })
    }

    /// Where probes and metrics are answered, if anywhere.
    pub fn ops(&self) -> Option<SocketAddr> {
        self.ops.as_ref().map(SidePort::local_addr)
    }

    /// Where administration is, if anywhere.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(SidePort::local_addr)
    }

    /// Serves them on this thread, which must be that of a `LocalRuntime`.
    ///
    /// # Errors
    /// There is no event queue left for a listener.
    pub fn start(self, metrics: Option<Box<dyn Metrics>>) -> io::Result<Sides> {
        let draining = Rc::clone(&self.readiness.draining);
        let ops = Ops::new(Box::new(self.readiness), metrics);
        let ops = self.ops.map(|port| ops.start(port));
        let steward = Rc::new(self.steward);
        let admin = self.admin.map(|port| admin::start(port, steward));
        let ports = ops.into_iter().chain(admin).collect::<io::Result<_>>()?;
        let following = tokio::spawn(Arc::clone(&self.follower).follow());
        Ok(Sides {
            ports,
            draining,
            follower: self.follower,
            following,
        })
    }
}

impl Sides {
    /// From now on the gateway says that it is not ready.
    pub fn drain(&self) {
        self.draining.set(true);
    }

    /// Lets what is being answered end.
    pub async fn stop(self) {
        for port in self.ports {
            port.stop().await;
        }
        self.following.abort();
        self.follower.end().await;
    }
}

fn bind(key: &'static str, address: Option<SocketAddr>) -> Result<Option<SidePort>, OpenFault> {
    let bound = address.map(|address| {
        SidePort::bind(address).map_err(|error| OpenFault::Listen {
            key,
            address,
            error,
        })
    });
    bound.transpose()
}
