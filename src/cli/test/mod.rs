//! `scimgate test`.

mod diff;
mod junit;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::output::{Format, colours, written};
use super::{Ending, Trouble, adapters_only, named};
use crate::adapter::Adapter;
use crate::adapter::coverage::Coverage;
use crate::catalog::diagnostics::Report;
use crate::catalog::{self, Catalog};
use crate::config::Config;
use crate::problem::counted;
use crate::transcript::{self, Blessing, Played};

/// Which transcripts, and what of them.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Test only this vendor.
    vendor: Option<String>,
    /// Only transcripts with this text in their file name or title.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// In the transcripts that fail, replace what is expected by what came. Look at the
    /// difference before you keep it.
    #[arg(long)]
    bless: bool,
    /// List what no transcript exercises, whatever --filter selects: rows of the table, rows of
    /// the error table, functions.
    #[arg(long)]
    coverage: bool,
    /// Write the results to this file as JUnit XML, for build servers.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What came of a vendor's transcripts.
struct Vendor {
    name: String,
    /// How many transcripts it has, whatever the filter shows.
    there: usize,
    played: Vec<Played>,
    coverage: Option<Coverage>,
}

/// Plays transcripts and tells which do not fit.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let (catalog, mut report) = catalog::load(&adapters_only(config));
    if options.format == Format::Human {
        put!("{}", written(&report, Format::Human));
    }
    let loaded = report.json();
    let mut vendors = Vec::new();
    for adapter in chosen(&catalog, options).map_err(Trouble::Config)? {
        vendors.push(play(adapter, config, options).map_err(Trouble::Internal)?);
    }
    for vendor in &vendors {
        for one in &vendor.played {
            report.source(&(one.file.clone(), one.text.clone()));
        }
        report.extend(transcript::problems(&vendor.played));
    }
    write_junit(&vendors, options).map_err(Trouble::Internal)?;
    match options.format {
        Format::Human => put!("{}", summary(config, options, &vendors)),
        Format::Json => put_line!("{:#}", object(&vendors, &report, loaded)),
        Format::Github => put!("{}", written(&report, Format::Github)),
    }
    Ok(match count(&vendors, true) > 0 && !report.has_errors() {
        true => Ending::Done,
        false => Ending::Findings,
    })
}

fn write_junit(vendors: &[Vendor], options: &Options) -> anyhow::Result<()> {
    let Some(file) = &options.junit else {
        return Ok(());
    };
    let suites = vendors.iter().map(|it| (it.name.as_str(), &it.played[..]));
    let written = std::fs::write(file, junit::written(suites));
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// How many transcripts passed, or did not.
fn count(vendors: &[Vendor], passed: bool) -> usize {
    let all = vendors.iter().flat_map(|vendor| &vendor.played);
    all.filter(|one| one.passed() == passed).count()
}

fn summary(config: &Config, options: &Options, vendors: &[Vendor]) -> String {
    let (passed, failed) = (count(vendors, true), count(vendors, false));
    let nothing = match passed + failed {
        0 => nothing(config, options, vendors) + "\n",
        _ => String::new(),
    };
    format!("{passed} passed, {failed} failed\n{nothing}")
}

/// Why no transcript was played.
fn nothing(config: &Config, options: &Options, vendors: &[Vendor]) -> String {
    let there: usize = vendors.iter().map(|vendor| vendor.there).sum();
    let whose = match vendors {
        [one] => format!("{}'s ", one.name),
        _ => "the ".to_owned(),
    };
    match &options.filter {
        Some(text) if there > 0 => {
            format!(
                "none of {whose}{} matches {text:?}",
                counted(there, "transcript")
            )
        }
        _ => {
            let folder = match vendors {
                [one] => config.catalog.transcripts.join(&one.name),
                _ => config.catalog.transcripts.clone(),
            };
            format!("there are no transcripts in {}", folder.display())
        }
    }
}

/// The result for programs.
fn object(vendors: &[Vendor], report: &Report, loaded: Value) -> Value {
    let one = |vendor: &Vendor, played: &Played| {
        let problems = played.problems.iter().map(|it| report.object(it));
        json!({
            "vendor": vendor.name,
            "file": played.file,
            "title": played.title,
            "passed": played.passed(),
            "calls": played.calls,
            "cause": played.cause,
            "printed": played.printed,
            "problems": problems.collect::<Value>(),
        })
    };
    let transcripts = vendors
        .iter()
        .flat_map(|vendor| vendor.played.iter().map(move |played| one(vendor, played)));
    let coverage = vendors
        .iter()
        .filter_map(|vendor| Some((vendor.name.clone(), vendor.coverage.as_ref()?.json())));
    json!({
        "problems": loaded,
        "transcripts": transcripts.collect::<Value>(),
        "coverage": coverage.collect::<serde_json::Map<_, _>>(),
    })
}

fn chosen<'a>(catalog: &'a Catalog, options: &Options) -> anyhow::Result<Vec<&'a Arc<Adapter>>> {
    match &options.vendor {
        Some(vendor) => named::adapter(catalog, vendor).map(|adapter| vec![adapter]),
        None => Ok(catalog.adapters.values().collect()),
    }
}

/// Plays a vendor's transcripts; for people each is told as soon as it ends.
fn play(adapter: &Arc<Adapter>, config: &Config, options: &Options) -> anyhow::Result<Vendor> {
    let for_people = options.format == Format::Human;
    let colours = for_people && colours(&std::io::stdout());
    let watched = options.coverage.then(|| Arc::new(adapter.watched()));
    let adapter = watched.as_ref().unwrap_or(adapter);
    if for_people {
        put_line!("{}", adapter.name);
    }
    let mut played = Vec::new();
    let files = transcript::files(&config.catalog.transcripts.join(&adapter.name));
    let there = files.len();
    let mut causes = diff::Causes::default();
    for file in files {
        let mut one = transcript::play_file(adapter, &file);
        if options
            .filter
            .as_ref()
            .is_some_and(|text| !holds(&one, text))
        {
            continue;
        }
        let blessing = match options.bless && !one.passed() {
            true => Some(bless(adapter, &file, &mut one)?),
            false => None,
        };
        if for_people {
            put!("{}", causes.written(&one, blessing.as_ref(), colours));
        }
        played.push(one);
    }
    let coverage = options.coverage.then(|| adapter.coverage());
    if for_people {
        put!("{}", causes.summary());
        coverage
            .iter()
            .for_each(|coverage| put!("{}", coverage.text()));
    }
    Ok(Vendor {
        name: adapter.name.clone(),
        there,
        played,
        coverage,
    })
}

fn holds(played: &Played, text: &str) -> bool {
    played.file.contains(text) || played.title.contains(text)
}

/// Rewrites a transcript that failed; what is left to a person still fails.
fn bless(adapter: &Arc<Adapter>, file: &Path, one: &mut Played) -> anyhow::Result<Blessing> {
    let blessing = transcript::bless(adapter, &one.file, &one.text)?;
    if blessing.text != one.text {
        std::fs::write(file, &blessing.text)
            .with_context(|| format!("cannot write {}", file.display()))?;
        *one = transcript::play_file(adapter, file);
    }
    Ok(blessing)
}
