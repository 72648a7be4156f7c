//! `scimgate status`.

use std::io::IsTerminal as _;
use std::time::Duration;

use super::columns::aligned;
use super::output::{Form, put};
use super::reach::{Remote, Whereabouts};
use super::{Ending, Trouble};
use crate::adapter::keys::TenantId;
use crate::catalog::standing::{Part, State};
use crate::config::Config;
use crate::gateway::status::{Rates, RiskLevel, Status, TenantStatus};
use crate::problem::counted;

/// Between two looks of `--watch`.
const LOOK: Duration = Duration::from_secs(2);

/// What to show.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Only this tenant.
    #[arg(long, value_name = "NAME", value_parser = super::token::tenant_id)]
    tenant: Option<TenantId>,
    /// Refresh every two seconds, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Asks the gateway and tells. Something to correct is a finding: exit status 1.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let remote = Remote::of(config, &options.whereabouts)?;
    if !options.watch {
        return look(&remote, options);
    }
    loop {
        clear();
        match look(&remote, options) {
            Err(Trouble::Unreachable(error)) => eprintln!("scimgate: {error:#}"),
            // Nobody reads it any more.
            Ok(Ending::Cut) => return Ok(Ending::Done),
            _ => {}
        }
        remote.pause(LOOK);
    }
}

fn look(remote: &Remote, options: &Options) -> Result<Ending, Trouble> {
    let mut status: Status = remote.get("/status")?;
    if let Some(tenant) = &options.tenant {
        only(&mut status, tenant)?;
    }
    let is_read = match options.format {
        Form::Human => put(format_args!("{}", human(&status))),
        Form::Json => put(format_args!("{:#}\n", serde_json::json!(status))),
    };
    Ok(match status.well {
        _ if !is_read => Ending::Cut,
        true => Ending::Done,
        false => Ending::Findings,
    })
}

/// Leaves what concerns one tenant: itself and its vendor.
fn only(status: &mut Status, tenant: &TenantId) -> Result<(), Trouble> {
    status.tenants.retain(|told| told.id == *tenant);
    let Some(told) = status.tenants.first() else {
        let message = anyhow::anyhow!("the gateway has no tenant {tenant}");
        return Err(Trouble::Refused(message));
    };
    let (id, vendor) = (tenant.to_string(), told.vendor.clone());
    let standing = &mut status.standing;
    standing.tenants.retain(|name, _| *name == id);
    standing
        .vendors
        .retain(|name, _| Some(name) == vendor.as_ref());
    let subjects = [
        format!("tenant {id}:"),
        format!("vendor {}:", vendor.unwrap_or_default()),
    ];
    let concerns = |concern: &String| subjects.iter().any(|subject| concern.starts_with(subject));
    status.concerns.retain(concerns);
    status.well = status.concerns.is_empty();
    Ok(())
}

fn human(status: &Status) -> String {
    let concerns = status.concerns.iter().map(|it| format!("  - {it}\n"));
    format!(
        "scimgate {}, running since {:.0}; catalog {}, generation {}\n\n{}\n{}\n{}\n{}",
        status.version,
        status.since,
        status.standing.running,
        status.standing.generation,
        aligned(&vendors(status)),
        aligned(&tenants(status)),
        verdict(status),
        concerns.collect::<String>(),
    )
}

/// Which version of each vendor's files serves, and of the certificate. The program's own that nobody uses are
/// left out.
fn vendors(status: &Status) -> Vec<Vec<String>> {
    let standing = &status.standing;
    let is_used = |name: &str| {
        let mut tenants = standing.tenants.values();
        tenants.any(|tenant| tenant.adapter.as_deref() == Some(name))
    };
    let vendors = standing.vendors.iter();
    let vendors = vendors.filter(|(name, part)| !part.built_in || is_used(name));
    let certificate = standing.certificate.as_ref();
    let certificate = certificate.map(|part| ("(certificate)", part));
    let parts = vendors.map(|(name, part)| (name.as_str(), part));
    let rows = parts
        .chain(certificate)
        .map(|(name, part)| vec![name.to_owned(), versions(part)]);
    let head = ["VENDOR", "WHAT SERVES"].map(str::to_owned).to_vec();
    std::iter::once(head).chain(rows).collect()
}

