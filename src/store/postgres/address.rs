//! Where the database is and how we present ourselves.

use std::fmt;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_postgres::Config;

use super::tls::Tls;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Silence after which a connection is tested, so that a dead one is noticed.
const IDLE: Duration = Duration::from_secs(10);
/// How long the network may leave a packet unanswered.
const UNANSWERED: Duration = Duration::from_secs(10);

/// Where a PostgreSQL database is, as whom we come, and whom we take for it.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

/// A text that is no address. What it says is not told: it holds a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "it holds no PostgreSQL URL; write postgres://user:password@host:5432/database, with \
     ?sslmode=require where the way leads over a network; sslmode, connect_timeout, \
     target_session_attrs and the like may follow, sslrootcert may not: that is store.postgres_ca"
)]
pub struct AddressFault;

impl Address {
    /// Reads `url`, such as `postgres://scimgate:secret@db.example.com/vendor?sslmode=require`.
    /// Where TLS is spoken, `tls` says whom to believe.
    ///
    /// # Errors
    /// It is no such URL.
    pub fn parse(url: &str, tls: ClientConfig) -> Result<Self, AddressFault> {
        let mut config: Config = url.trim().parse().map_err(|_| AddressFault)?;
        if config.get_hosts().is_empty() {
            return Err(AddressFault);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.keepalives_idle(IDLE).tcp_user_timeout(UNANSWERED);
        if config.get_application_name().is_none() {
            config.application_name("scimgate");
        }
        Ok(Self {
            config,
            tls: Tls::new(tls),
        })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(***)")
    }
}
