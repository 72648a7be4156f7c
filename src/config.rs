//! Configuration: `config.default.toml`, which documents every key, under a
//! file, under the environment. All mistakes are reported together.

mod layer;
pub mod origin;
mod place;
pub mod schema;
mod values;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::catalog::Sources;
use crate::catalog::watch::Means;
use crate::problem::Problem;
use crate::problem::version::FormatVersion;
use layer::Layer;
use origin::Origins;
pub(crate) use values::span;

/// The default of every key, as text, for people.
pub const REFERENCE: &str = include_str!("config.default.toml");

/// The gateway's configuration. Paths are absolute or relative to the working
/// directory: [`Config::load`] has resolved them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The form it is written in.
    #[schemars(with = "u8", range(min = 1, max = 1))]
    pub version: FormatVersion,
    /// Entra's side.
    pub server: Server,
    /// Probes and metrics.
    pub ops: Port,
    /// Administration.
    pub admin: Port,
    /// Threads that serve requests, at least 1; `None` is one for each core.
    #[serde(default, deserialize_with = "values::some_positive")]
    #[schemars(with = "std::num::NonZeroUsize")]
    pub workers: Option<usize>,
    /// Directories of adapters, scripts and tenants.
    pub catalog: Catalog,
    /// What vendors cannot remember, and the tokens.
    pub store: Store,
    /// Clients that ask for access tokens.
    pub oauth: OAuth,
    /// For each tenant.
    pub limits: Limits,
    /// The vendors' side.
    pub vendor: Vendor,
    /// Log lines.
    pub log: Log,
    /// Metrics and traces.
    pub telemetry: Telemetry,
    /// Times.
    pub deadline: Deadline,
}

/// Entra's side.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where to listen.
    #[serde(deserialize_with = "values::address")]
    #[schemars(schema_with = "schema::address")]
    pub listen: SocketAddr,
    /// The http or https URL in `meta.location`; `None` takes each request's own host.
    #[serde(
        default,
        deserialize_with = "values::some_web_url",
        serialize_with = "values::as_text"
    )]
    #[schemars(schema_with = "schema::web_url")]
    pub public_url: Option<Url>,
    /// `None` is plain HTTP.
    #[serde(default)]
    #[schemars(with = "Tls")]
    pub tls: Option<Tls>,
    /// Requests in work at once, at least 1.
    #[serde(deserialize_with = "values::positive")]
    #[schemars(with = "std::num::NonZeroUsize")]
    pub max_in_flight: usize,
    /// Open connections, at least 1.
    #[serde(deserialize_with = "values::positive")]
    #[schemars(with = "std::num::NonZeroUsize")]
    pub max_connections: usize,
    /// Open connections from one network, at least 1.
    #[serde(deserialize_with = "values::positive")]
    #[schemars(with = "std::num::NonZeroUsize")]
    pub max_connections_per_source: usize,
    /// The largest request body in bytes, at least 1.
    #[serde(deserialize_with = "values::bytes")]
    #[schemars(schema_with = "schema::bytes")]
    pub body_limit: usize,
    /// What all request bodies in work may take in bytes, at least 1.
    #[serde(deserialize_with = "values::bytes")]
    #[schemars(schema_with = "schema::bytes")]
    pub body_budget: usize,
}

/// The server's certificate.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// A port beside the one that serves SCIM.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Where to listen; `None`, written "", is not at all.
    #[serde(
        deserialize_with = "values::some_address",
        serialize_with = "values::as_address"
    )]
    #[schemars(schema_with = "schema::some_address")]
    pub listen: Option<SocketAddr>,
}

/// Directories that are watched.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Whether the adapters in the program count.
    pub built_in: bool,
    /// Holds `<vendor>.toml`.
    pub adapters: PathBuf,
    /// Holds `<vendor>.rhai`.
    pub scripts: PathBuf,
    /// Holds `<tenant>.toml`.
    pub tenants: PathBuf,
    /// Holds the secrets that tenants in the store may name.
    pub secrets: PathBuf,
    /// Holds `<vendor>/*.http`.
    pub transcripts: PathBuf,
    /// How changes of them are noticed.
    pub watch: Means,
    /// Seconds from the removal of a tenant's file to the end of its tokens.
    pub removal_grace_seconds: u64,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The SQLite file, where there is no PostgreSQL.
    pub path: PathBuf,
    /// The file with the URL of a PostgreSQL database.
    #[serde(default)]
    pub postgres_url_file: Option<PathBuf>,
    /// PEM file of certificate authorities to believe that database by, besides the public ones.
    #[serde(default)]
    pub postgres_ca: Option<PathBuf>,
    /// The key for token digests: needed with PostgreSQL; `None` is beside the SQLite file.
    #[serde(default)]
    pub pepper_file: Option<PathBuf>,
    /// The key that seals vendors' secrets in the store.
    #[serde(default)]
    pub credential_key_file: Option<PathBuf>,
    /// The one from before, which only opens them.
    #[serde(default)]
    pub credential_key_file_before: Option<PathBuf>,
}

