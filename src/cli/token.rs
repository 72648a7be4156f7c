//! `scimgate token`.

use std::time::Duration;

use anyhow::ensure;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::admin::note;
use super::output::Form;
use super::tenant::existing;
use super::{Ending, Trouble, columns};
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::TenantUrlForm;
use crate::config::{self, Config};
use crate::gateway::{doubts, open_tokens, tenant_url};
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
    /// Revoke a token or a client secret permanently; with a secret, also the access tokens that
    /// were obtained with it. A running gateway refuses it within a second.
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
        .ok_or_else(|| "a key id is eight letters and digits: those after scg_ or scs_".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    let form = "write a number with s, m, h or d, such as 90d";
    let span = config::span(text).ok_or_else(|| form.to_owned())?;
    match span.is_zero() {
        true => Err(
            "such a token would expire at once; without --expires it is valid until it is revoked"
                .to_owned(),
        ),
        false => Ok(span),
    }
}

pub(super) fn run(config: &Config, verb: &Verb, form: Form) -> Result<Ending, Trouble> {
    // Only minting needs the tenant: a token must be revocable without its file.
    let kept = match verb {
        Verb::Mint { tenant, .. } => {
            let kept = existing(config, tenant).map_err(Trouble::Config)?;
            kept.form(config, tenant)
        }
        _ => TenantUrlForm::default(),
    };
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
                let kind = (expires, *oauth);
                let url = tenant_url(config, tenant, kept);
                let minted = mint(url, &store, &tokens, tenant, kind).await?;
                for doubt in doubts(config) {
                    eprintln!("warning: {doubt}");
                }
                Ok(form.put(|| lines(&minted), || object(&minted)))
            }
            Verb::List { tenant } => list(config, &tokens, tenant, form).await,
            Verb::Revoke { tenant, key } => revoke(&store, &tokens, tenant, key, form).await,
        }
    });
    done.map_err(Trouble::Config)
}

/// What Entra's fields are called, and what to enter there.
type Fields = Vec<(&'static str, String)>;

/// Creates a token, or a secret of the tenant's OAuth client.
async fn mint(
    url: String,
    audit: &dyn AuditBook,
    tokens: &Tokens,
    tenant: &TenantId,
    (expires, oauth): (Option<Timestamp>, bool),
) -> anyhow::Result<Fields> {
    let (secret, fields) = if oauth {
        let (secret, expires) = tokens.issue_secret(tenant.clone(), expires).await?;
        let fields = vec![
            ("Token Endpoint", format!("{url}{TOKEN_PATH}")),
            ("Client ID", tenant.to_string()),
            ("Client Secret", secret.reveal().to_owned()),
            ("Valid until", format!("{expires:.0}")),
        ];
        (secret, fields)
    } else {
        let token = tokens.issue(tenant.clone(), expires).await?;
        let fields = vec![("Secret Token", token.reveal().to_owned())];
        (token, fields)
    };
    note(audit, "token.mint", Some(tenant), secret.key_id()).await?;
    Ok([("Tenant URL", url)].into_iter().chain(fields).collect())
}

fn lines(fields: &Fields) -> String {
    let width = fields.iter().map(|(name, _)| name.len() + 1).max();
    let width = width.unwrap_or_default();
    let lines = fields.iter().map(|(name, value)| {
        let name = format!("{name}:");
        format!("{name:width$} {value}\n")
    });
    lines.collect()
}

fn object(fields: &Fields) -> Value {
    let members = fields.iter().map(|(name, value)| {
        let name = name.to_lowercase().replace(' ', "_");
        (name, Value::from(value.as_str()))
    });
    Value::Object(members.collect())
}

async fn list(
    config: &Config,
    tokens: &Tokens,
    tenant: &TenantId,
    form: Form,
) -> anyhow::Result<Ending> {
    let now = Timestamp::now();
    let records = tokens.list(tenant).await?;
    if records.is_empty() {
        existing(config, tenant)?;
        eprintln!("tenant {tenant} has no tokens; `scimgate token mint` makes one");
    }
    let head = [
        "KEY ID",
        "KIND",
        "CREATED",
        "LAST USED",
        "EXPIRES",
        "STATUS",
    ]
    .map(str::to_owned);
    let lines = records.iter().map(|record| {
        let time = |at: Timestamp| format!("{at:.0}");
        let (ends, used) = (record.expires.map(time), record.used.map(time));
        let status = match tokens.standing(record, now) {
            Ok(()) => "valid".to_owned(),
            Err(fault) => fault.to_string(),
        };
        vec![
            record.key_id.to_string(),
            record.kind.as_str().to_owned(),
            format!("{:.0}", record.created),
            used.unwrap_or_default(),
            ends.unwrap_or_default(),
            status,
        ]
    });
    let lines: Vec<_> = [head.to_vec()].into_iter().chain(lines).collect();
    let json = || json!({ "tokens": columns::objects(&lines) });
    Ok(form.put(|| columns::aligned(&lines), json))
}

async fn revoke(
    audit: &dyn AuditBook,
    tokens: &Tokens,
    tenant: &TenantId,
    key: &KeyId,
    form: Form,
) -> anyhow::Result<Ending> {
    let found = tokens.revoke(tenant, key).await?;
    ensure!(
        found,
        "tenant {tenant} has no token {key}; see `scimgate token list`"
    );
    note(audit, "token.revoke", Some(tenant), key).await?;
    let human = || format!("token {key} is revoked; the gateway refuses it within a second\n");
    Ok(form.put(human, || json!({ "revoked": key.to_string() })))
}
