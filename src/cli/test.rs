//! `scimgate test`.

use super::{Ending, Trouble};
use crate::config::Config;

/// Which transcripts.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The vendor; all of them without.
    vendor: Option<String>,
}

pub(super) fn run(_config: &Config, _options: &Options) -> Result<Ending, Trouble> {
    Ok(Ending::Done)
}
