//! The store as it is configured, and the key of the tokens in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config};
use crate::gateway::OpenFault;
use crate::provisioning::memory::MemoryError;
use crate::store::Store;
use crate::store::postgres::Address;
use crate::tenant::token::{Pepper, PepperFault, Tokens};
use crate::vendor::TlsOptions;

/// Opens the database.
///
/// # Errors
/// [`OpenFault::Store`].
pub fn open_store(config: &Config) -> Result<Store, OpenFault> {
    open(config, Store::open)
}

fn open(
    config: &Config,
    open_file: impl FnOnce(&Path) -> Result<Store, MemoryError>,
) -> Result<Store, OpenFault> {
    let opened = match &config.store.postgres_url_file {
        Some(file) => Store::connect(address(&config.store, file)?),
        None => open_file(&config.store.path),
    };
    opened.map_err(|source| fault(config, source))
}

/// Opens the database to read from it only; `None` where there is none yet.
///
/// # Errors
/// [`OpenFault::Store`].
pub fn open_store_to_read(config: &Config) -> Result<Option<Store>, OpenFault> {
    let opened = match &config.store.postgres_url_file {
        Some(file) => Store::connect_to_read(address(&config.store, file)?),
        None if config.store.path.exists() => Store::open_to_read(&config.store.path),
        None => return Ok(None),
    };
    opened.map(Some).map_err(|source| fault(config, source))
}

/// Opens the database and the tokens in it.
///
/// # Errors
/// [`OpenFault::Store`], [`OpenFault::Pepper`].
pub fn open_tokens(config: &Config) -> Result<(Store, Tokens), OpenFault> {
    with_tokens(config, open_store(config)?)
}

/// The same for the process that serves from them.
pub(super) fn open_to_serve(config: &Config) -> Result<(Store, Tokens), OpenFault> {
    with_tokens(config, open(config, Store::open_to_serve)?)
}

fn with_tokens(config: &Config, store: Store) -> Result<(Store, Tokens), OpenFault> {
    let pepper = pepper(config, store.held_tokens());
    let pepper = pepper.map_err(|source| OpenFault::Pepper {
        key: pepper_key(config),
        source,
    })?;
    let tokens = Tokens::new(Arc::new(store.clone()), pepper);
    Ok((store, tokens))
}

/// The pepper's file: the one configured, else the one beside the SQLite file.
pub fn pepper_file(config: &Config) -> PathBuf {
    let configured = config.store.pepper_file.clone();
    configured.unwrap_or_else(|| Pepper::beside(&config.store.path))
}

/// Where the database is, for people.
pub fn place(config: &Config) -> String {
    match &config.store.postgres_url_file {
        Some(_) => "PostgreSQL".to_owned(),
        None => config.store.path.display().to_string(),
    }
}

/// The key that says where the database is.
pub(super) fn store_key(config: &Config) -> &'static str {
    match config.store.postgres_url_file {
        Some(_) => "store.postgres_url_file",
        None => "store.path",
    }
}

/// The key of token digests. The one beside the SQLite file is made where there are no tokens yet.
///
/// # Errors
/// It cannot be had; or it is to be shared and is not there: several gateways would each make
/// their own, and know none of the others' tokens.
pub fn pepper(config: &Config, held_tokens: bool) -> Result<Pepper, PepperFault> {
    if let Some(path) = &config.store.pepper_file {
        return Pepper::read(path);
    }
    if config.store.postgres_url_file.is_some() {
        return Err(PepperFault::Unset);
    }
    let path = Pepper::beside(&config.store.path);
    if held_tokens && !path.exists() {
        let path = path.display().to_string();
        return Err(PepperFault::Lost { path });
    }
    Pepper::open(&path)
}

fn pepper_key(config: &Config) -> &'static str {
    match (&config.store.pepper_file, &config.store.postgres_url_file) {
        (None, None) => "store.path",
        _ => "store.pepper_file",
    }
}

fn address(store: &config::Store, file: &Path) -> Result<Address, OpenFault> {
    let fault = |why: String| OpenFault::Store {
        key: "store.postgres_url_file",
        source: MemoryError(format!("{}: {why}", file.display())),
    };
    let url = std::fs::read_to_string(file)
        .map_err(|error| fault(format!("{error}; it must hold the database's URL")))?;
    let tls = TlsOptions::load(store.postgres_ca.as_deref()).map_err(OpenFault::StoreTls)?;
    Address::parse(&url, tls.config()).map_err(|error| fault(error.to_string()))
}

fn fault(config: &Config, source: MemoryError) -> OpenFault {
    OpenFault::Store {
        key: store_key(config),
        source,
    }
}
