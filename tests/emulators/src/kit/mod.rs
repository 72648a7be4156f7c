//! What every emulator has, whatever the vendor: a server, a journal, faults, a clock, a control port.
//!
//! A vendor is one [`Vendor`] implementation: a synchronous state machine from [`Call`] to
//! [`Answer`]. The kit gives it sockets, latency, locks, faults and book-keeping.
//!
//! The walk of a call (`serve`): read → journal → faults before the work → lock → latency →
//! [`Vendor::answer`] → faults after the work → write. The work goes on when the caller hangs up,
//! as a real vendor's does.

mod base64;
mod body;
mod clock;
mod control;
mod counters;
mod emulator;
mod fault;
mod journal;
mod port;
mod rate;
mod route;
mod serve;
mod shared;
#[cfg(test)]
mod tests;
mod vendor;

pub use base64::{base64, basic};
pub use clock::Clock;
pub use counters::Counters;
pub use emulator::{Emulator, Options};
pub use fault::{Action, Drip, Fault, Match, Status};
pub use journal::JournalEntry;
pub use port::{free_port, refusing_address};
pub use rate::{Bucket, Rate, RateLimiter};
pub use route::{NO_SUCH_PATH, Route, WRONG_METHOD};
pub use vendor::{Answer, Call, Refused, Vendor};
