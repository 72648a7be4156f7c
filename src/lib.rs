//! Scimgate.

pub mod adapter;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod convert;
pub mod demo;
pub mod gateway;
pub mod scim;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tenant;
pub mod transcript;
pub mod vendor;
