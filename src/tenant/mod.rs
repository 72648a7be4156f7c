//! Who calls: tenants and the tokens that name them.

pub mod token;
