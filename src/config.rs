//! Configuration: `config.default.toml`, which documents every key, under a
//! file, under the environment. All mistakes are reported together.

mod layer;
mod place;
mod values;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::problem::Problem;
use layer::Layer;

/// The default of every key, as text, for people.
pub const REFERENCE: &str = include_str!("config.default.toml");

/// The gateway's configuration. Paths are absolute or relative to the working
/// directory: [`Config::load`] has resolved them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Entra's side.
    pub server: Server,
    /// Threads that serve requests, at least 1; `None` is one for each core.
    #[serde(default, deserialize_with = "values::some_positive")]
    pub workers: Option<usize>,
    /// Directories of adapters, scripts and tenants.
    pub catalog: Catalog,
    /// What vendors cannot remember, and the tokens.
    pub store: Store,
    /// For each tenant.
    pub limits: Limits,
    /// The vendors' side.
    pub vendor: Vendor,
    /// Log lines.
    pub log: Log,
    /// Times.
    pub deadline: Deadline,
}

/// Entra's side.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The http or https URL in `meta.location`; `None` takes each request's own host.
    #[serde(default, deserialize_with = "values::some_web_url")]
    pub public_url: Option<Url>,
    /// `None` is plain HTTP.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Requests in work at once, at least 1.
    #[serde(deserialize_with = "values::positive")]
    pub max_in_flight: usize,
    /// Open connections, at least 1.
    #[serde(deserialize_with = "values::positive")]
    pub max_connections: usize,
    /// Open connections from one network, at least 1.
    #[serde(deserialize_with = "values::positive")]
    pub max_connections_per_source: usize,
    /// The largest request body in bytes, at least 1.
    #[serde(deserialize_with = "values::bytes")]
    pub body_limit: usize,
}

/// The server's certificate.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// Directories that are watched.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Holds `<vendor>.toml`.
    pub adapters: PathBuf,
    /// Holds `<vendor>.rhai`.
    pub scripts: PathBuf,
    /// Holds `<tenant>.toml`.
    pub tenants: PathBuf,
    /// Holds `<vendor>/*.http`.
    pub transcripts: PathBuf,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The SQLite file.
    pub path: PathBuf,
}

/// What one tenant may ask for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Sustained.
    pub requests_per_second: NonZeroU32,
    /// At once, after a quiet time.
    pub burst: NonZeroU32,
    /// In work at once, at least 1.
    #[serde(deserialize_with = "values::positive")]
    pub in_flight: usize,
}

/// The vendors' side.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// PEM file of further certificate authorities.
    #[serde(default)]
    pub extra_ca: Option<PathBuf>,
}

/// Log lines.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Their form.
    pub format: LogFormat,
    /// `tracing-subscriber` directives.
    pub filter: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Text,
}

/// Times.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// Seconds until a request is answered at the latest, 1 to 54: Entra gives up at 60.
    #[serde(deserialize_with = "values::request_seconds")]
    pub request_seconds: u64,
}

impl Config {
    /// Reads the defaults, the file at `path` and those of `env` that begin with `SCIMGATE_`.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first: unreadable file, unknown
    /// keys and variables, values that do not fit.
    pub fn load(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut layers = vec![Layer::defaults()];
        layers.extend(path.and_then(|path| Layer::file(path, &mut problems)));
        layers
            .extend(env.filter_map(|(name, value)| Layer::variable(&name, &value, &mut problems)));
        for layer in &mut layers {
            layer.drop_unknown(&mut problems);
        }
        let config = layer::extract(layers, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config.below(directory_of(path))),
            _ => Err(problems),
        }
    }

    /// Lets relative paths begin at `directory`.
    fn below(mut self, directory: &Path) -> Self {
        let tls = self.server.tls.iter_mut();
        let fixed = [
            &mut self.catalog.adapters,
            &mut self.catalog.scripts,
            &mut self.catalog.tenants,
            &mut self.catalog.transcripts,
            &mut self.store.path,
        ];
        tls.flat_map(|tls| [&mut tls.certificate, &mut tls.key])
            .chain(&mut self.vendor.extra_ca)
            .chain(fixed)
            .for_each(|path| *path = directory.join(&*path));
        self
    }
}

impl Default for Config {
    /// What `config.default.toml` says.
    fn default() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the file is compiled in and a test reads it"
        )]
        Self::load(None, std::iter::empty()).expect("config.default.toml is complete")
    }
}

fn directory_of(file: Option<&Path>) -> &Path {
    file.and_then(Path::parent).unwrap_or(Path::new(""))
}
