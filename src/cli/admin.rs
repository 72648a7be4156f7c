//! `scimgate admin`.

use anyhow::ensure;
use jiff::Timestamp;
use serde_json::json;

use super::output::Form;
use super::{Ending, Trouble, columns};
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
pub(super) fn run(config: &Config, verb: &Verb, form: Form) -> Result<Ending, Trouble> {
    let (store, tokens) = open_tokens(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let tokens = tokens.administrators(std::sync::Arc::new(store.clone()));
    let runtime = super::event_loop()?;
    let done = runtime.block_on(async {
        match verb {
            Verb::Mint { role, name } => mint(&store, &tokens, *role, name, form).await,
            Verb::List => list(&tokens, form).await,
            Verb::Revoke { key } => revoke(&store, &tokens, key, form).await,
        }
    });
    done.map_err(Trouble::Config)
}

async fn mint(
    audit: &dyn AuditBook,
    tokens: &AdminTokens,
    role: Role,
    name: &AdminName,
    form: Form,
) -> anyhow::Result<Ending> {
    let token = tokens.issue(name.clone(), role).await?;
    note(audit, "admin.mint", None, token.key_id()).await?;
    let json = || json!({ "key_id": token.key_id().to_string(), "name": name.to_string(), "role": role.to_string(), "token": token.reveal() });
    Ok(form.put(|| format!("Admin token: {}\n", token.reveal()), json))
}

async fn list(tokens: &AdminTokens, form: Form) -> anyhow::Result<Ending> {
    let records = tokens.list().await?;
    if records.is_empty() {
        eprintln!("there are no admin tokens; `scimgate admin mint` makes one");
    }
    let head = ["KEY ID", "ROLE", "NAME", "CREATED", "STATUS"].map(str::to_owned);
    let lines = records.iter().map(|record| {
        let status = record.revoked.map(|at| format!("revoked {at:.0}"));
        vec![
            record.key_id.to_string(),
            record.role.to_string(),
            record.name.to_string(),
            format!("{:.0}", record.created),
            status.unwrap_or_else(|| "valid".to_owned()),
        ]
    });
    let lines: Vec<_> = [head.to_vec()].into_iter().chain(lines).collect();
    let json = || json!({ "tokens": columns::objects(&lines) });
    Ok(form.put(|| columns::aligned(&lines), json))
}

async fn revoke(
    audit: &dyn AuditBook,
    tokens: &AdminTokens,
    key: &KeyId,
    form: Form,
) -> anyhow::Result<Ending> {
    let found = tokens.revoke(key).await?;
    ensure!(
        found,
        "there is no admin token {key}; see `scimgate admin list`"
    );
    note(audit, "admin.revoke", None, key).await?;
    let human = || format!("admin token {key} is revoked; the gateway refuses it from now on\n");
    Ok(form.put(human, || json!({ "revoked": key.to_string() })))
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
