//! OAuth 2.0 towards a vendor (RFC 6749): who calls, and the token to call with.
//!
//! [`token_request`] is the wire: what is asked of the token endpoint and what its answer
//! means. [`shared`] is the rule above it: one grant for all who wait for it.

mod shared;
mod token_request;

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

use hyper::Uri;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::destination::Destination;
use super::pool::Connections;
use crate::adapter::manifest::ClientPlace;
use crate::provisioning::trace::Story;
pub use shared::AccessTokens;
use shared::Shared;
pub(super) use shared::{Denied, Issued};

/// One client at one token endpoint, and the tokens it has been given.
///
/// Made by [`AccessTokens::share`]: equal clients share their tokens, others never.
#[derive(Clone)]
pub struct OAuth2 {
    client: Arc<OAuth2Client>,
    shared: Arc<Shared>,
}

/// Who asks, and how.
pub struct OAuth2Client {
    /// The token endpoint, whole.
    pub token_url: Uri,
    /// What the token is asked for with.
    pub grant: Grant,
    /// Where id and secret stand in the request.
    pub place: ClientPlace,
    /// RFC 6749 §2.2.
    pub client_id: SecretString,
    /// RFC 6749 §2.3.1.
    pub client_secret: SecretString,
    /// RFC 6749 §3.3; the endpoint's default if `None`.
    pub scope: Option<String>,
}

/// The full grant; a refresh token goes before it while there is one.
pub enum Grant {
    /// RFC 6749 §4.3.
    Password {
        /// The service account.
        username: SecretString,
        /// Its password.
        password: SecretString,
    },
    /// RFC 6749 §4.4.
    ClientCredentials,
}

/// How far back another token goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// By the refresh token if there is one and it is taken, else in full.
    Refresh,
    /// In full: the refreshed token was refused too.
    Full,
}

/// What a token request goes over.
pub(super) struct Way<'a> {
    pub(super) connections: &'a Connections,
    pub(super) to: &'a Destination,
    /// Of the request that needs the token.
    pub(super) story: Option<&'a Story>,
    /// When the answer must be there.
    pub(super) ends: Instant,
}

impl OAuth2 {
    /// A token to call with. Asked for early, so that none ends on its way; near the end of one
    /// only the first caller renews it and the others go on with it.
    pub(super) async fn token(&self, way: &Way<'_>) -> Result<Arc<Issued>, Denied> {
        let held = self.shared.current();
        let now = Instant::now();
        match held {
            Some(token) if token.is_fresh(now) => Ok(token),
            Some(token) if token.is_good(now) => match self.shared.try_turn() {
                Some(turn) => {
                    let renewed = self.renew(turn, Some(&token), Renewal::Refresh, way).await;
                    renewed.or(Ok(token))
                }
                None => Ok(token),
            },
            held => self.renewed(held.as_ref(), Renewal::Refresh, way).await,
        }
    }

    /// Another token, in place of one that the vendor refused.
    pub(super) async fn instead_of(
        &self,
        refused: &Arc<Issued>,
        renewal: Renewal,
        way: &Way<'_>,
    ) -> Result<Arc<Issued>, Denied> {
        self.renewed(Some(refused), renewal, way).await
    }

    async fn renewed(
        &self,
        old: Option<&Arc<Issued>>,
        renewal: Renewal,
        way: &Way<'_>,
    ) -> Result<Arc<Issued>, Denied> {
        let turn = self.shared.turn(way.ends).await?;
        self.renew(turn, old, renewal, way).await
    }

    async fn renew(
        &self,
        turn: shared::Turn<'_>,
        old: Option<&Arc<Issued>>,
        renewal: Renewal,
        way: &Way<'_>,
    ) -> Result<Arc<Issued>, Denied> {
        if let Some(settled) = turn.settled(old) {
            return settled;
        }
        let issued = self.client.ask(old, renewal, way).await;
        turn.settle(issued)
    }

    /// Tells clients apart without keeping a secret.
    pub(super) fn hash_into(&self, hasher: &mut impl Hasher) {
        self.client.hash(hasher);
    }
}

/// All that makes two clients the same, secrets included: whoever writes another password
/// gets no token by the right one.
impl Hash for OAuth2Client {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.token_url.hash(hasher);
        self.place.hash(hasher);
        self.client_id.expose_secret().hash(hasher);
        self.client_secret.expose_secret().hash(hasher);
        self.scope.hash(hasher);
        if let Grant::Password { username, password } = &self.grant {
            username.expose_secret().hash(hasher);
            password.expose_secret().hash(hasher);
        }
    }
}

impl OAuth2Client {
    /// 128 bits under keys of this process: as good as the values themselves.
    fn fingerprint(&self, keys: &[RandomState; 2]) -> [u64; 2] {
        keys.each_ref().map(|key| key.hash_one(self))
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth2(***)")
    }
}
