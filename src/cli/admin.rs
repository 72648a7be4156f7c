//! `scimgate admin`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use jiff::Timestamp;
use serde_json::json;

use super::output::Form;
use super::{Ending, Trouble, adapters_only, columns, named};
use crate::adapter::keys::TenantId;
use crate::catalog;
use crate::config::Config;
use crate::gateway::{self, open_tokens};
use crate::tenant::audit::{AuditBook, Deed};
use crate::tenant::token::KeyId;
use crate::tenant::token::admin::{Actor, AdminName, NoRole, Role};
use crate::tenant::token::grants::{GrantRecord, Grants};
use crate::tenant::token::onboarding::Scope;

/// What to do with the tokens of those who administer.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Create a token and print it. It is shown only once.
    Mint {
        /// viewer: look; operator: also reload and manage tenants' tokens; editor: also create,
        /// change and delete tenants in the store, and reload --force.
        #[arg(long, value_name = "ROLE", required_unless_present = "onboarding")]
        role: Option<Role>,
        /// Instead of a role, for a vendor's own console: it may create tenants of this adapter
        /// and replace their tokens, and nothing else.
        #[arg(
            long,
            value_name = "VENDOR",
            conflicts_with = "role",
            requires = "template"
        )]
        onboarding: Option<String>,
        /// A tenant's file in which parts may be missing: what all tenants of that console have. It
        /// must say base_url.
        #[arg(long, value_name = "FILE", requires = "onboarding")]
        template: Option<PathBuf>,
        /// The administrator's name, for the audit log.
        #[arg(long, value_name = "NAME", value_parser = name)]
        name: AdminName,
    },
    /// List all tokens: key id, role, name, when it was created, and whether it is valid.
    List,
    /// Revoke a token for good, at once.
    Revoke {
        /// The key id: the eight characters after sca_ or scn_.
        #[arg(long, value_name = "KEY_ID", value_parser = key_id)]
        key: KeyId,
    },
}

fn name(text: &str) -> Result<AdminName, String> {
    AdminName::parse(text).ok_or_else(|| AdminName::FORM.to_owned())
}

fn key_id(text: &str) -> Result<KeyId, String> {
    let form = "a key id is eight letters and digits: those after sca_ or scn_";
    KeyId::parse(text).ok_or_else(|| form.to_owned())
}

/// Works on the store, whether a gateway runs or not.
pub(super) fn run(config: &Config, verb: &Verb, form: Form) -> Result<Ending, Trouble> {
    let (store, tokens) = open_tokens(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let consoles = tokens.grants(Arc::new(store.clone()));
    let tokens = tokens.grants(Arc::new(store.clone()));
    let runtime = super::event_loop()?;
    let done = runtime.block_on(async {
        match verb {
            Verb::Mint {
                role,
                onboarding,
                template,
                name,
            } => match (onboarding, template) {
                (Some(adapter), Some(template)) => {
                    let scope = scope(config, name.clone(), adapter, template)?;
                    console(&store, &consoles, scope, form).await
                }
                _ => {
                    let (name, role) = (name.clone(), role.ok_or(NoRole)?);
                    mint(&store, &tokens, Actor { name, role }, form).await
                }
            },
            Verb::List => list(&tokens, &consoles, form).await,
            Verb::Revoke { key } => revoke(&store, (&tokens, &consoles), key, form).await,
        }
    });
    done.map_err(Trouble::Config)
}

async fn mint(
    audit: &dyn AuditBook,
    tokens: &Grants<Actor>,
    actor: Actor,
    form: Form,
) -> anyhow::Result<Ending> {
    let token = tokens.issue(actor.clone()).await?;
    note(audit, "admin.mint", None, token.key_id()).await?;
    let json = || json!({ "key_id": token.key_id().to_string(), "name": actor.name.to_string(), "role": actor.role.to_string(), "token": token.reveal() });
    Ok(form.put(|| format!("Admin token: {}\n", token.reveal()), json))
}

/// What a console may do, with the template as it was written.
fn scope(
    config: &Config,
    name: AdminName,
    adapter: &str,
    template: &Path,
) -> anyhow::Result<Scope> {
    let (catalog, _) = catalog::load(&adapters_only(config));
    named::adapter(&catalog, adapter)?;
    let place = || template.display().to_string();
    let text = std::fs::read_to_string(template).with_context(place)?;
    let fits = gateway::template(adapter, &text);
    fits.map_err(|why| anyhow!("{}: {why}", place()))?;
    Ok(Scope {
        name,
        adapter: adapter.to_owned(),
        template: text,
    })
}

async fn console(
    audit: &dyn AuditBook,
    tokens: &Grants<Scope>,
    scope: Scope,
    form: Form,
) -> anyhow::Result<Ending> {
    let token = tokens.issue(scope.clone()).await?;
    note(audit, "admin.mint", None, token.key_id()).await?;
    let json = || json!({ "key_id": token.key_id().to_string(), "name": scope.name.to_string(), "adapter": scope.adapter, "token": token.reveal() });
    Ok(form.put(|| format!("Onboarding token: {}\n", token.reveal()), json))
}

async fn list(
    tokens: &Grants<Actor>,
    consoles: &Grants<Scope>,
    form: Form,
) -> anyhow::Result<Ending> {
    let (records, consoles) = (tokens.list().await?, consoles.list().await?);
    if records.is_empty() && consoles.is_empty() {
        eprintln!("there are no admin tokens; `scimgate admin mint` makes one");
    }
    let head = ["KEY ID", "ROLE", "NAME", "CREATED", "STATUS"].map(str::to_owned);
    let administrators = records.iter().map(|record| {
        let Actor { name, role } = &record.grant;
        line(record, role.to_string(), name)
    });
    let consoles = consoles.iter().map(|record| {
        let Scope { name, adapter, .. } = &record.grant;
        line(record, format!("onboarding {adapter}"), name)
    });
    let lines = administrators.chain(consoles);
    let lines: Vec<_> = [head.to_vec()].into_iter().chain(lines).collect();
    let json = || json!({ "tokens": columns::objects(&lines) });
    Ok(form.put(|| columns::aligned(&lines), json))
}

fn line<G>(record: &GrantRecord<G>, role: String, name: &AdminName) -> Vec<String> {
    let status = record.revoked.map(|at| format!("revoked {at:.0}"));
    vec![
        record.key_id.to_string(),
        role,
        name.to_string(),
        format!("{:.0}", record.created),
        status.unwrap_or_else(|| "valid".to_owned()),
    ]
}

async fn revoke(
    audit: &dyn AuditBook,
    (tokens, consoles): (&Grants<Actor>, &Grants<Scope>),
    key: &KeyId,
    form: Form,
) -> anyhow::Result<Ending> {
    let found = tokens.revoke(key).await? || consoles.revoke(key).await?;
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
    subject: impl std::fmt::Display,
) -> anyhow::Result<()> {
    let deed = Deed {
        at: Timestamp::now(),
        actor: AdminName::local().to_string(),
        what: what.to_owned(),
        tenant: tenant.cloned(),
        subject: subject.to_string(),
        outcome: "done".to_owned(),
        before: None,
        after: None,
        request_id: String::new(),
    };
    Ok(audit.record(deed).await?)
}
