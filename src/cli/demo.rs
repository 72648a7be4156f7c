//! `scimgate demo`.

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Ending, Trouble};
use crate::config::{Config, Log, LogFormat};
use crate::demo::guide;
use crate::demo::report::Report;
use crate::demo::stand::{Stand, StandFault};
use crate::demo::vendors::{self, Showcase};
use crate::scim::Profile;
use crate::telemetry;

/// About what a vendor in the same data centre takes.
const LATENCY: Duration = Duration::from_millis(3);

/// How to show it.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The vendor to show.
    #[arg(long, value_name = "NAME", default_value = "sosafe", value_parser = vendor_name)]
    vendor: String,
    /// Which SCIM client the tenant adapts to: entra, okta or strict (the RFCs exactly).
    #[arg(long, value_name = "NAME", default_value = "entra", value_parser = profile)]
    profile: Profile,
    /// Stop after the report, with exit status 0 if everything is right, else 1.
    #[arg(long, conflicts_with = "serve_only")]
    once: bool,
    /// Only serve: print TENANT_URL=… and TOKEN=…, and run until Ctrl-C.
    #[arg(long)]
    serve_only: bool,
    /// Only start the emulator: print a tenant file for your own gateway, and run until Ctrl-C.
    #[arg(long, conflicts_with_all = ["once", "serve_only"])]
    vendor_only: bool,
}

fn vendor_name(name: &str) -> Result<String, String> {
    let known = || vendors::ALL.map(|vendor| vendor.name).join(", ");
    let vendor = vendors::named(name);
    let named = vendor.map(|vendor| vendor.name.to_owned());
    named.ok_or_else(|| format!("it must be one of: {}", known()))
}

fn profile(name: &str) -> Result<Profile, String> {
    let known = Profile::ALL.into_iter().find(|it| it.as_str() == name);
    let names = || Profile::ALL.map(Profile::as_str).join(", ");
    known.ok_or_else(|| format!("it must be one of: {}", names()))
}

/// Shows the gateway between an Entra and a vendor of our own making; reads no configuration.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let log = Log {
        format: LogFormat::Text,
        filter: "error".to_owned(),
        ..Config::default().log
    };
    telemetry::log_lines(&log).map_err(|error| Trouble::Internal(error.into()))?;
    let runtime = super::event_loop()?;
    runtime.block_on(show(options))
}

async fn show(options: &Options) -> Result<Ending, Trouble> {
    let vendor = vendors::named(&options.vendor).context("no such vendor");
    let vendor = vendor.map_err(Trouble::Internal)?;
    if options.vendor_only {
        let ended = emulate(vendor).await;
        return ended.map(|()| Ending::Done).map_err(Trouble::Internal);
    }
    let stand = Stand::start(vendor, options.profile, LATENCY)
        .await
        .map_err(trouble)?;
    let ending = if options.serve_only {
        print_variables(&stand);
        told_to_stop()
            .await
            .map(|()| Ending::Done)
            .map_err(Into::into)
    } else {
        present(&stand, options.once).await
    };
    stand.stop().await;
    ending.map_err(Trouble::Internal)
}

/// The vendor alone.
async fn emulate(vendor: &Showcase) -> anyhow::Result<()> {
    let emulator = (vendor.start)(LATENCY)?;
    print_tenant_file(&(vendor.tenant_file)(&emulator), emulator.control_url());
    Ok(told_to_stop().await?)
}

/// An adapter of the working directory that cannot be loaded is for whoever edits it to correct.
fn trouble(fault: StandFault) -> Trouble {
    match fault {
        StandFault::Catalog(_) => Trouble::Config(fault.into()),
        _ => Trouble::Internal(fault.into()),
    }
}

async fn present(stand: &Stand, once: bool) -> anyhow::Result<Ending> {
    let report = tokio::select! {
        report = guide::play(stand) => report?,
        stopped = told_to_stop() => return stopped.map(|()| Ending::Cut).map_err(Into::into),
    };
    print_report(&report);
    if !once {
        print_invitation(stand);
        told_to_stop().await?;
    }
    Ok(if report.is_clean() {
        Ending::Done
    } else {
        Ending::Findings
    })
}

/// Ctrl-C, or SIGTERM from whoever started a demo in the background.
async fn told_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

fn print_variables(stand: &Stand) {
    put_line!("TENANT_URL={}", stand.tenant_url);
    put_line!("TOKEN={}", stand.token);
}

/// A tenant file as it stands, so that it can be sent into one.
fn print_tenant_file(tenant_file: &str, control: &str) {
    put_line!(
        "# What it has stored, and what it was asked: {control}/state, {control}/journal?bodies=1"
    );
    put_line!("{}", tenant_file.trim_end());
    put_line!("# Ctrl-C stops the emulator.");
}

fn print_report(report: &Report) {
    put!("{report}");
}

fn print_invitation(stand: &Stand) {
    let Stand {
        vendor,
        emulator,
        tenant_url,
        token,
        ..
    } = stand;
    let (title, control) = (vendor.title, emulator.control_url());
    let tenant_file = (vendor.tenant_file)(emulator);
    put_line!(
        r#"
Still serving. What an administrator would paste into Entra:
  Tenant URL    {tenant_url}
  Secret Token  {token}

Try it:
  curl -H 'Authorization: Bearer {token}' '{tenant_url}/Users?count=2'
  curl -H 'Authorization: Bearer {token}' '{tenant_url}/Users?filter=userName+eq+%22ada.lane.3%40scimgate.example%22'
  curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/scim+json' '{tenant_url}/Users' \
    -d '{{"userName":"new@scimgate.example","name":{{"givenName":"New","familyName":"Person"}},"active":"True"}}'
What {title} has stored, and what it was asked:
  curl '{control}/state'
  curl '{control}/journal?bodies=1'

A tenant file to try your own gateway with this {title}, as in the README:
{tenant_file}
Ctrl-C stops it."#
    );
}
