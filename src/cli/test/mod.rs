//! `scimgate test`.

mod diff;
mod junit;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::output::{Format, colours, written};
use super::{Ending, Trouble, named, sources};
use crate::adapter::Adapter;
use crate::adapter::coverage::Coverage;
use crate::catalog::diagnostics::Report;
use crate::catalog::{self, Catalog, Sources};
use crate::config::Config;
use crate::transcript::{self, Blessing, Played};

/// Which transcripts, and what of them.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The vendor; all of them without.
    vendor: Option<String>,
    /// Only transcripts whose file name or title holds this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Take over what came as what is expected: in the files of the transcripts that fail. Look
    /// at the difference before you keep it.
    #[arg(long)]
    bless: bool,
    /// Tell what no transcript exercises, whatever --filter shows: rows of the table, rows of the
    /// error table, functions.
    #[arg(long)]
    coverage: bool,
    /// Write the results to this file as JUnit does, for build servers.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What came of a vendor's transcripts.
struct Vendor {
    name: String,
    played: Vec<Played>,
    coverage: Option<Coverage>,
}

/// Plays transcripts and tells which do not fit.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let (catalog, mut report) = catalog::load(&Sources {
        tenants: None,
        ..sources(config)
    });
    if options.format == Format::Human {
        print!("{}", written(&report, Format::Human));
    }
    let loaded = report.json();
    let mut vendors = Vec::new();
    for adapter in chosen(&catalog, options).map_err(Trouble::Config)? {
        vendors.push(play(adapter, config, options).map_err(Trouble::Internal)?);
    }
    for one in vendors.iter().flat_map(|vendor| &vendor.played) {
        report.source(&(one.file.clone(), one.text.clone()));
        report.extend(one.problems.clone());
    }
    write_junit(&vendors, options).map_err(Trouble::Internal)?;
    let (passed, failed) = (count(&vendors, true), count(&vendors, false));
    match options.format {
        Format::Human => print!("{}", summary(config, passed, failed)),
        Format::Json => println!("{:#}", object(&vendors, &report, loaded)),
        Format::Github => print!("{}", written(&report, Format::Github)),
    }
    Ok(match passed > 0 && !report.has_errors() {
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

fn summary(config: &Config, passed: usize, failed: usize) -> String {
    let nothing = match passed + failed {
        0 => format!(
            "nothing was played: no such transcript in {}/<vendor>/*.http\n",
            config.catalog.transcripts.display()
        ),
        _ => String::new(),
    };
    format!("{passed} passed, {failed} failed\n{nothing}")
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
#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn play(adapter: &Arc<Adapter>, config: &Config, options: &Options) -> anyhow::Result<Vendor> {
    let for_people = options.format == Format::Human;
    let colours = for_people && colours(&std::io::stdout());
    let watched = options.coverage.then(|| Arc::new(adapter.watched()));
    let adapter = watched.as_ref().unwrap_or(adapter);
    if for_people {
        println!("{}", adapter.name);
    }
    let mut played = Vec::new();
    for file in transcript::files(&config.catalog.transcripts.join(&adapter.name)) {
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
            print!("{}", diff::written(&one, blessing.as_ref(), colours));
        }
        played.push(one);
    }
    let coverage = options.coverage.then(|| adapter.coverage());
    if for_people {
        coverage
            .iter()
            .for_each(|coverage| print!("{}", coverage.text()));
    }
    Ok(Vendor {
        name: adapter.name.clone(),
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
