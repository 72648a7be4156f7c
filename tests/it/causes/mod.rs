//! Whatever fails, every tool says whose fault it is, where, and what to do, in one sentence; and
//! none blames another.

mod conditions;
mod serve;
mod table;
mod tools;
