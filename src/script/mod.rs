//! How a vendor's script runs.
//!
//! - [`compile`], [`check`] and [`kinds`]: from a source as written to a [`program`], which is called; on
//!   the [`engine`], whose functions are those of [`host`];
//! - [`fiber`]: the coroutine it runs on, which suspends at each vendor call;
//! - [`call`]: that call, its reply, and the [`Backend`](call::Backend) that `vendor` implements;
//! - [`replies`]: what replies mean; [`xml`]: those of vendors that speak XML;
//! - [`limits`], `natives`, `brake`: how large values get, which functions of the language there
//!   are, and what becomes of a script that runs into its limits;
//! - [`once`]: what look-ups of scripts are kept for a while;
//! - [`effects`]: whether calls may have changed something at the vendor;
//! - [`environment`]: what a script sees of its vendor and tenant, for the rooms above to provide;
//! - [`pieces`]: a source as words and signs, for what rhai's parser does not tell;
//! - [`definitions`]: files by which editors know what a script can call;
//! - [`fault`] and [`origin`]: what went wrong, by whose fault, and where it arose; `discreet`: what
//!   of it may be told;
//! - [`own_faults`]: its own mistakes pass through `catch`; [`printed`]: what it prints;
//! - [`watch`] and [`marks`]: which parts of an adapter were used, for coverage.

pub(crate) mod brake;
pub mod call;
mod check;
mod compile;
pub mod definitions;
mod discreet;
pub(crate) mod effects;
pub mod engine;
pub(crate) mod environment;
pub mod fault;
pub(crate) mod fiber;
pub mod host;
mod kinds;
pub(crate) mod limits;
pub(crate) mod marks;
mod natives;
pub mod once;
pub mod origin;
mod own_faults;
pub(crate) mod pieces;
pub(crate) mod printed;
pub mod program;
pub mod replies;
pub(crate) mod watch;
pub mod xml;

pub(crate) use compile::LOAD_CPU;
pub use fiber::memory::Counting;
