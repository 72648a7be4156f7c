//! Every number of the front door, in one place, so that tests can shorten them.

use std::time::Duration;

/// What the server grants. The defaults are those of a gateway on the open
/// internet; reliability of Entra's side decides the rest: it gives up after
/// 60 s, so a request must end well before.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections in total.
    pub connections: usize,
    /// Open connections from one network (IPv4 /24, IPv6 /56).
    pub connections_per_source: usize,
    /// Requests being worked on in total, writes that outlive their client included.
    pub in_flight: usize,
    /// What one tenant may take.
    pub tenant: TenantLimits,
    /// Bytes of one request body.
    pub body_bytes: usize,
    /// Bytes of all request bodies in work, and of what they are read into.
    pub body_budget: usize,
    /// The whole TLS handshake.
    pub handshake: Duration,
    /// From the connection to its first bytes: enough of them to tell HTTP/1 from HTTP/2.
    pub first_bytes: Duration,
    /// From the first to the last byte of an HTTP/1 request head.
    pub head: Duration,
    /// A whole request body.
    pub body: Duration,
    /// How far a body may fall behind [`pace`](Self::pace).
    pub body_delay: Duration,
    /// Bytes a second in which bodies must come and answers must be taken.
    pub pace: u32,
    /// How far a connection may fall behind that in taking an answer.
    pub stall: Duration,
    /// A connection on which no request had a good token yet.
    pub stranger: Duration,
    /// A connection without a request. Longer than an ingress keeps its own
    /// (nginx: 60 s), or it would send requests into a closing connection.
    pub idle: Duration,
    /// Age at which a connection is ended between requests, so that load spreads again.
    pub age: Duration,
    /// A request, from its head to the answer.
    pub request: Duration,
    /// A write, also when nobody waits for it any more.
    pub write: Duration,
    /// How long new connections and requests are still taken when the gateway stops, so that
    /// whoever sends them can notice.
    pub farewell: Duration,
    /// What is running after that: longer than a [`write`](Self::write).
    pub drain: Duration,
    /// How long to read on after the last answer of a connection, so that a
    /// refused body does not destroy the refusal on its way (RFC 9112 §9.6).
    pub linger: Duration,
}

/// What one tenant may take. Microsoft asks for at least 25 requests a second.
#[derive(Clone, Copy, Debug)]
pub struct TenantLimits {
    /// Requests a second, on average.
    pub per_second: u32,
    /// Requests at once before the average counts.
    pub burst: u32,
    /// Requests being worked on.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_source: 128,
            in_flight: 4096,
            tenant: TenantLimits::default(),
            body_bytes: 1024 * 1024,
            body_budget: 32 * 1024 * 1024,
            handshake: Duration::from_secs(5),
            first_bytes: Duration::from_secs(5),
            head: Duration::from_secs(10),
            body: Duration::from_secs(15),
            body_delay: Duration::from_secs(5),
            pace: 16 * 1024,
            stall: Duration::from_secs(15),
            stranger: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            age: Duration::from_secs(600),
            request: Duration::from_secs(45),
            write: Duration::from_secs(60),
            farewell: Duration::from_secs(1),
            drain: Duration::from_secs(62),
            linger: Duration::from_secs(1),
        }
    }
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self {
            per_second: 50,
            burst: 200,
            in_flight: 64,
        }
    }
}
