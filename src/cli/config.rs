//! `scimgate config`.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::output::Form;
use super::{Ending, Trouble, environment, told, unusable};
use crate::config::origin::Origins;
use crate::config::schema::schema;
use crate::config::{Config, REFERENCE};

/// What to print.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Print every key with its meaning and its default, as a file to begin with.
    Default,
    /// Print the JSON schema of a configuration file, for editors.
    Schema,
    /// Print the effective values: defaults, file and environment together. Paths are resolved.
    Show {
        /// Add to each value where it comes from.
        #[arg(long)]
        origin: bool,
    },
}

/// Prints the reference, the schema, or the configuration as a file that would say the same.
pub(super) fn run(file: Option<&Path>, verb: &Verb, form: Form) -> Result<Ending, Trouble> {
    match verb {
        Verb::Default => put!("{REFERENCE}"),
        Verb::Schema => put_line!("{:#}", schema()),
        Verb::Show { origin } => return show(file, *origin, form),
    }
    Ok(Ending::Done)
}

fn show(file: Option<&Path>, with_origins: bool, form: Form) -> Result<Ending, Trouble> {
    let loaded = Config::load_with_origins(file, environment());
    let (config, origins) = loaded.map_err(|problems| unusable(&told(file, problems)))?;
    let values = serde_json::to_value(&config).map_err(|error| Trouble::Internal(error.into()))?;
    let human = || {
        let mut text = String::new();
        section(&values, "", with_origins.then_some(&origins), &mut text);
        text
    };
    Ok(form.put(human, || values.clone()))
}

/// A section's own values, then the sections in it.
fn section(values: &Value, name: &str, origins: Option<&Origins>, text: &mut String) {
    let all = values.as_object().into_iter().flatten();
    let (sections, own): (Vec<_>, Vec<_>) = all
        .filter(|(_, value)| !value.is_null())
        .partition(|(_, value)| value.is_object());
    if !name.is_empty() && !own.is_empty() {
        let _ = writeln!(text, "{}[{name}]", if text.is_empty() { "" } else { "\n" });
    }
    for (key, value) in own {
        let origin = origins.and_then(|origins| origins.of_key(&below(name, key)));
        let origin = origin.map_or(String::new(), |origin| format!("  # {origin}"));
        let _ = writeln!(text, "{key} = {}{origin}", written(value));
    }
    for (key, inner) in sections {
        section(inner, &below(name, key), origins, text);
    }
}

fn below(name: &str, key: &str) -> String {
    match name {
        "" => key.to_owned(),
        _ => format!("{name}.{key}"),
    }
}

/// As TOML writes it.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}