/// Access tokens.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// Minutes from the issue of an access token to its end, 60 to 360, as Entra wants it.
    #[serde(deserialize_with = "values::access_token_minutes")]
    #[schemars(range(min = 60, max = 360))]
    pub access_token_minutes: u64,
}

/// What one tenant may ask for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Sustained.
    pub requests_per_second: NonZeroU32,
    /// At once, after a quiet time.
    pub burst: NonZeroU32,
    /// In work at once, at least 1.
    #[serde(deserialize_with = "values::positive")]
    #[schemars(with = "std::num::NonZeroUsize")]
    pub in_flight: usize,
}

/// The vendors' side.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// PEM file of further certificate authorities.
    #[serde(default)]
    #[schemars(with = "PathBuf")]
    pub extra_ca: Option<PathBuf>,
}

/// Log lines, and the provisioning log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Their form.
    pub format: LogFormat,
    /// The least level of log lines, by module: `info,scimgate::vendor=debug`.
    pub filter: String,
    /// How the provisioning log names users and groups.
    pub identity: Identity,
    /// Which reading requests the provisioning log keeps.
    pub reads: Reads,
    /// How long it keeps them, at least a minute.
    #[serde(
        deserialize_with = "values::retention",
        serialize_with = "values::as_span"
    )]
    #[schemars(schema_with = "schema::retention")]
    pub retention: Duration,
    /// How many it keeps, at least 1.
    #[serde(deserialize_with = "values::positive")]
    #[schemars(with = "std::num::NonZeroUsize")]
    pub max_events: usize,
}

/// How users and groups are named where they need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// As they are.
    Full,
    /// By an outline: `a…@e…com`.
    Masked,
    /// Not at all.
    Off,
}

/// Which reading requests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// All.
    All,
    /// Those that failed.
    Failures,
    /// None.
    None,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Text,
}

/// Metrics and traces.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// How they name tenants and vendors' hosts.
    pub tenant_label: TenantLabel,
}

/// How a name stands in metrics and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TenantLabel {
    /// As it is.
    Full,
    /// As a pseudonym, the same on every pod.
    Hash,
    /// Not at all.
    Off,
}

/// Times.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// Seconds until a request is answered at the latest, 1 to 54: Entra gives up at 60.
    #[serde(deserialize_with = "values::request_seconds")]
    #[schemars(range(min = 1, max = 54))]
    pub request_seconds: u64,
}

impl Catalog {
    /// Where everything loadable is.
    pub fn sources(&self) -> Sources {
        Sources {
            has_built_in: self.built_in,
            adapters: self.adapters.clone(),
            scripts: self.scripts.clone(),
            tenants: Some(self.tenants.clone()),
        }
    }
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
        Self::load_with_origins(path, env).map(|(config, _)| config)
    }

    /// The same, and where each value comes from.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with_origins(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<(Self, Origins), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut layers = vec![Layer::defaults()];
        layers.extend(path.and_then(|path| Layer::file(path, &mut problems)));
        layers
            .extend(env.filter_map(|(name, value)| Layer::variable(&name, &value, &mut problems)));
        for layer in &mut layers {
            layer.drop_unknown(&mut problems);
        }
        let origins = Origins::of(&layers);
        let config = layer::extract(layers, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok((config.below(directory_of(path)), origins)),
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
            &mut self.catalog.secrets,
            &mut self.catalog.transcripts,
            &mut self.store.path,
        ];
        tls.flat_map(|tls| [&mut tls.certificate, &mut tls.key])
            .chain(&mut self.vendor.extra_ca)
            .chain(&mut self.store.postgres_url_file)
            .chain(&mut self.store.postgres_ca)
            .chain(&mut self.store.pepper_file)
            .chain(&mut self.store.credential_key_file)
            .chain(&mut self.store.credential_key_file_before)
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
