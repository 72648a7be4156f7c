//! The gateway from outside: real sockets, a real store file, the emulated vendor.
//!
//! | File | Subject |
//! |---|---|
//! | `harness` | a whole gateway for each test |
//! | `entra_cases` | every request Entra is known to send, from `tests/data/entra-cases.jsonl` |
//! | `faults` | what goes wrong at the vendor, on the way and in a request, and what Entra hears of it |
//! | `protocol` | RFC 7643 and RFC 7644 over sockets, against the reference adapter |
//! | `lists`, `versions` | sorting, pages, cursors, `.search`; entity tags and what a write answers |
//! | `bulk` | many operations in one request |
//! | `races` | many requests at once |
//! | `house` | a directory to run the binary in |
//! | `check_command`, `serve_command` | the binary: `check`; `token` and `serve` |
//! | `transcripts` | the vendors' transcripts, as `scimgate test` plays them |
//! | `filter_table`, `patch_table` | the tables of `tests/data`; `table` reads them |
//! | `checklist` | every requirement of RFC 7643 and RFC 7644 has a test |
//! | `filter_oracle` | our reading of filters against another one's |
//! | `fuzz_smoke` | a short run of the fuzz targets |
//! | `webroot` | tokens that end, long lists, one client for many customers |
//! | `telemetry` | metrics and traces, what must not be in them, and the way to a receiver |
//! | `wss` | writes by the job, look-ups that lag |
//! | `tidy` | the rules of the house that no compiler holds |

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bulk;
mod check_command;
mod checklist;
mod entra_cases;
mod faults;
mod filter_oracle;
mod filter_table;
mod fuzz_smoke;
#[path = "../fuzz/targets.rs"]
mod fuzz_targets;
mod harness;
mod house;
mod lists;
mod packaging;
mod patch_table;
mod probe;
mod protocol;
mod races;
mod serve_command;
mod table;
mod telemetry;
mod tidy;
mod transcripts;
mod versions;
mod webroot;
mod wss;
