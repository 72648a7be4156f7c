//! Emulators of the vendors' own user APIs: real sockets, in memory, faults on demand.
//!
//! An emulator knows its vendor's contract and nothing of SCIM, of adapters or of the gateway's
//! code: shared code would share its misreadings, and a test against it would prove nothing.
//!
//! [`kit`] is what every emulator has (server, journal, faults, clock, counters, control port);
//! one module a vendor is the state machine behind it.

pub mod kit;
pub mod paloalto;
pub mod reference;
pub mod sosafe;
#[cfg(test)]
mod testing;
pub mod webroot;
pub mod wedo;
pub mod wss;
