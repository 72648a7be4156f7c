//! Scimgate.

pub mod adapter;
pub mod scim;
