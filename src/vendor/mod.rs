//! The vendor's side of the network: how a tenant's calls reach its vendor.
//!
//! ```text
//! Network::call        impl adapter::Backend, one tenant
//!   client.rs          the walk of a call: places, breakers, retries, rates, one try
//!   exchange.rs        one try on the wire: head out, bounded reply in (intake.rs) without what
//!                      was secret in the request (blot.rs), who knows what was sent
//!   observer.rs        who hears of each try, for metrics and traces
//!   pool.rs            connections, one set per tenant and worker thread (connect.rs, tls.rs, egress.rs)
//!   destination.rs     where a tenant's calls go, and as whom (credential.rs, key_exchange.rs, oauth2/, path.rs)
//!   state.rs           what all threads share and what outlives a reload:
//!                      breaker.rs, refusal.rs, retry.rs, rate.rs, places.rs
//! ```
//!
//! One rule runs through all of it: a fault says whether the vendor *may* have
//! carried the call out. What is not known counts as carried out.

mod blot;
mod breaker;
mod client;
mod connect;
mod credential;
mod destination;
mod document;
mod egress;
mod exchange;
mod intake;
mod key_exchange;
mod network;
mod oauth2;
mod observer;
mod path;
mod places;
mod pool;
mod rate;
mod refusal;
mod retry;
mod state;
mod tls;
mod verdict;
mod window;

#[cfg(test)]
mod tests;

pub use credential::Credential;
pub use destination::Destination;
pub use document::Documents;
pub use key_exchange::KeyExchange;
pub use network::Network;
pub use oauth2::{AccessTokens, Grant, OAuth2, OAuth2Client};
pub use observer::{CallObserver, Try};
pub use pool::Pool;
pub use state::{VendorStanding, VendorState};
pub use tls::{TlsError, TlsOptions};
