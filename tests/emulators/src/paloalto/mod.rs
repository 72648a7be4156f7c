//! The Palo Alto Networks SCIM Connector's directory as a state machine: an XML API with xpath.
//!
//! The contract is ours, consistent with what Palo Alto Networks publishes of its XML APIs and its
//! Cloud Identity Engine; it is not its own interface. Its traps are kept:
//!
//! * everything is `POST /api/` with a form, nearly everything is answered 200, the code decides;
//! * reading what is not there succeeds, with code 7 and nothing in it;
//! * `set` makes what is not there and merges into what is; only `create` refuses a second one;
//! * names are ids: groups hold the names of users, a renamed user is in them under its old name,
//!   and one who is in a group cannot be deleted;
//! * who has no `Mail` is answered with the User Principal Name;
//! * keys come from `type=keygen` and end.
//!
//! Several customers live in one emulator: the key decides which directory may be named.

mod directory;
mod element;
mod entry;
mod refusal;
mod request;
mod service;
#[cfg(test)]
mod tests;
mod xpath;

use super::kit::{self, Emulator};
use serde::{Deserialize, Serialize};

/// How an emulator starts.
pub type Options = kit::Options<Client, Limits>;

/// Starts an emulator on two free loopback ports. Fails when there are none to be had.
pub fn start(options: Options) -> std::io::Result<Emulator> {
    Emulator::start(options, service::Service::new)
}

/// One customer.
#[derive(Clone, Debug)]
pub struct Client {
    /// The service account.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The Directory Name.
    pub directory: String,
    /// The custom attributes it has defined, with their `X-`.
    pub custom: Vec<String>,
}

/// What `POST /__ctl/limits` sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How long a key lives, in seconds.
    pub key_lifetime_s: u64,
    /// Whether every call is answered with code 5.
    pub busy: bool,
    /// Ends all keys there are now.
    pub revoke_keys: bool,
}

impl Default for Limits {
    /// Keys of an hour.
    fn default() -> Self {
        Self {
            key_lifetime_s: 3600,
            busy: false,
            revoke_keys: false,
        }
    }
}

impl Default for Client {
    /// `scim` with `demo-password` and the directory `example.com`.
    fn default() -> Self {
        Self {
            user: "scim".to_owned(),
            password: "demo-password".to_owned(),
            directory: "example.com".to_owned(),
            custom: vec!["X-Badge".to_owned()],
        }
    }
}
