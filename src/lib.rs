//! Scimgate.

pub mod adapter;
pub mod catalog;
pub mod config;
pub mod convert;
pub mod demo;
pub mod scim;
pub mod store;
pub mod tenant;
pub mod vendor;
