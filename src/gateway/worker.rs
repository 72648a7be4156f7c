//! Authenticates on one worker thread: tokens, access tokens, and clients at the token endpoint.

use std::rc::Rc;
use std::sync::Arc;

use super::tenants::{Entrances, Trust};
use crate::adapter::keys::TenantId;
use crate::script::call::LocalBoxFuture;
use crate::server::{Admission, Application, Grant};
use crate::tenant::oauth::{Claim, Clients, Generation, KeySource, Proof, is_access, is_signed};
use crate::tenant::token::{AuthFault, Tokens};

/// What stands behind the server on one worker thread: the tokens that all
/// threads share, and the thread's own way to the tenants.
pub(super) struct Worker {
    pub(super) tokens: Arc<Tokens>,
    pub(super) clients: Arc<Clients>,
    pub(super) documents: Arc<dyn KeySource>,
    pub(super) entrances: Rc<Entrances>,
}

impl Worker {
    /// Somebody with a token that was a tenant's is most likely that tenant's Entra.
    async fn tell_refused(&self, token: &str, fault: AuthFault) {
        use AuthFault::{Expired, Revoked, Unknown};
        if !matches!(fault, Expired | Revoked | Unknown) {
            return;
        }
        if let Some(tenant) = self.tokens.named_by(token).await {
            self.entrances.refused(&tenant);
        }
    }

    async fn by_secret(&self, client_id: &str, secret: &str) -> Identified {
        let identified = self.clients.identify(client_id, secret).await;
        if let Err(fault) = &identified {
            self.tell_refused(secret, *fault).await;
        }
        identified
    }

    async fn by_assertion(&self, client_id: &str, assertion: &str) -> Identified {
        let tenant = TenantId::parse(client_id).ok_or(AuthFault::Unknown)?;
        let trust = self.entrances.trust(&tenant)?;
        self.verify(&trust, assertion).await?;
        Ok((tenant, trust.federation.generation()))
    }

    /// A token that Entra made itself, for the tenant in the path. It is looked at each time.
    async fn by_entra(&self, named: &str, token: &str) -> Result<Rc<dyn Admission>, AuthFault> {
        let tenant = TenantId::parse(named).ok_or(AuthFault::Unknown)?;
        let trust = self.entrances.trust_in_entra(&tenant)?;
        self.verify(&trust, token).await?;
        self.entrances.open(&tenant)
    }

    async fn verify(&self, trust: &Trust, assertion: &str) -> Result<(), AuthFault> {
        let candidate = trust.federation.read(assertion)?;
        let key = trust.keys.key(&candidate.kid, &self.documents).await?;
        trust.federation.verify(&candidate, &key)
    }
}

/// Whose client it is, and by what its access tokens are obtained.
type Identified = Result<(TenantId, Generation), AuthFault>;

impl Application for Worker {
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        named: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Result<Rc<dyn Admission>, AuthFault>> {
        Box::pin(async move {
            if is_access(token) {
                let access = self.clients.admit(token).await?;
                return self.entrances.open_by(&access);
            }
            if let (true, Some(named)) = (is_signed(token), named) {
                return self.by_entra(named, token).await;
            }
            let tenant = match self.tokens.authenticate(token).await {
                Ok(tenant) => tenant,
                Err(fault) => {
                    self.tell_refused(token, fault).await;
                    return Err(fault);
                }
            };
            // A token may outlive its tenant's file: then it opens nothing.
            self.entrances.open(&tenant)
        })
    }

    fn grant<'a>(&'a self, claim: &'a Claim<'a>) -> LocalBoxFuture<'a, Result<Grant, AuthFault>> {
        Box::pin(async move {
            let (tenant, generation) = match claim.proof {
                Proof::Secret(secret) => self.by_secret(claim.client_id, secret).await?,
                Proof::Assertion(assertion) => {
                    self.by_assertion(claim.client_id, assertion).await?
                }
            };
            let admission = self.entrances.open(&tenant)?;
            Ok((admission, self.clients.grant(tenant, generation)))
        })
    }
}