fn tenants(status: &Status) -> Vec<Vec<String>> {
    let head = [
        "TENANT",
        "VENDOR",
        "TOKENS",
        "LAST CONTACT",
        "1 H",
        "24 H",
        "RISK",
        "STATE",
    ];
    let rows = status.tenants.iter().map(|tenant| {
        let part = status.standing.tenants.get(tenant.id.as_str());
        row(tenant, part.map(|tenant| &tenant.part))
    });
    let head = head.map(str::to_owned).to_vec();
    std::iter::once(head).chain(rows).collect()
}

/// `running 3f2a (good) / on disk 77aa (rejected: scripts/a.rhai:14:9: no such attribute)`.
fn versions(part: &Part) -> String {
    let running = match &part.running {
        Some(running) => format!("running {running} (good)"),
        None => "nothing runs".to_owned(),
    };
    let disk = match &part.disk {
        Some(_) if part.state == State::Live => return running,
        Some(disk) => format!("on disk {disk} {}", rejected(part)),
        None => "its file is gone".to_owned(),
    };
    format!("{running} / {disk}")
}

/// Why, by its first error, and how many there are.
fn rejected(part: &Part) -> String {
    let mut errors = part.problems.iter().filter(|problem| problem.is_error());
    let Some(first) = errors.next() else {
        return "(rejected)".to_owned();
    };
    let place = match (first.line, first.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", first.file),
        _ => first.file.clone(),
    };
    let more = match errors.count() {
        0 => String::new(),
        more => format!(", and {}", counted(more, "more error")),
    };
    format!("(rejected: {place}: {}{more})", first.message)
}

fn row(tenant: &TenantStatus, part: Option<&Part>) -> Vec<String> {
    let health = &tenant.health;
    let contact = health.last_contact.map(|at| format!("{at:.0}"));
    vec![
        tenant.id.to_string(),
        tenant.vendor.clone().unwrap_or_else(|| "-".to_owned()),
        tenant.tokens.to_string(),
        contact.unwrap_or_else(|| "never".to_owned()),
        percent(&health.hour),
        percent(&health.day),
        health.risk.level.as_str().to_owned(),
        state(tenant, part),
    ]
}

/// The part of requests that did not fail.
fn percent(rates: &Rates) -> String {
    let percent = rates.success_percent.map(|percent| format!("{percent} %"));
    percent.unwrap_or_else(|| "-".to_owned())
}

/// Why it is not live, or else what Entra makes of it, or that all is well.
fn state(tenant: &TenantStatus, part: Option<&Part>) -> String {
    match part {
        Some(part) if part.state == State::Off => "disabled".to_owned(),
        Some(part) if part.state != State::Live => versions(part),
        _ if !tenant.conditions.is_empty() => {
            let kinds = tenant.conditions.iter();
            let words: Vec<_> = kinds.map(|condition| condition.kind.what()).collect();
            words.join("; ")
        }
        _ if tenant.paused => "its vendor does not answer".to_owned(),
        _ if tenant.health.risk.level != RiskLevel::Ok => tenant.health.risk.reason.clone(),
        _ if tenant.warnings > 0 => {
            let warnings = counted(tenant.warnings as usize, "warning");
            format!("live; {warnings} in 24 h: scimgate log --status warning")
        }
        _ => "live".to_owned(),
    }
}

fn verdict(status: &Status) -> String {
    match status.concerns.len() {
        0 => "All is well.".to_owned(),
        1 => "1 thing needs attention:".to_owned(),
        number => format!("{number} things need attention:"),
    }
}

/// Of a terminal only: a file wants every look.
fn clear() {
    if std::io::stdout().is_terminal() {
        put!("\x1b[2J\x1b[H");
    }
}
