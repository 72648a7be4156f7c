//! `scimgate serve`.

use std::net::SocketAddr;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output::colours;
use super::{Ending, Trouble, sources};
use crate::catalog;
use crate::config::Config;
use crate::gateway::Gateway;

/// Serves until SIGTERM or Ctrl-C, then drains; a second signal ends at once.
pub(super) fn run(config: &Config) -> Result<Ending, Trouble> {
    // Without any tenant every token would be refused as unknown, and Entra would stop all jobs.
    let tenants = &config.catalog.tenants;
    if !tenants.is_dir() {
        let message = format!("catalog.tenants: {} is no directory", tenants.display());
        return Err(Trouble::Config(anyhow::anyhow!(message)));
    }
    let (catalog, found) = catalog::load(&sources(config));
    if !found.problems().is_empty() {
        eprint!("{}", found.render(colours(&std::io::stderr())));
    }
    let gateway = Gateway::open(config).map_err(|fault| Trouble::Config(fault.into()))?;
    gateway.publish(&catalog);
    tracing::info!(
        adapters = catalog.adapters.len(),
        tenants = catalog.tenants.len(),
        "catalog loaded"
    );
    control(config, gateway).map_err(Trouble::Internal)
}

/// The main thread only waits for signals; workers have their own runtimes.
fn control(config: &Config, gateway: Gateway) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Before the address is told: who reads it may ask for the end at once.
        let mut stop = Stop::listen()?;
        let address = gateway.local_addr();
        let running = gateway.start()?;
        announce(config, address);
        stop.asked().await;
        tracing::info!("draining");
        tokio::select! {
            () = running.stop() => Ok(Ending::Done),
            () = stop.asked() => Ok(Ending::Cut),
        }
    })
}

/// The one line for people and for scripts that asked for port 0; logs go elsewhere.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn announce(config: &Config, address: SocketAddr) {
    let scheme = if config.server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    println!("scimgate is listening on {scheme}://{address}/scim/v2");
}

/// SIGTERM (service managers) and SIGINT (Ctrl-C).
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
