//! `scimgate serve`.

use std::io::IsTerminal as _;
use std::time::Duration;

use tokio::runtime::LocalOptions;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output::colours;
use super::{Ending, Trouble};
use crate::catalog::watch::{Timing, Watch};
use crate::catalog::{Reloader, Report, log_problems};
use crate::config::{Config, LogFormat};
use crate::gateway::{Gateway, SidePorts};
use crate::server::admin;
use crate::telemetry::Telemetry;

/// How long the receiver of telemetry may take for the last of it.
const LAST_TELEMETRY: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or Ctrl-C, then drains; a second signal ends at once.
/// SIGHUP loads again.
pub(super) fn run(config: &Config) -> Result<Ending, Trouble> {
    // Without any tenant every token would be refused as unknown, and Entra would stop all jobs.
    let tenants = &config.catalog.tenants;
    if !tenants.is_dir() {
        let message = format!(
            "catalog.tenants: {} is not a directory; make it, with a file for each tenant, or name another one",
            tenants.display()
        );
        return Err(Trouble::Config(anyhow::anyhow!(message)));
    }
    let telemetry = Telemetry::begin(config).map_err(|fault| Trouble::Config(fault.into()))?;
    if config.server.public_url.is_none() && !config.server.listen.ip().is_loopback() {
        tracing::warn!(
            action = "set server.public_url",
            "Location and meta.location use the host name that each request gives"
        );
    }
    let gateway = Gateway::open(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let gateway = gateway.measured_by(&telemetry.instruments());
    let (reloader, found) = gateway.load(config);
    tell(&found, config.log.format);
    let (catalog, standing) = (reloader.running(), reloader.standing());
    let sides = SidePorts::open(config, &gateway, reloader.clone());
    let sides = sides.map_err(|fault| Trouble::Config(fault.into()))?;
    tracing::info!(
        adapters = catalog.adapters.len(),
        tenants = catalog.tenants.len(),
        catalog = standing.running,
        "catalog loaded"
    );
    control(config, gateway, reloader, sides, telemetry).map_err(Trouble::Internal)
}

/// Shows a person the lines of the files, and gives a machine lines of the log.
fn tell(found: &Report, format: LogFormat) {
    let stderr = std::io::stderr();
    if format == LogFormat::Text || stderr.is_terminal() {
        eprint!("{}", found.render(colours(&stderr)));
    } else {
        log_problems(found);
    }
}

/// The main thread waits for signals and answers probes and administrators;
/// workers have their own runtimes.
fn control(
    config: &Config,
    gateway: Gateway,
    reloader: Reloader,
    sides: SidePorts,
    telemetry: Telemetry,
) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let ending = runtime.block_on(async {
        // Before the address is told: who reads it may ask for the end at once.
        let mut stop = Stop::listen()?;
        let mut hangup = signal(SignalKind::hangup())?;
        let announcement = announcement(config, &gateway, &sides);
        let log = gateway.log();
        let running = gateway.start()?;
        let sides = sides.start(Some(Box::new(telemetry.scrape())))?;
        let watch = Watch::start(reloader, config.catalog.watch, Timing::default())?;
        announce(&announcement);
        loop {
            tokio::select! {
                () = stop.asked() => break,
                _ = hangup.recv() => watch.ask(),
            }
        }
        tracing::info!("draining");
        // Probes hear of it while what is under way is still answered.
        sides.drain();
        let drained = async {
            running.stop().await;
            sides.stop().await;
            telemetry.end(LAST_TELEMETRY).await;
        };
        let ending = tokio::select! {
            () = drained => Ending::Done,
            () = stop.asked() => Ending::Cut,
        };
        log.close();
        Ok(ending)
    });
    // A dry run or a reload that an administrator asked for may take long, and nobody waits
    // for it any more.
    runtime.shutdown_background();
    ending
}

/// Where everything is, for people and for scripts that asked for port 0: the
/// SCIM address first.
fn announcement(config: &Config, gateway: &Gateway, sides: &SidePorts) -> String {
    let scheme = if config.server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let address = gateway.local_addr();
    let ops = sides
        .ops()
        .map(|ops| format!("probes and metrics: http://{ops}/readyz\n"));
    let admin = sides
        .admin()
        .map(|admin| format!("administration: http://{admin}{}\n", admin::BASE));
    format!(
        "scimgate is listening on {scheme}://{address}/scim/v2\n{}{}",
        ops.unwrap_or_default(),
        admin.unwrap_or_default(),
    )
}

/// In one piece, for whoever reads only the first line. Logs go elsewhere.
fn announce(text: &str) {
    put!("{text}");
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
