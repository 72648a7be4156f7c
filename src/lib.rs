//! stub
pub mod scim;
