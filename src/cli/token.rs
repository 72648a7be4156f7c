//! `scimgate token`.

use std::time::Duration;

use anyhow::ensure;
use jiff::Timestamp;

use super::admin::note;
use super::{Ending, Trouble};
use crate::adapter::keys::TenantId;
use crate::config::{self, Config};
use crate::gateway::{doubts, form_on_disk, open_tokens, tenant_url};
use crate::tenant::audit::AuditBook;
use crate::tenant::oauth::TOKEN_PATH;
use crate::tenant::token::{KeyId, Tokens};

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Create a token and print what to paste into Entra. It is shown only once.
    Mint {
        /// The tenant.
        #[arg(long, value_name = "NAME", value_parser = tenant_id)]
        tenant: TenantId,
        /// How long the token is valid, such as 90d; default: until it is revoked. A client secret
        /// is valid for 730d; it may be 365d to 1096d.
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires: Option<Duration>,
        /// Create a secret of the tenant's OAuth client instead: with it, Entra gets access tokens
        /// from the token endpoint.
        #[arg(long)]
        oauth: bool,
    },
    /// List a tenant's tokens and client secrets: key id, when it was created, when it expires, and whether it is valid.
    List {
        /// The tenant.
        #[arg(long, value_name = "NAME", value_parser = tenant_id)]
        tenant: TenantId,
    },
    /// Revoke a token or a client secret for good, and with a secret the access tokens that were
    /// obtained by it; a running gateway refuses it within a second.
    Revoke {
        /// The tenant.
        #[arg(long, value_name = "NAME", value_parser = tenant_id)]
        tenant: TenantId,
        /// The key id: the eight characters after scg_ or scs_.
        #[arg(long, value_name = "KEY_ID", value_parser = key_id)]
        key: KeyId,
    },
}

pub(super) fn tenant_id(name: &str) -> Result<TenantId, String> {
    TenantId::parse(name).ok_or_else(|| TenantId::FORM.to_owned())
}

fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text)
        .ok_or_else(|| "a key id is eight letters and digits, those behind scg_ or scs_".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    let form = "write a number with s, m, h or d, such as 90d";
    let span = config::span(text).ok_or_else(|| form.to_owned())?;
    match span.is_zero() {
        true => Err("such a token would never work; leave --expires out for one that does until it is revoked".to_owned()),
        false => Ok(span),
    }
}

pub(super) fn run(config: &Config, verb: &Verb) -> Result<Ending, Trouble> {
    // Only minting needs the tenant: a token must be revocable without its file.
    if let Verb::Mint { tenant, .. } = verb {
        check_file(config, tenant).map_err(Trouble::Config)?;
    }
    let (store, tokens) = open_tokens(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let runtime = super::event_loop()?;
    let done = runtime.block_on(async {
        match verb {
            Verb::Mint {
                tenant,
                expires,
                oauth,
            } => {
                let expires = expires.map(|span| Timestamp::now().saturating_add(span));
                let expires = expires.transpose()?;
                match oauth {
                    true => mint_secret(config, &store, &tokens, tenant, expires).await?,
                    false => mint(config, &store, &tokens, tenant, expires).await?,
                }
                for doubt in doubts(config) {
                    eprintln!("warning: {doubt}");
                }
                Ok(())
            }
            Verb::List { tenant } => list(&tokens, tenant).await,
            Verb::Revoke { tenant, key } => revoke(&store, &tokens, tenant, key).await,
        }
    });
    done.map(|()| Ending::Done).map_err(Trouble::Config)
}

fn check_file(config: &Config, tenant: &TenantId) -> anyhow::Result<()> {
    let file = config.catalog.tenants.join(format!("{tenant}.toml"));
    ensure!(
        file.is_file(),
        "there is no tenant {tenant}: {} is missing",
        file.display()
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
async fn mint(
    config: &Config,
    audit: &dyn AuditBook,
    tokens: &Tokens,
    tenant: &TenantId,
    expires: Option<Timestamp>,
) -> anyhow::Result<()> {
    let token = tokens.issue(tenant.clone(), expires).await?;
    note(audit, "token.mint", Some(tenant), token.key_id()).await?;
    let form = form_on_disk(config, tenant);
    println!("Tenant URL:   {}", tenant_url(config, tenant, form));
    println!("Secret Token: {}", token.reveal());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
async fn mint_secret(
    config: &Config,
    audit: &dyn AuditBook,
    tokens: &Tokens,
    tenant: &TenantId,
    expires: Option<Timestamp>,
) -> anyhow::Result<()> {
    let (secret, expires) = tokens.issue_secret(tenant.clone(), expires).await?;
    note(audit, "token.mint", Some(tenant), secret.key_id()).await?;
    let url = tenant_url(config, tenant, form_on_disk(config, tenant));
    println!("Tenant URL:     {url}");
    println!("Token Endpoint: {url}{TOKEN_PATH}");
    println!("Client ID:      {tenant}");
    println!("Client Secret:  {}", secret.reveal());
    println!("Valid until:    {expires:.0}");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
async fn list(tokens: &Tokens, tenant: &TenantId) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let records = tokens.list(tenant).await?;
    if records.is_empty() {
        eprintln!("tenant {tenant} has no tokens; `scimgate token mint` makes one");
    }
    for record in records {
        let standing = match record.standing(now) {
            Ok(()) => "works".to_owned(),
            Err(fault) => fault.to_string(),
        };
        let ends = record.expires.map(|at| format!("  expires {at:.0}"));
        println!(
            "{}  {:<13}  made {:.0}{}  {standing}",
            record.key_id,
            record.kind.as_str(),
            record.created,
            ends.unwrap_or_default()
        );
    }
    Ok(())
}

async fn revoke(
    audit: &dyn AuditBook,
    tokens: &Tokens,
    tenant: &TenantId,
    key: &KeyId,
) -> anyhow::Result<()> {
    let found = tokens.revoke(tenant, key).await?;
    ensure!(
        found,
        "tenant {tenant} has no token {key}; see `scimgate token list`"
    );
    note(audit, "token.revoke", Some(tenant), key).await
}
