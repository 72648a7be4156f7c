//! Scimgate.

pub mod adapter;
pub mod convert;
pub mod demo;
pub mod scim;
