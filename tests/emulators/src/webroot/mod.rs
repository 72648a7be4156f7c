//! Webroot Security Awareness Training, by its contract: sites under a managed-service account,
//! and the people trained there.
//!
//! What is peculiar to it:
//! * tokens last 300 s, refresh tokens 14 days and once; `User-Agent: Name/Version` is demanded;
//! * one account (client) manages many sites; another account's site is 403, a suspended one too;
//! * a target is replaced whole, and only by who has read its latest `RowVersion`;
//! * first and last names have 2 to 30 characters; addresses must be of a verified domain;
//! * rows from before there was a `UserName` have none;
//! * a list goes on by an opaque continuation that is good for ten minutes;
//! * memberships are rows of their own: one POST or DELETE each, by an id that must be looked up;
//! * a group with members is not deleted.

mod group;
mod paging;
mod refusal;
mod seed;
mod service;
mod site;
mod target;
#[cfg(test)]
mod tests;
mod tokens;

use super::kit::{self, Emulator, Rate};
use serde::{Deserialize, Serialize};

/// How an emulator starts. No two accounts have the same client id.
pub type Options = kit::Options<Account, Limits>;

/// Starts an emulator on two free loopback ports. Fails when there are none to be had.
pub fn start(options: Options) -> std::io::Result<Emulator> {
    Emulator::start(options, service::Service::new)
}

/// A managed-service account: an API client, its service account, and the sites it manages.
#[derive(Clone, Debug)]
pub struct Account {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// The service account's e-mail address.
    pub username: String,
    /// Its password.
    pub password: String,
    /// `FE06-8C1F-0DDF-4303-9FEF`.
    pub gsm_key: String,
    /// The sites.
    pub sites: Vec<Site>,
}

/// One customer's site.
#[derive(Clone, Debug)]
pub struct Site {
    /// A GUID.
    pub site_id: String,
    /// For people.
    pub name: String,
    /// The verified domains; empty for any that is not public.
    pub domains: Vec<String>,
    /// Whether every call gets 403 `SiteSuspended`.
    pub suspended: bool,
}

/// Request limits of each client, as in `POST /__ctl/limits`. All off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// All calls but those for tokens.
    pub rate: Option<Rate>,
    /// Those about memberships, besides.
    pub memberships: Option<Rate>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            client_id: "client_demo".to_owned(),
            client_secret: "demo-secret".to_owned(),
            username: "scim@msp.example".to_owned(),
            password: "demo-password".to_owned(),
            gsm_key: "FE06-8C1F-0DDF-4303-9FEF".to_owned(),
            sites: vec![Site::default()],
        }
    }
}

impl Default for Site {
    fn default() -> Self {
        Self {
            site_id: "6b1f2c8e-0a51-4c1e-9d36-2f7a5f0c1e01".to_owned(),
            name: "Demo".to_owned(),
            domains: Vec::new(),
            suspended: false,
        }
    }
}
