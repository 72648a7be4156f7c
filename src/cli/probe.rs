//! `scimgate probe`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use url::Url;

use super::output::Form;
use super::{Ending, Trouble};
use crate::probe::{self, Client, Target};
use crate::vendor::TlsOptions;

/// What is probed, and how.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The Tenant URL, e.g. `https://scim.example.com/scim/v2`.
    #[arg(value_name = "URL")]
    tenant_url: Url,
    /// The Secret Token. Other users of the machine can read a command line: prefer --token-file.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SCIMGATE_PROBE_TOKEN",
        hide_env_values = true,
        required_unless_present = "token_file"
    )]
    token: Option<SecretString>,
    /// A file with the Secret Token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Send only requests that change nothing: the connection, the token, queries.
    #[arg(long)]
    read_only: bool,
    /// Whose requests to send: Entra's, or those of a client that keeps to the RFCs, for tenants
    /// with `profile = "strict"`.
    #[arg(long, value_enum, default_value_t)]
    client: Client,
    /// The domain of the probe's user names, for endpoints that accept only certain domains.
    #[arg(long, value_name = "DOMAIN", default_value = "probe.example")]
    domain: String,
    /// PEM file of certificate authorities to trust besides the public ones.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Time limit for an answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    timeout: u64,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Probes, and tells what was found.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let target = target(options).map_err(Trouble::Config)?;
    let runtime = super::event_loop()?;
    let report = runtime.block_on(probe::run(target));
    let human = || format!("{}\n{}", options.tenant_url, report.text());
    options.format.put(human, || report.json());
    Ok(match report.is_fit() {
        true => Ending::Done,
        false => Ending::Findings,
    })
}

fn target(options: &Options) -> anyhow::Result<Target> {
    anyhow::ensure!(
        matches!(options.tenant_url.scheme(), "http" | "https"),
        "{}: the Tenant URL must begin with https:// (or http://)",
        options.tenant_url
    );
    Ok(Target {
        tenant_url: options.tenant_url.clone(),
        token: token(options)?,
        tls: TlsOptions::load(options.ca.as_deref())?.config(),
        patience: Duration::from_secs(options.timeout),
        read_only: options.read_only,
        client: options.client,
        domain: options.domain.clone(),
    })
}

fn token(options: &Options) -> anyhow::Result<SecretString> {
    match (&options.token, &options.token_file) {
        (Some(token), _) => Ok(token.clone()),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("--token-file {}", file.display()))?;
            Ok(SecretString::from(text.trim_end()))
        }
        (None, None) => {
            anyhow::bail!("give the Secret Token: --token-file, --token or SCIMGATE_PROBE_TOKEN")
        }
    }
}
