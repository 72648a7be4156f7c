//! SoSafe's provisioning API as a state machine: JSON REST, an API key, pages, integer ids.
//!
//! The contract is ours, consistent with what SoSafe publishes of its user management; it is not
//! SoSafe's own interface. Its traps are kept:
//!
//! * a user is made in two steps: POST gives `PENDING`, `/activate` needs a licence;
//! * DELETE archives; the e-mail address and login stay taken until `/restore`;
//! * a list filter it does not know is ignored, and everybody comes back;
//! * a user has one group, by name; renaming a group changes its key;
//! * countries are German names, languages come from a closed list with an underscore.
//!
//! Several customers ("clients" in SoSafe's words) live in one emulator. The `X-Api-Key` decides
//! which; ids come from one sequence, so that a row of one customer never has the id of another's.

mod country;
mod directory;
mod field;
mod group;
mod lookup;
mod refusal;
mod seed;
mod service;
#[cfg(test)]
mod tests;
mod user;

use super::kit::{self, Emulator, Rate};
use serde::{Deserialize, Serialize};

/// How an emulator starts. The first customer is number 4711, the next 4712.
pub type Options = kit::Options<Client, Limits>;

/// Starts a SoSafe emulator on two free loopback ports. Fails when there are none to be had.
pub fn start(options: Options) -> std::io::Result<Emulator> {
    Emulator::start(options, service::Service::new)
}

/// One SoSafe customer.
#[derive(Clone, Debug)]
pub struct Client {
    /// The `X-Api-Key` that opens this customer's rows.
    pub api_key: String,
    /// The Entra tenant id its calls must name in `X-Idp-Tenant`, compared ignoring case.
    pub idp_tenant: String,
    /// The domains its users' e-mail addresses may have; empty for any.
    pub domains: Vec<String>,
    /// How many users may be `ACTIVE`.
    pub licences_total: u64,
    /// Where `user_group` comes from.
    pub group_by: GroupBy,
}

/// Where a customer's user groups come from, agreed with SoSafe beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// `user_group` is written by the caller.
    #[default]
    Groups,
    /// `user_group` follows `department` and cannot be written.
    Attribute,
}

/// Request limits, as in `POST /__ctl/limits`. All off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls each customer may make; `None` for any number.
    pub rate: Option<Rate>,
    /// Whether every call gets 503 E9003, as before the first sync has ended.
    pub first_sync_running: bool,
}

impl Default for Client {
    /// Key `demo-key`, any domain, 100,000 licences.
    fn default() -> Self {
        Self {
            api_key: "demo-key".to_owned(),
            idp_tenant: "5f0a1c52-3d5e-4c0b-9d42-8f6b8f1f7a10".to_owned(),
            domains: Vec::new(),
            licences_total: 100_000,
            group_by: GroupBy::Groups,
        }
    }
}
