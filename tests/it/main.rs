//! The gateway from outside: real sockets, a real store file, the emulated vendor.
//!
//! | File | Subject |
//! |---|---|
//! | `harness` | a whole gateway for each test |
//! | `entra_cases` | every request Entra is known to send, from `tests/data/entra-cases.jsonl` |
//! | `faults` | what goes wrong at the vendor, on the way and in a request, and what Entra hears of it |
//! | `races` | many requests at once |
//! | `house` | a directory to run the binary in |
//! | `check_command`, `serve_command` | the binary: `check`; `token` and `serve` |
//! | `transcripts` | the vendors' transcripts, as `scimgate test` plays them |
//! | `webroot` | tokens that end, long lists, one client for many customers |
//! | `tidy` | the rules of the house that no compiler holds |

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod check_command;
mod entra_cases;
mod faults;
mod harness;
mod house;
mod races;
mod serve_command;
mod tidy;
mod transcripts;
mod webroot;
