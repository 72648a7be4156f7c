//! `scimgate man`: a manual page for the program and one for each verb, for a package to put beside
//! the program.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use serde_json::json;

use super::output::Form;
use super::{Cli, Ending, Trouble};

/// Where manual pages go.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The directory, such as /usr/share/man/man1; it is created if it is missing.
    directory: PathBuf,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// What each exit status means.
const EXIT_STATUS: [(&str, &str); 6] = [
    ("0", "It was done."),
    ("1", "A problem was found, or the gateway refused."),
    ("2", "Wrong usage."),
    ("69", "No gateway answers."),
    (
        "70",
        "A failure of the machine, or a defect in the program.",
    ),
    (
        "78",
        "A mistake in the configuration, or in a file that it or the command line names.",
    ),
];

/// What the program reads and writes, as a package lays it out.
const FILES: [(&str, &str); 7] = [
    (
        "/etc/scimgate/scimgate.toml",
        "The configuration that the service of a package is started with. Without -c and \
         SCIMGATE_CONFIG no file is read.",
    ),
    (
        "/etc/scimgate/tenants/*.toml",
        "Tenants, a file each (catalog.tenants).",
    ),
    (
        "/etc/scimgate/adapters/*.toml, /etc/scimgate/scripts/*.rhai",
        "Adapters that override those in the program, or add others (catalog.adapters, \
         catalog.scripts).",
    ),
    (
        "/etc/scimgate/secrets/",
        "Secrets that tenants name (catalog.secrets).",
    ),
    (
        "/usr/share/scimgate/transcripts/*/*.http",
        "What the vendors' scripts must do (catalog.transcripts).",
    ),
    (
        "/var/lib/scimgate/scimgate.db",
        "The store: tokens, the provisioning log, and what vendors cannot store (store.path).",
    ),
    (
        "/var/lib/scimgate/scimgate.pepper",
        "The key with which tokens are hashed. Back it up too, in another place than the store.",
    ),
];

/// Examples by verb: what for, and the command.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("Begin in a new directory", "scimgate init gateway"),
            (
                "Serve with a configuration",
                "scimgate -c scimgate.toml serve",
            ),
            (
                "See it work without a vendor",
                "scimgate demo --once --vendor sosafe",
            ),
        ],
    ),
    (
        "demo",
        &[
            (
                "Two cycles against an emulated vendor",
                "scimgate demo --once --vendor wedo",
            ),
            (
                "Only the vendor, for a gateway of your own",
                "scimgate demo --vendor sosafe --vendor-only",
            ),
        ],
    ),
    (
        "init",
        &[(
            "A directory to run a gateway from",
            "scimgate init /srv/scimgate",
        )],
    ),
    (
        "serve",
        &[(
            "Serve until SIGTERM",
            "scimgate -c /etc/scimgate/scimgate.toml serve",
        )],
    ),
    (
        "check",
        &[
            (
                "Before a commit: warnings count too",
                "scimgate check --deny warnings",
            ),
            (
                "What a code means",
                "scimgate check --explain table::unknown-attribute",
            ),
            ("Whether a start would succeed", "scimgate check --start"),
        ],
    ),
    (
        "test",
        &[(
            "The transcripts of one vendor whose title has a word",
            "scimgate test sosafe --filter archive",
        )],
    ),
    (
        "dry-run",
        &[(
            "What requests would do",
            "scimgate dry-run --tenant acme requests.http",
        )],
    ),
    (
        "status",
        &[("How a tenant is doing", "scimgate status --tenant acme")],
    ),
    ("diff", &[("What a reload would change", "scimgate diff")]),
    ("reload", &[("Load all files again", "scimgate reload")]),
    (
        "log",
        &[(
            "What failed in the last hour",
            "scimgate log --tenant acme --status failure --since 1h",
        )],
    ),
    (
        "explain",
        &[(
            "One request, by the id that Entra shows",
            "scimgate explain 6c7e2a52-36f2-4d1d-9a41-1c1ad2f0a9b7",
        )],
    ),
    (
        "adapter",
        &[
            ("The vendors, and what serves each", "scimgate adapter list"),
            (
                "A script to change; the manifest stays in the program",
                "scimgate adapter copy sosafe --script",
            ),
            (
                "The files of a new vendor",
                "scimgate adapter new desk --title Desk",
            ),
        ],
    ),
    (
        "definitions",
        &[("For an editor", "scimgate definitions definitions")],
    ),
    (
        "admin",
        &[(
            "A token for an administrator",
            "scimgate admin mint --name ada --role operator",
        )],
    ),
    (
        "tenant",
        &[
            (
                "A tenant's file, with the places of its secrets",
                "scimgate tenant add acme --adapter sosafe --base-url https://sosafe.example/provisioning/v1",
            ),
            (
                "What Entra's Test Connection will ask",
                "scimgate tenant test acme",
            ),
        ],
    ),
    (
        "token",
        &[
            (
                "Tenant URL and Secret Token",
                "scimgate token mint --tenant acme --expires 90d",
            ),
            (
                "End one",
                "scimgate token revoke --tenant acme --key 3fXk0aZ9",
            ),
        ],
    ),
    (
        "probe",
        &[(
            "Whether Entra can work with an endpoint; it changes nothing",
            "scimgate probe --read-only --token-file token https://scim.example.com/t/acme/scim/v2",
        )],
    ),
    (
        "config",
        &[(
            "The effective values, and where each is set",
            "scimgate config show --origin",
        )],
    ),
    (
        "completions",
        &[("For this shell", "source <(scimgate completions bash)")],
    ),
    (
        "man",
        &[(
            "Where man looks for them",
            "scimgate man /usr/local/share/man/man1",
        )],
    ),
];

