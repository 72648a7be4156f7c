//! stub
pub mod demo;
