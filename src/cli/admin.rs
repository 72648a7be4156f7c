//! `scimgate admin`.

use anyhow::ensure;
use jiff::Timestamp;

use super::{Ending, Trouble};
use crate::adapter::keys::TenantId;
use crate::config::Config;
use crate::gateway::open_tokens;
use crate::tenant::audit::{AuditBook, Deed};
use crate::tenant::token::KeyId;
use crate::tenant::token::admin::{AdminName, AdminTokens, Role};

/// What to do with the tokens of those who administer.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Create a token and print it. It is shown only once.
    Mint {
        /// viewer: look; operator: also reload and manage tenants' tokens; editor: also overrule guards.
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// The administrator's name, for the audit log.
        #[arg(long, value_name = "NAME", value_parser = name)]
        name: AdminName,
    },
    /// List all tokens: key id, role, name, when it was created, and whether it is valid.
    List,
    /// Revoke a token for good, at once.
    Revoke {
        /// The key id: the eight characters after sca_.
        #[arg(long, value_name = "KEY_ID", value_parser = key_id)]
        key: KeyId,
    },
}

fn name(text: &str) -> Result<AdminName, String> {
    AdminName::parse(text).ok_or_else(|| AdminName::FORM.to_owned())
}

fn key_id(text: &str) -> Result<KeyId, String> {
    let form = "a key id is eight letters and digits, those behind sca_";
    KeyId::parse(text).ok_or_else(|| form.to_owned())
}

/// Works on the store, whether a gateway runs or not.
pub(super) fn run(config: &Config, verb: &Verb) -> Result<Ending, Trouble> {
    let (store, tokens) = open_tokens(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let tokens = tokens.administrators(std::sync::Arc::new(store.clone()));
    let runtime = super::event_loop()?;
    let done = runtime.block_on(async {
        match verb {
            Verb::Mint { role, name } => mint(&store, &tokens, *role, name).await,
            Verb::List => list(&tokens).await,
            Verb::Revoke { key } => revoke(&store, &tokens, key).await,
        }
    });
    done.map(|()| Ending::Done).map_err(Trouble::Config)
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
async fn mint(
    audit: &dyn AuditBook,
    tokens: &AdminTokens,
    role: Role,
    name: &AdminName,
) -> anyhow::Result<()> {
    let token = tokens.issue(name.clone(), role).await?;
    note(audit, "admin.mint", None, token.key_id()).await?;
    println!("Admin token: {}", token.reveal());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
async fn list(tokens: &AdminTokens) -> anyhow::Result<()> {
    let records = tokens.list().await?;
    if records.is_empty() {
        eprintln!("there are no admin tokens; `scimgate admin mint` makes one");
    }
    for record in records {
        let standing = match record.revoked {
            None => "works".to_owned(),
            Some(at) => format!("revoked {at:.0}"),
        };
        println!(
            "{}  {:<8}  {}  made {:.0}  {standing}",
            record.key_id, record.role, record.name, record.created
        );
    }
    Ok(())
}

async fn revoke(audit: &dyn AuditBook, tokens: &AdminTokens, key: &KeyId) -> anyhow::Result<()> {
    let found = tokens.revoke(key).await?;
    ensure!(
        found,
        "there is no admin token {key}; see `scimgate admin list`"
    );
    note(audit, "admin.revoke", None, key).await
}

/// Notes what was done from the command line.
pub(super) async fn note(
    audit: &dyn AuditBook,
    what: &str,
    tenant: Option<&TenantId>,
    key: &KeyId,
) -> anyhow::Result<()> {
    let deed = Deed {
        at: Timestamp::now(),
        actor: AdminName::local().to_string(),
        what: what.to_owned(),
        tenant: tenant.cloned(),
        subject: key.to_string(),
        outcome: "done".to_owned(),
        before: None,
        after: None,
        request_id: String::new(),
    };
    Ok(audit.record(deed).await?)
}