/// Writes `scimgate.1` and a page for each verb.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let directory = &options.directory;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let written = std::fs::create_dir_all(directory).and_then(|()| pages(&command, "", directory));
    let told = |error| Trouble::Config(anyhow::anyhow!("{}: {error}", directory.display()));
    let count = written.map_err(told)?;
    let place = directory.display().to_string();
    let human = || format!("wrote {count} manual pages into {place}\n");
    let json = || json!({ "wrote": count, "directory": place });
    Ok(options.format.put(human, json))
}

/// Writes the page of a command, and those of its verbs; `verb` is the first word behind the
/// program's name. Gives how many there are.
fn pages(command: &Command, verb: &str, directory: &Path) -> io::Result<usize> {
    let mut count = 1;
    let man = Man::new(command.clone());
    std::fs::write(
        directory.join(man.get_filename()),
        page(command, &man, verb)?,
    )?;
    for below in command.get_subcommands() {
        let verb = if verb.is_empty() {
            below.get_name()
        } else {
            verb
        };
        count += pages(below, verb, directory)?;
    }
    Ok(count)
}

fn page(command: &Command, man: &Man, verb: &str) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut more = Roff::new();
    let examples = EXAMPLES.iter().find(|(of, _)| *of == verb);
    let examples = examples.map(|(_, examples)| *examples).unwrap_or_default();
    section(
        &mut more,
        "EXAMPLES",
        examples.iter().map(|(what, how)| (roman(*what), *how)),
    );
    section(
        &mut more,
        "EXIT STATUS",
        EXIT_STATUS.iter().map(|(code, what)| (bold(*code), *what)),
    );
    section(
        &mut more,
        "FILES",
        FILES.iter().map(|(path, what)| (bold(*path), *what)),
    );
    more.to_writer(&mut page)?;
    Ok(page)
}

/// A section of terms with what is said of each.
fn section<'a>(roff: &mut Roff, title: &str, terms: impl Iterator<Item = (Inline, &'a str)>) {
    roff.control("SH", [title]);
    for (term, text) in terms {
        roff.control("TP", []);
        roff.text([term]);
        roff.text([roman(text)]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn every_verb_has_an_example_and_every_example_is_one() {
        let command = Cli::command();
        let verbs = command.get_subcommands().map(Command::get_name);
        let without: Vec<_> = verbs
            .filter(|verb| !EXAMPLES.iter().any(|(of, _)| of == verb))
            .collect();
        assert_eq!(without, Vec::<&str>::new());
        for (_, examples) in EXAMPLES {
            for (_, example) in *examples {
                let example = example
                    .trim_start_matches("source <(")
                    .trim_end_matches(')');
                let words = example.split(' ');
                if cfg!(feature = "demo") || !example.contains(" demo ") {
                    assert!(Cli::try_parse_from(words).is_ok(), "{example}");
                }
            }
        }
    }

    #[test]
    fn every_page_says_how_it_ends_and_which_files_there_are() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            directory: directory.path().to_owned(),
            format: Form::Human,
        };
        assert!(matches!(run(&options), Ok(Ending::Done)));
        let pages: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        assert!(pages.len() > 30, "{}", pages.len());
        for page in pages {
            let text = std::fs::read_to_string(page.unwrap().path()).unwrap();
            for title in ["NAME", "SYNOPSIS", "EXAMPLES", "\"EXIT STATUS\"", "FILES"] {
                assert!(text.contains(&format!(".SH {title}")), "{title}: {text}");
            }
        }
    }
}
