//! Whatever fails, every tool says whose fault it is, where, and what to do, in one sentence; and
//! none blames another.

mod serve;
mod table;
mod tools;
