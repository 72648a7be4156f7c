//! `scimgate explain`.

use anyhow::Context as _;

use super::{Ending, Trouble};
use crate::adapter::story::tell;
use crate::config::Config;
use crate::gateway;

/// Which request.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The id in the answer's X-Request-Id, in log lines and in Entra's provisioning log.
    #[arg(value_name = "REQUEST-ID")]
    request_id: String,
    /// Print the events as JSON.
    #[arg(long)]
    json: bool,
}

/// Tells the story of a request.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let store = gateway::open_store(config).map_err(|fault| Trouble::Config(fault.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime
        .context("no event loop")
        .map_err(Trouble::Internal)?;
    let events = runtime.block_on(store.event(options.request_id.trim()));
    let events = events.map_err(|error| Trouble::Internal(error.into()))?;
    if events.is_empty() {
        eprintln!("{}", unknown(config));
        return Ok(Ending::Findings);
    }
    if options.json {
        let text = serde_json::to_string_pretty(&events);
        println!("{}", text.map_err(|error| Trouble::Internal(error.into()))?);
    } else {
        let stories: Vec<_> = events.iter().map(tell::story).collect();
        print!("{}", stories.join("\n"));
    }
    Ok(Ending::Done)
}

fn unknown(config: &Config) -> String {
    let days = config.log.retention.as_secs() / 86_400;
    format!(
        "the provisioning log in {} does not have this request. It keeps writes, and reads as \
         log.reads says, for {days} days (log.retention); a request whose token was refused is \
         nobody's and only in the log lines.",
        gateway::place(config)
    )
}
