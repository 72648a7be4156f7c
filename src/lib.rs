//! Scimgate stands between SCIM clients (Microsoft Entra ID first) and vendors'
//! own user APIs. One binary, many tenants on one port; what differs between
//! vendors is data: a manifest and a mapping script that may change while the
//! gateway runs.
//!
//! # The walk of a request
//!
//! One function, `server/handle.rs`, from top to bottom:
//!
//! 1. **connection**: accepted by a worker thread, on which everything of it
//!    stays; TLS; the edge of `server/edge.rs` (request id, trace,
//!    rescue, shed, deadline);
//! 2. **authenticate**: the bearer token names the tenant, before the body is
//!    read; then the tenant's own limits;
//! 3. **decode**: a bounded body becomes a [`scim::Request`], or many of them in a
//!    [`scim::Bulk`], or is refused with nothing sent anywhere;
//! 4. **operation** ([`provisioning`]): a write is translated by the compiled
//!    table ([`adapter::mapping`]) and planned under its locks; what can be
//!    refused is refused while nothing has changed; a create is written down;
//!    then one executor takes step after step, each a function of the vendor's
//!    script on a fiber ([`script`]);
//! 5. **vendor call**: the fiber suspends, [`vendor`] carries the call out, the
//!    fiber goes on with the reply;
//! 6. what the vendor holds, and what only we remember ([`store`]), becomes the
//!    resource Entra sees (`provisioning/view.rs`), and **encode** writes
//!    it out. A failure keeps its meaning and becomes an answer in one place,
//!    `server/rescue.rs`.
//!
//! # The map
//!
//! | folder | subject |
//! |---|---|
//! | [`cli`] | one verb a file; each only wires |
//! | [`config`] | the configuration; `config.default.toml` is its reference |
//! | [`gateway`] | open, run, drain: the one place where the parts meet |
//! | [`server`] | Entra's side: listener, edge, the walk; the ports for probes and administration |
//! | [`catalog`] | adapters and tenants, loaded through one door, again whenever they change, and what is wrong with them |
//! | [`tenant`] | tenants, their files, tokens and OAuth clients |
//! | [`provisioning`] | what a request does: plan, judge, run; locks, names, intents, members, batches, trace |
//! | [`adapter`] | what a vendor declares: manifest, table, script as written |
//! | [`script`] | how a script runs: engine, fiber, host functions, vendor calls and their faults |
//! | [`scim`] | RFC 7643 and RFC 7644, pure |
//! | [`convert`] | countries, languages, telephone numbers, time zones, text |
//! | [`vendor`] | the vendor's side of the network: connections, limits, retries, breakers |
//! | [`store`] | what the vendor cannot remember, and the provisioning log: SQLite, PostgreSQL |
//! | [`transcript`] | a vendor's conversation in one file, played by `scimgate test` |
//! | [`dry_run`] | what requests would lead to, with nothing sent |
//! | [`lint`] | what works in the files and is probably not what was meant |
//! | [`problem`] | what is wrong with a file somebody wrote: place, reason, remedy |
//! | [`limiter`] | how often something may happen |
//! | [`turns`] | who runs next on a thread where something takes long |
//! | [`telemetry`] | log lines, metrics, traces |
//! | [`probe`] | Entra's questions to any SCIM endpoint |
//! | `demo` | the guided demonstration, on the vendors' emulators of `tests/emulators`; a feature of that name, which the image goes without |
//!
//! Dependencies point one way: `cli → gateway → server → tenant → provisioning →
//! adapter → script → scim`, with `catalog`, `store` and `vendor` beside `server`.
//! `vendor` and `store` implement traits that `script`, `provisioning` and `tenant`
//! own, `telemetry` those of whoever has something to tell; only `cli` and `gateway`
//! know it. A test (`tests/it/tidy.rs`) holds the arrows, and that the files of
//! some rooms use each other in no circle.
//!
//! # Invariants
//!
//! - `scim` is pure: no async, no clock, no I/O, no script.
//! - Scripts never do I/O themselves: they ask, and their fiber suspends.
//! - One generation of the catalog serves a request from start to end.
//! - No key of a cache, lock, table or limiter exists without its tenant, but
//!   for the tokens', which are what names the tenant, and for a vendor's access
//!   tokens, which belong to whoever holds all of the same secrets.
//! - A bad reload changes nothing: what fails keeps its last good version.
//! - What fails to load at the start is left out and told; the rest is served,
//!   and to what is left out the answer is 503, for its tokens are good.
//! - Secrets have no `Display`, and a `Debug` that shows nothing.
//! - A vendor's fault, or ours, never becomes 401, 403 or 404.
//! - What became of a request is noted in one place, its story, without a person's data;
//!   log, `explain` and metrics are told from there, and no request waits for them.
//! - A write is acknowledged only after the vendor applied it.
//! - A refused request has changed nothing, but for the disabling of an account, which stands.
//! - Nothing is created before an intent is committed, and only an intent makes an object that is
//!   found the request's own.
//! - No write is repeated whose first try may have been carried out, unless the
//!   vendor documents that repeating it does no harm.

pub mod adapter;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod convert;
#[cfg(feature = "demo")]
pub mod demo;
pub mod dry_run;
pub mod gateway;
pub mod limiter;
pub mod lint;
pub mod probe;
pub mod problem;
pub mod provisioning;
pub mod scim;
pub mod script;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tenant;
pub mod transcript;
pub mod turns;
pub mod vendor;

/// Tests count memory as the program does.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: script::Counting<std::alloc::System> = script::Counting(std::alloc::System);
