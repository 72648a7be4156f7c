//! What is asked at the admin port, read and complete.

use jiff::Timestamp;
use serde_json::Value;

use super::bodies::{Hidden, Onboard};
use crate::adapter::keys::TenantId;
use crate::tenant::stored::{Customer, Service};
use crate::tenant::token::KeyId;
use crate::tenant::token::onboarding::Scope;

/// One request, as the table of routes reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// What runs, what lies on disk, how every tenant is doing.
    Status,
    /// What a reload would change.
    Diff,
    /// All tenants.
    Tenants,
    /// One of them.
    Tenant(TenantId),
    /// Its provisioning log, or everybody's.
    Events {
        /// Whose; `None` is everybody's.
        tenant: Option<TenantId>,
        /// Which of them.
        query: Vec<(String, String)>,
    },
    /// The story of one request, by its id.
    Event(String),
    /// What is kept of its tokens.
    Tokens(TenantId),
    /// What requests would lead to.
    DryRun {
        /// Whose requests.
        tenant: TenantId,
        /// As `scimgate dry-run` reads them from a file.
        requests: String,
        /// Whether the vendor may be asked what changes nothing there.
        read: bool,
    },
    /// A new token.
    Mint {
        /// Whose.
        tenant: TenantId,
        /// When it ends; `None` is never, of a client secret two years.
        expires: Option<Timestamp>,
        /// Whether it is to be a secret of the tenant's OAuth client.
        oauth: bool,
    },
    /// The end of a token.
    Revoke {
        /// Whose.
        tenant: TenantId,
        /// Which.
        key: KeyId,
    },
    /// A tenant as it is written, without its secrets.
    Definition(TenantId),
    /// A new tenant in the store.
    AddTenant {
        /// Its name.
        tenant: TenantId,
        /// What its file would say.
        document: Hidden,
    },
    /// Another version of one.
    ChangeTenant {
        /// Which.
        tenant: TenantId,
        /// What is to be other.
        patch: Hidden,
    },
    /// Whether it is served.
    Serve {
        /// Which.
        tenant: TenantId,
        /// From now on.
        service: Service,
    },
    /// A customer of a vendor whose console asks.
    Onboard {
        /// What the console may do.
        scope: Scope,
        /// Who, and how.
        body: Box<Onboard>,
    },
    /// How a customer's tenant stands.
    Customer {
        /// What the console may do.
        scope: Scope,
        /// Whose.
        customer: Customer,
    },
    /// The end of a customer's token.
    EndToken {
        /// What the console may do.
        scope: Scope,
        /// Whose.
        customer: Customer,
        /// Which.
        key: KeyId,
    },
    /// Loading everything again.
    Reload {
        /// Although a guard refused it.
        force: bool,
    },
    /// The configuration in force.
    Config,
    /// What administrators did.
    Audit,
    /// This port's table of routes.
    Routes,
}

impl Ask {
    /// The tenant it is about, where it is about one.
    pub(super) fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Tenant(tenant)
            | Self::Tokens(tenant)
            | Self::DryRun { tenant, .. }
            | Self::Definition(tenant)
            | Self::AddTenant { tenant, .. }
            | Self::ChangeTenant { tenant, .. }
            | Self::Serve { tenant, .. }
            | Self::Mint { tenant, .. }
            | Self::Revoke { tenant, .. } => Some(tenant),
            Self::Events { tenant, .. } => tenant.as_ref(),
            Self::Event(_)
            | Self::Status
            | Self::Diff
            | Self::Tenants
            | Self::Onboard { .. }
            | Self::Customer { .. }
            | Self::EndToken { .. }
            | Self::Reload { .. }
            | Self::Config
            | Self::Audit
            | Self::Routes => None,
        }
    }

    /// What a write is done to, as far as the request says.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Revoke { key, .. } | Self::EndToken { key, .. } => key.to_string(),
            _ => String::new(),
        }
    }
}

/// What was asked for, and what the audit notes of a write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// The answer's body; null is none.
    pub body: Value,
    /// What came to be by it, such as a token's key id.
    pub made: Option<String>,
    /// Whose, where the request did not say.
    pub tenant: Option<TenantId>,
    /// Hash of what was there before.
    pub before: Option<String>,
    /// Hash of what is there now.
    pub after: Option<String>,
}

impl From<Value> for Answered {
    fn from(body: Value) -> Self {
        Self {
            body,
            ..Self::default()
        }
    }
}
