//! What is to be known of a tenant's text before it is checked, from one reading of it: a start
//! reads thousands of them.

use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeTable;

use super::redact::redacted_as;
use super::secret::{Secrets, secret_files};

/// A tenant's text in outline.
pub struct Outline {
    /// The text as it may be shown, as [`redacted`](super::redacted) gives it.
    pub shown: String,
    /// The adapter it names; none in a text that is no TOML.
    pub adapter: Option<String>,
    /// The files that hold its secrets; none in a text that is no TOML.
    pub secret_files: Vec<PathBuf>,
}

impl Outline {
    /// Of a text whose secrets are where `secrets` says.
    pub fn of(text: &str, secrets: Secrets<'_>) -> Self {
        let read = DeTable::parse(text).ok();
        let file = read.as_ref().map(Spanned::get_ref);
        let adapter = file.and_then(|file| file.get("adapter")?.get_ref().as_str());
        let files = file.map(|file| secret_files(file, secrets));
        Self {
            shown: redacted_as(text, file),
            adapter: adapter.map(str::to_owned),
            secret_files: files.unwrap_or_default(),
        }
    }
}
