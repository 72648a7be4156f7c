//! `scimgate serve`.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Ending, Trouble};
use crate::adapter::TenantId;
use crate::config::Config;
use crate::gateway::{Directory, Gateway, Worker};
use crate::server::{Admission, Running};
use crate::store::Store;
use crate::tenant::token::{Pepper, Tokens};

/// Serves until SIGTERM or Ctrl-C, then drains; a second signal ends at once.
pub(super) fn run(config: &Config) -> Result<Ending, Trouble> {
    let tokens = Arc::new(tokens(config).map_err(Trouble::Config)?);
    let gateway = Gateway::bind(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let address = gateway.local_addr();
    let running = gateway
        .start(move || Rc::new(Worker::new(tokens.clone(), NoTenants)))
        .map_err(|error| Trouble::Internal(error.into()))?;
    announce(config, address);
    control(running).map_err(Trouble::Internal)
}

fn tokens(config: &Config) -> anyhow::Result<Tokens> {
    let path = &config.store.path;
    let store = Store::open(path).context("store.path")?;
    let pepper = Pepper::open(&Pepper::beside(path)).context("store.path")?;
    Ok(Tokens::new(Arc::new(store), pepper))
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

/// The main thread only waits for signals; workers have their own runtimes.
fn control(running: Running) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut stop = Stop::listen()?;
        stop.asked().await;
        tracing::info!("draining");
        tokio::select! {
            () = running.stop() => Ok(Ending::Done),
            () = stop.asked() => Ok(Ending::Cut),
        }
    })
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

/// The directory of a gateway without a catalog: every token opens nothing.
struct NoTenants;

impl Directory for NoTenants {
    fn open(&self, _: &TenantId) -> Option<Rc<dyn Admission>> {
        None
    }
}
