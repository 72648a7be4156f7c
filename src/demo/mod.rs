//! Things to try the gateway with: the guided demonstration, on emulators of the vendors' APIs.
//!
//! Only `cli/` and the tests use this folder. Nothing in it is on the path of a request.
//!
//! | Part | Subject |
//! |---|---|
//! | [`emulator`] | the vendors |
//! | [`entra`] | the identity provider |
//! | [`wanted`] | the directory it synchronises |
//! | [`vendors`] | what must stand at each vendor in the end |
//! | [`stand`], [`guide`] | a gateway between the two, and the play |
//! | [`ledger`], [`report`] | what was done, and whether it came out right |

pub mod entra;
mod files;
pub mod guide;
pub mod ledger;
pub mod report;
pub mod stand;
#[cfg(test)]
mod tests;
pub mod vendors;
pub mod wanted;

pub use scimgate_emulators as emulator;
