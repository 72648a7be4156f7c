//! `scimgate adapter new`: the files of a vendor, complete enough to be checked and played at
//! once, and to be changed line by line from there.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::output::Form;
use super::super::{Ending, Trouble, files};
use crate::adapter::Adapter;
use crate::config::Config;

/// What to begin with.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// The adapter's name: the name of its files, and what a tenant file says under `adapter`.
    #[arg(value_parser = adapter_name)]
    name: String,
    /// The vendor's name for people; default: the adapter's name.
    #[arg(long)]
    title: Option<String>,
    /// How the vendor's API authenticates the gateway.
    #[arg(long, value_enum, default_value = "bearer")]
    credential: Credential,
}

/// The kinds, each with something to begin with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Credential {
    /// User name and password.
    Basic,
    /// A bearer token.
    Bearer,
    /// A key in a header.
    Header,
    /// OAuth 2.0 client credentials.
    Oauth2,
    /// A key that the vendor gives for user name and password.
    KeyExchange,
    /// None.
    None,
}

impl Credential {
    fn table(self) -> &'static str {
        match self {
            Self::Basic => "kind = \"basic\"",
            Self::Bearer => "kind = \"bearer\"",
            Self::Header => "kind = \"header\"\nheader = \"X-Api-Key\"",
            Self::Oauth2 => {
                "kind = \"oauth2\"\ngrant = \"client_credentials\"\ntoken_url = \"/oauth/token\""
            }
            Self::KeyExchange => {
                "kind = \"key_exchange\"\nheader = \"X-Api-Key\"\npath = \"/login\"\n\
                 form = { user = \"{username}\", password = \"{password}\" }\nkey = \"/key\""
            }
            Self::None => "kind = \"none\"",
        }
    }
}

fn adapter_name(name: &str) -> Result<String, String> {
    if Adapter::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(Adapter::NAME_FORM.to_owned())
    }
}

/// Writes the files and says what to do next.
pub(super) fn run(config: &Config, options: &Options, form: Form) -> Result<Ending, Trouble> {
    let files = filled_in(config, options);
    files::write(&files).map_err(Trouble::Config)?;
    let next = format!("next: scimgate check, scimgate test {}\n", options.name);
    Ok(files::written(form, &files, &next))
}

/// Each file and its text.
fn filled_in(config: &Config, options: &Options) -> [(PathBuf, String); 4] {
    let (catalog, name) = (&config.catalog, &options.name);
    let title = options.title.as_deref().unwrap_or(name);
    let filled = |template: &str| {
        let text = template.replace("%name%", name);
        // The title stands in texts and in a TOML string.
        let text = text.replace("%title%", &title.replace(['"', '\\'], "'"));
        text.replace("%credential%", options.credential.table())
    };
    let transcripts = catalog.transcripts.join(name);
    [
        (
            catalog.adapters.join(format!("{name}.toml")),
            filled(include_str!("scaffold/manifest.toml")),
        ),
        (
            catalog.scripts.join(format!("{name}.rhai")),
            filled(include_str!("scaffold/script.rhai")),
        ),
        (
            catalog.adapters.join(format!("{name}.md")),
            filled(include_str!("scaffold/page.md")),
        ),
        (
            transcripts.join("users.http"),
            filled(include_str!("scaffold/users.http")),
        ),
    ]
}
