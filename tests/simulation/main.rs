//! The engine in a simulated world: one thread, one number.
//!
//! Everything a gateway meets is a model but the engine itself, its adapters, scripts and fibers.
//! From a seed follow the vendor, what Entra asks, the order in which tasks go on, faults, lost
//! replies, kills, the clock, ids and chance; so a seed that fails fails again.
//!
//! | File | Subject |
//! |---|---|
//! | `plan` | what a seed has in store |
//! | `class`, `vendor`, `history` | what vendors promise, their directory, and all it ever held |
//! | `backend` | the way to the vendor and what goes wrong on it |
//! | `store` | what is committed outlives a process |
//! | `gateway` | one process, until it is killed |
//! | `entra`, `thing`, `book` | who asks until it is answered, for what, and what was asked |
//! | `oracle`, `rest` | what is true of each answer, and in the end |
//! | `world`, `play` | what they share, and a world from beginning to rest |
//! | `runs` | many seeds, one seed again, its fewest deeds |
//! | `scenarios` | what seeds have found, so that it is found again |
//! | `mutations` | seeded bugs, each of which must be found |
//!
//! How to run it: `tests/README.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod backend;
mod book;
mod class;
#[path = "../it/harness/dice.rs"]
#[allow(dead_code)]
mod dice;
mod entra;
mod gateway;
mod history;
mod oracle;
mod plan;
mod play;
mod rest;
mod runs;
mod scenarios;
mod store;
mod thing;
mod vendor;
mod world;
