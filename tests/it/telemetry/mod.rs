//! What the gateway tells of itself.

mod documented;
mod metrics;
mod receiver;
mod traces;
