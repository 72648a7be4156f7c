//! Scimgate.

pub mod adapter;
pub mod convert;
pub mod scim;
