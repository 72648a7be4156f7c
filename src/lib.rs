//! Scimgate.

pub mod adapter;
pub mod scim;
pub mod vendor;
