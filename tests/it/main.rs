//! The gateway from outside: real sockets, a real store file, the emulated vendor.
//!
//! | File | Subject |
//! |---|---|
//! | `harness` | a whole gateway for each test |
//! | `dry_run` | what requests would lead to, with nothing sent |
//! | `entra_cases` | every request Entra is known to send, from `tests/data/entra-cases.jsonl` |
//! | `faults` | what goes wrong at the vendor, on the way and in a request, and what Entra hears of it |
//! | `protocol` | RFC 7643 and RFC 7644 over sockets, against the reference adapter |
//! | `lists`, `versions` | sorting, pages, cursors, `.search`; entity tags and what a write answers |
//! | `core` | what every write promises, for each vendor, in every profile |
//! | `bulk` | many operations in one request |
//! | `causes` | whatever fails, every tool says whose fault it is, where, and what to do |
//! | `kills` | lost replies, kills and full disks: nothing twice, nothing missing |
//! | `races` | many requests at once |
//! | `replicas` | several gateways on one PostgreSQL |
//! | `reload` | files that change while the gateway serves |
//! | `admin` | the ports for probes and administration, and the commands that ask there |
//! | `house` | a directory to run the binary in |
//! | `hostile_files` | files that nobody would write: judging them ends nothing |
//! | `oauth` | clients, access tokens, and whoever should get none |
//! | `onboarding` | tenants in the store, and vendors' consoles that make them |
//! | `check_command`, `test_command`, `adapter_command`, `serve_command`, `log_command` | the binary: `check`; `test`; `adapter`; `token` and `serve`; `log` and `explain` |
//! | `output` | what every verb prints: both forms, to readers who stop, about names that nobody has |
//! | `diagnostics` | every kind of mistake, as `check` tells it |
//! | `apis` | what real APIs do, in small adapters of `tests/data` |
//! | `transcripts` | the vendors' transcripts, as `scimgate test` plays them |
//! | `pages` | the vendors' pages against their scripts |
//! | `guide`, `walk_through` | `adapters/add-a-vendor.md` and `deploy/walk-through.md`, followed to the letter by the `reader` |
//! | `filter_table`, `patch_table` | the tables of `tests/data`; `table` reads them |
//! | `checklist` | every requirement of RFC 7643 and RFC 7644 has a test |
//! | `filter_oracle` | our reading of filters against another one's |
//! | `fuzz_smoke` | a short run of the fuzz targets |
//! | `story` | what the provisioning log says of requests, and how the tenant's health is told |
//! | `verify` | whether tenants' setups work, told before anybody asks |
//! | `tracker` | the adapter of `tests/data/tracker` over sockets |
//! | `passwords` | what is set and never shown stands nowhere |
//! | `webroot` | tokens that end, long lists, one client for many customers |
//! | `telemetry` | metrics and traces, what must not be in them, and the way to a receiver |
//! | `way_to_vendor` | every kind of credential, from the files to the wire |
//! | `wss` | writes by the job, look-ups that lag |
//! | `tidy` | the rules of the house that no compiler holds |

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod adapter_command;
mod admin;
mod apis;
mod bulk;
mod causes;
mod check_command;
mod checklist;
mod config_command;
mod core;
mod diagnostics;
mod dry_run;
mod entra_cases;
mod faults;
mod filter_oracle;
mod filter_table;
mod fuzz_smoke;
#[path = "../fuzz/targets.rs"]
mod fuzz_targets;
mod guide;
mod handover;
mod harness;
mod hostile_files;
mod house;
mod kills;
mod lists;
mod log_command;
mod oauth;
mod onboarding;
mod output;
mod packaging;
mod pages;
mod passwords;
mod patch_table;
mod probe;
mod protocol;
mod races;
mod reader;
mod reload;
mod replicas;
mod serve_command;
mod story;
mod table;
mod telemetry;
mod tenant_command;
mod tenant_mistakes;
mod test_command;
mod tidy;
mod tracker;
mod transcripts;
mod verify;
mod versions;
mod walk_through;
mod way_to_vendor;
mod webroot;
mod wss;
