//! `scimgate test`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;

use super::{Ending, Trouble, sources};
use crate::adapter::Adapter;
use crate::adapter::problem::counted;
use crate::catalog::{self, Sources};
use crate::config::Config;
use crate::transcript;

/// Which transcripts.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The vendor; all of them without.
    vendor: Option<String>,
    /// Only transcripts whose file name or title holds this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Passed and failed.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

/// Plays transcripts and tells which do not fit.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let (catalog, report) = catalog::load(&Sources {
        tenants: None,
        ..sources(config)
    });
    print!("{}", report.render(std::io::stdout().is_terminal()));
    let adapters = chosen(&catalog.adapters, options).map_err(Trouble::Config)?;
    let mut tally = Tally::default();
    for adapter in adapters {
        println!("{}", adapter.name);
        let directory = config.catalog.transcripts.join(&adapter.name);
        for file in transcripts(&directory) {
            play(&file, adapter, options, &mut tally).map_err(Trouble::Internal)?;
        }
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.passed + tally.failed == 0 {
        let place = config.catalog.transcripts.display();
        println!("nothing was played: no such transcript in {place}/<vendor>/*.http");
    }
    let clean = tally.failed == 0 && tally.passed > 0 && !report.has_errors();
    Ok(if clean {
        Ending::Done
    } else {
        Ending::Findings
    })
}

fn chosen<'a>(
    adapters: &'a BTreeMap<String, Arc<Adapter>>,
    options: &Options,
) -> anyhow::Result<Vec<&'a Arc<Adapter>>> {
    let Some(vendor) = &options.vendor else {
        return Ok(adapters.values().collect());
    };
    let known: Vec<_> = adapters.keys().map(String::as_str).collect();
    match adapters.get(vendor) {
        Some(adapter) => Ok(vec![adapter]),
        None if known.is_empty() => bail!("there is no adapter that can be played"),
        None => bail!(
            "there is no adapter {vendor}; there are: {}",
            known.join(", ")
        ),
    }
}

fn transcripts(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "http")
        })
        .collect();
    files.sort();
    files
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn play(
    file: &Path,
    adapter: &Arc<Adapter>,
    options: &Options,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let name = file.display().to_string();
    let (title, calls, misfits) = match transcript::parse(&name, &std::fs::read_to_string(file)?) {
        Ok(transcript) => {
            let text = format!("{name} {}", transcript.title);
            if options
                .filter
                .as_ref()
                .is_some_and(|wanted| !text.contains(wanted))
            {
                return Ok(());
            }
            let outcome = transcript::run(&transcript, adapter)?;
            (transcript.title, outcome.calls, outcome.misfits)
        }
        Err(why) => (name.clone(), 0, vec![why]),
    };
    let calls = counted(calls, "call");
    if misfits.is_empty() {
        tally.passed += 1;
        println!("  ok    {title}  ({calls})");
        return Ok(());
    }
    tally.failed += 1;
    println!("  FAIL  {title}  ({calls})\n        {name}");
    for misfit in misfits {
        println!("        {misfit}");
    }
    Ok(())
}
