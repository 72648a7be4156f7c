//! The mapping: a script's attribute table, compiled. Both directions of the
//! translation, the filterable attributes and `/Schemas` come from the same
//! rows, and no script runs on the hot path except custom closures.

mod compile;
mod convert;
mod converter;
mod described;
mod extra;
mod field;
mod lint;
mod read;
mod remember;
mod row;
mod samples;
mod seen;
mod table;
mod template;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod write;

pub(crate) use compile::{Source, compile, with_custom};
pub(crate) use converter::{Closures, Refusal};
pub use described::Described;
pub(crate) use extra::{add_extra, extra_of};
pub(crate) use read::{Reading, id_in};
pub(crate) use remember::{NotTaken, assemble, finish, update_overrides};
pub(crate) use row::Row;
pub(crate) use samples::Failed;
pub use table::Mapping;
pub(crate) use write::{Change, Native, Purpose, Written};
