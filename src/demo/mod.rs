//! Things to try the gateway with: emulators of the vendors' APIs, and the guided demo that runs on them.
//!
//! Only `cli/` and the tests use this folder. Nothing in it is on the path of a request.

pub mod emulator;
pub mod entra;
pub mod wanted;
