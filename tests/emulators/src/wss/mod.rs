//! The user API of Symantec Web Security Service (WSS) as a state machine: writes by the job, lagging look-ups.
//!
//! The contract is ours, consistent with what Broadcom publishes of the product's other APIs; it
//! is not Broadcom's own interface. Its traps are kept:
//!
//! * every change is an operation of a job; a job is accepted at once and carried out later, one
//!   at a time, and each of its operations succeeds or fails by itself;
//! * look-ups and lists come from an index that lags behind a finished job; reads by key do not;
//! * few jobs a minute, and a 429 does not say when to come back;
//! * a job may be aborted half-way, and then says nothing of what it did;
//! * 401 is a wrong password; 403 "Invalid credentials" is a right one without the role;
//! * a manager that is no login name of the account makes its operation fail;
//! * a job sent again under the same `X-Request-Token` is the same job.
//!
//! Several customers ("accounts") live in one emulator, told apart by their credential.

mod directory;
mod field;
mod index;
mod job;
mod operation;
mod refusal;
mod seed;
mod service;
#[cfg(test)]
mod tests;

use super::kit::{self, Emulator};
use serde::{Deserialize, Serialize};

/// How an emulator starts.
pub type Options = kit::Options<Account, Limits>;

/// Starts a WSS emulator on two free loopback ports. Fails when there are none to be had.
pub fn start(options: Options) -> std::io::Result<Emulator> {
    Emulator::start(options, service::Service::new)
}

/// One WSS customer.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number.
    pub account_id: String,
    /// The API credential's user name.
    pub username: String,
    /// And its password.
    pub password: String,
    /// Whether the credential has the role that jobs and reads need.
    pub has_role: bool,
    /// How many users there may be.
    pub users_most: usize,
}

/// Limits and troubles, as in `POST /__ctl/limits`. By default the contract's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Jobs a minute, all of them at once after a pause.
    pub submits_per_minute: u32,
    /// Reads a minute, the same.
    pub reads_per_minute: u32,
    /// How long a job runs.
    pub job_ms: u64,
    /// When a caller is told to look at its job first.
    pub poll_after_ms: u64,
    /// How long the index lags behind it.
    pub index_lag_ms: u64,
    /// How many jobs may wait.
    pub queued_most: usize,
    /// The job that runs, and those after it, do not end.
    pub stall: bool,
    /// The next job is aborted after so many operations.
    pub abort_after: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            submits_per_minute: 6,
            reads_per_minute: 120,
            job_ms: 150,
            poll_after_ms: 250,
            index_lag_ms: 200,
            queued_most: 20,
            stall: false,
            abort_after: None,
        }
    }
}

impl Default for Account {
    /// Account 70021, `demo-user` with `demo-password`, 100,000 users.
    fn default() -> Self {
        Self {
            account_id: "70021".to_owned(),
            username: "demo-user".to_owned(),
            password: "demo-password".to_owned(),
            has_role: true,
            users_most: 100_000,
        }
    }
}
