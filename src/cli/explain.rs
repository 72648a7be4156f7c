//! `scimgate explain`.

use std::time::Duration;

use super::events::{Events, Place};
use super::output::Form;
use super::{Ending, Trouble};
use crate::config::Config;
use crate::gateway;
use crate::provisioning::trace::{Event, tell};

/// The gateway writes its log ten times a second.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
const LOOKS: u32 = 5;

/// Which request.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// The request id: in the answer's X-Request-Id header, in log lines and in Entra's provisioning log.
    #[arg(value_name = "REQUEST-ID")]
    request_id: String,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Tells the story of a request.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let log = Events::of(config, &options.place)?;
    let events = soon(&log, options.request_id.trim())?;
    if events.is_empty() {
        eprintln!("{}", unknown(config));
        return Ok(Ending::Findings);
    }
    if options.format == Form::Json {
        let text = serde_json::to_string_pretty(&events);
        put_line!("{}", text.map_err(|error| Trouble::Internal(error.into()))?);
    } else {
        let stories: Vec<_> = events.iter().map(tell::story).collect();
        put!("{}", stories.join("\n"));
    }
    Ok(Ending::Done)
}

/// The log is written a moment after the answer: whoever asks at once waits for it.
fn soon(log: &Events, request_id: &str) -> Result<Vec<Event>, Trouble> {
    for _ in 0..LOOKS {
        let events = log.of_request(request_id)?;
        if !events.is_empty() {
            return Ok(events);
        }
        log.pause(BETWEEN_LOOKS);
    }
    log.of_request(request_id)
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
