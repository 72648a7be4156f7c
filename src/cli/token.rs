//! `scimgate token`.

use anyhow::Context as _;

use super::{Ending, Trouble};
use crate::adapter::TenantId;
use crate::config::Config;
use crate::gateway::open_store;

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Make a token and print what to paste into Entra. It is shown this once.
    Mint {
        /// Whose token.
        #[arg(long, value_name = "NAME", value_parser = tenant_id)]
        tenant: TenantId,
    },
}

fn tenant_id(name: &str) -> Result<TenantId, String> {
    TenantId::parse(name).ok_or_else(|| TenantId::FORM.to_owned())
}

pub(super) fn run(config: &Config, verb: &Verb) -> Result<Ending, Trouble> {
    match verb {
        Verb::Mint { tenant } => mint(config, tenant),
    }
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn mint(config: &Config, tenant: &TenantId) -> Result<Ending, Trouble> {
    let file = config.catalog.tenants.join(format!("{tenant}.toml"));
    if !file.is_file() {
        let text = format!("there is no tenant {tenant}: {} is missing", file.display());
        return Err(Trouble::Config(anyhow::anyhow!(text)));
    }
    let (_, tokens) = open_store(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime
        .context("no event loop")
        .map_err(Trouble::Internal)?;
    let token = runtime.block_on(tokens.issue(tenant.clone(), None));
    let token = token.map_err(|fault| Trouble::Config(fault.into()))?;
    println!("Tenant URL:   {}", tenant_url(config, tenant));
    println!("Secret Token: {}", token.reveal());
    Ok(Ending::Done)
}

/// What to paste as Tenant URL. Entra must reach it over https.
fn tenant_url(config: &Config, tenant: &TenantId) -> String {
    let scheme = if config.server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let direct = format!("{scheme}://{}", config.server.listen);
    let origin = config
        .server
        .public_url
        .as_ref()
        .map_or(direct, |url| url.as_str().trim_end_matches('/').to_owned());
    format!("{origin}/t/{tenant}/scim/v2")
}
