//! The form that a configuration, a manifest or a tenant's file is written in: its key `version`.
//! `deploy/upgrades.md` says what each one means, and how a form ends.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use toml::de::DeTable;

use super::Problem;

/// The newest form that this program reads.
pub const NEWEST: u32 = 1;

/// A form that this program reads: 1 to [`NEWEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FormatVersion(u32);

impl Default for FormatVersion {
    /// Of a file that does not say.
    fn default() -> Self {
        Self(1)
    }
}

impl<'de> Deserialize<'de> for FormatVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            version @ 1..=NEWEST => Ok(Self(version)),
            other => Err(D::Error::invalid_value(
                Unexpected::Unsigned(other.into()),
                &"1, the version that this program knows",
            )),
        }
    }
}

/// That a TOML file is written for a newer program, which is then why it cannot be read.
pub fn newer(file: &str, text: &str) -> Option<Problem> {
    let table = DeTable::parse(text).ok()?;
    let mut keys = table.get_ref().iter();
    let (_, value) = keys.find(|(key, _)| key.get_ref() == "version")?;
    let version = value.get_ref().as_integer()?;
    let version = i64::from_str_radix(version.as_str(), version.radix()).ok()?;
    let span = value.span();
    of(file, version).map(|problem| problem.at(span.start, span.len()))
}

/// The same of a version as it was read.
pub fn of(file: &str, version: i64) -> Option<Problem> {
    (version > i64::from(NEWEST)).then(|| {
        let message = format!(
            "this file has version {version}, and this program knows versions up to {NEWEST}"
        );
        Problem::error("file::newer-version", file, message).help(
            "run a newer version, or write the file in a version that this one knows: deploy/upgrades.md says \
             what each version is",
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_form_is_told_whatever_else_is_unknown() {
        let text = "shape = \"new\"\nversion = 0x2\n";
        let problem = newer("a.toml", text).unwrap();
        let (start, length) = problem.span.unwrap();
        assert_eq!(&text[start..start + length], "0x2");
        for known in [
            "",
            "version = 1",
            "version = \"2\"",
            "[version]",
            "version =",
        ] {
            assert_eq!(newer("a.toml", known), None, "{known}");
        }
    }

    #[test]
    fn a_form_that_is_read_is_taken() {
        let read = |text: &str| serde_json::from_str::<FormatVersion>(text);
        assert_eq!(read("1").unwrap(), FormatVersion::default());
        for other in ["0", "2", "-1", "\"1\"", "1.5"] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
