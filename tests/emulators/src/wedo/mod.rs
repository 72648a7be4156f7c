//! WEDO's user API as a state machine: GraphQL, errors inside 200, users only.
//!
//! The contract is ours, consistent with what WEDO publishes of its user management; it is not
//! WEDO's own interface. Its traps are kept:
//!
//! * a new user is `INVITED` or `NOT_INVITED`, and `ACTIVE` only after logging in;
//! * lists hide deactivated users unless `includeDeactivated` is said, and their login stays taken;
//! * a deactivated user is purged after 30 days, by itself;
//! * a change names the version it was made of;
//! * whoever has open tasks is deactivated only with somebody to hand them over to;
//! * the last administrator stays one;
//! * what is too much costs, and the wait is told in milliseconds inside the body.
//!
//! Several customers ("networks" in WEDO's words) live in one emulator, told apart by token.

mod directory;
mod document;
mod operation;
mod refusal;
mod seed;
mod service;
#[cfg(test)]
mod tests;
mod user;

use super::kit::{self, Emulator};
use serde::{Deserialize, Serialize};

/// How an emulator starts.
pub type Options = kit::Options<Network, Limits>;

/// Starts a WEDO emulator on two free loopback ports. Fails when there are none to be had.
pub fn start(options: Options) -> std::io::Result<Emulator> {
    Emulator::start(options, service::Service::new)
}

/// One WEDO customer.
#[derive(Clone, Debug)]
pub struct Network {
    /// The bearer token that opens this network.
    pub token: String,
    /// Its short name, which its calls must give in `X-Wedo-Network`.
    pub name: String,
    /// How many users may be other than `DEACTIVATED`.
    pub licences_total: usize,
}

/// Cost limits, as in `POST /__ctl/limits`. Off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// What each network may spend in a minute; the contract's is 1,000.
    pub cost_per_minute: Option<u64>,
}

impl Default for Network {
    /// Token `demo-token`, network `acme`, 100,000 licences.
    fn default() -> Self {
        Self {
            token: "demo-token".to_owned(),
            name: "acme".to_owned(),
            licences_total: 100_000,
        }
    }
}
