//! The secrets of a tenant's vendor credential, and where each comes from.

use std::path::{Component, Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use toml::de::DeTable;

use super::seal::SealKeys;
use crate::adapter::keys::TenantId;
use crate::problem::file;

/// Where a secret comes from. Never the text itself, except in a demonstration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SecretSource {
    /// A file that holds it; white space at the end does not count.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// Itself.
    Value(SecretString),
    /// Itself, as [`SealKeys`] sealed it.
    Sealed(String),
}

/// What the names of environment variables begin with that a tenant in the store may name.
pub const ENV_PREFIX: &str = "VENDOR_";

/// The secrets of tenants in the store.
#[derive(Debug, Default)]
pub struct Vault {
    /// They name files below it and no others: somebody wrote them over the network.
    pub directory: PathBuf,
    /// Open those that are in the store itself.
    pub keys: SealKeys,
}

/// Where the secrets are that a tenant names.
#[derive(Clone, Copy, Debug)]
pub enum Secrets<'a> {
    /// Of a tenant's file: anywhere. Relative paths begin in this directory.
    OfFile(&'a Path),
    /// Of a tenant in the store.
    OfStore(&'a Vault),
}

impl Secrets<'_> {
    /// Where relative paths begin.
    pub fn directory(&self) -> &Path {
        match self {
            Self::OfFile(directory) => directory,
            Self::OfStore(vault) => &vault.directory,
        }
    }

    /// Reads one; or says why not, to be told behind its name.
    pub(super) fn read(
        &self,
        source: &SecretSource,
        tenant: &TenantId,
        part: &str,
    ) -> Result<SecretString, String> {
        let secret = match source {
            SecretSource::File(path) => self.file(path),
            SecretSource::Env(name) => self.variable(name),
            SecretSource::Value(secret) => Ok(secret.clone()),
            SecretSource::Sealed(sealed) => match self {
                Self::OfStore(vault) => {
                    let opened = vault.keys.open(tenant, part, sealed);
                    opened.map_err(|fault| fault.to_string())
                }
                Self::OfFile(_) => {
                    Err("is sealed, which only a tenant in the store may have".to_owned())
                }
            },
        }?;
        match secret.expose_secret().is_empty() {
            true => Err("is empty".to_owned()),
            false => Ok(secret),
        }
    }

    fn file(&self, path: &Path) -> Result<SecretString, String> {
        if matches!(self, Self::OfStore(_)) && !is_below(path) {
            return Err(format!(
                "names the file {}: a tenant in the store names only files below catalog.secrets, without .. and without a slash at the front",
                path.display()
            ));
        }
        let path = file::from(self.directory(), path);
        let text = file::text(&path).map_err(|error| {
            let why = file::why(&path, &error);
            format!("cannot be read from {}: {why}", path.display())
        })?;
        Ok(text.trim_end().into())
    }

    fn variable(&self, name: &str) -> Result<SecretString, String> {
        if matches!(self, Self::OfStore(_)) && !name.starts_with(ENV_PREFIX) {
            return Err(format!(
                "names the environment variable {name}: a tenant in the store names only those that begin with {ENV_PREFIX}"
            ));
        }
        let value = std::env::var(name)
            .map_err(|_| format!("is not in the environment variable {name}"))?;
        Ok(value.into())
    }
}

/// Whether a path stays in the directory that it begins in.
fn is_below(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The files that hold a tenant's secrets, as its text names them.
pub(super) fn secret_files(text: &DeTable<'_>, secrets: Secrets<'_>) -> Vec<PathBuf> {
    let parts = text
        .get("credential")
        .and_then(|parts| parts.get_ref().as_table());
    let parts = parts.into_iter().flat_map(DeTable::values);
    let paths = parts.filter_map(|part| part.get_ref().get("file")?.get_ref().as_str());
    let allowed =
        paths.filter(|path| matches!(secrets, Secrets::OfFile(_)) || is_below(Path::new(path)));
    allowed.map(|path| secrets.directory().join(path)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tenant::Outline;

    #[test]
    fn a_tenant_in_the_store_reads_no_file_of_the_gateways() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("secrets")).unwrap();
        std::fs::write(directory.path().join("pepper"), "p").unwrap();
        std::fs::write(directory.path().join("secrets/key"), "k\n").unwrap();
        let vault = Vault {
            directory: directory.path().join("secrets"),
            keys: SealKeys::default(),
        };
        let absolute = directory.path().join("pepper");
        let tenant = TenantId::parse("acme").unwrap();
        let read = |source| {
            let secret = Secrets::OfStore(&vault).read(&source, &tenant, "key");
            secret.map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(read(SecretSource::File("key".into())).unwrap(), "k");
        for path in [
            "../pepper",
            "./../pepper",
            "a/../../pepper",
            "",
            ".",
            absolute.to_str().unwrap(),
        ] {
            let refused = read(SecretSource::File(path.into())).unwrap_err();
            assert!(refused.contains("catalog.secrets"), "{path}: {refused}");
            let text = format!("credential = {{ key = {{ file = \"{path}\" }} }}");
            let files = Outline::of(&text, Secrets::OfStore(&vault)).secret_files;
            assert!(files.is_empty(), "{path}");
        }
        let refused = read(SecretSource::Env("PATH".into())).unwrap_err();
        assert!(refused.contains("begin with VENDOR_"), "{refused}");
        assert!(read(SecretSource::Env("VENDOR_NONE".into())).is_err());
    }
}
