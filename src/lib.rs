//! Scimgate.

pub mod adapter;
pub mod config;
pub mod scim;
pub mod store;
pub mod tenant;
