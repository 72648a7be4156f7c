//! What a request does: one SCIM operation, from its plan to its answer.
//!
//! A write is a plan ([`plan`]) that is judged before its first write and carried out by one
//! executor ([`run`]), the only one that changes something at the vendor.
//!
//! - the walk of each request: [`query`] and [`search`] (reading), [`create`], [`change`] (PATCH
//!   and PUT), [`delete`], [`bulk()`] (many of them), [`recreate`] (what a vendor removes by itself);
//! - what a write takes: [`wish`], [`locks`], [`lease`] (how long they are a replica's), [`name`] and [`names`] (values that name an object),
//!   [`intent`], [`intents`] and [`evidence`] (creates whose reply may be lost), [`making`] and [`make`] (creating once), [`adopt`] (what an
//!   earlier try made), [`look`] (for objects by name), [`settle`] (what an ended process left open);
//! - [`verify`]: whether what the tenant is set up with works at the vendor;
//! - members of groups: [`members`], [`exclusive`] (one group a user), [`suspend`] (users who are
//!   switched off);
//! - the script's functions: [`reads`], [`writes`], called on a fiber by [`calls`]; [`batch`]
//!   gathers writes that go to the vendor by the job;
//! - [`process`]: the date, random ids and the name of this run of the program;
//! - ids and references: [`identity`], [`ids`], [`references`]; [`recent`] and [`lagging`] for
//!   vendors whose look-ups do not see what was just written;
//! - [`memory`]: the trait that `store` implements; [`view`]: the SCIM response; [`trace`]: what
//!   one request did; [`outcome`]: why a step was not carried out.

mod active;
mod adopt;
pub mod batch;
mod bulk;
mod calls;
mod change;
mod create;
mod delete;
mod evidence;
mod exclusive;
mod fence;
mod held;
mod identity;
pub mod ids;
pub mod intent;
pub mod intents;
mod lagging;
pub mod lease;
pub mod locks;
mod look;
mod make;
mod making;
mod members;
pub mod memory;
pub mod name;
mod names;
mod noted;
mod notes;
pub mod operation;
mod outcome;
mod pages;
mod plan;
pub mod process;
mod query;
mod reads;
pub mod recent;
mod recreate;
mod references;
mod run;
mod search;
mod settle;
mod suspend;
pub mod trace;
mod verify;
mod view;
mod wish;
mod writes;

pub use bulk::bulk;
pub use calls::TRACE_ONLY;
pub use operation::Operation;
pub use process::Process;
