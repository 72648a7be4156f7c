//! What kind of failure ended a request: whose it was, and what to do about it.

use serde::{Deserialize, Serialize};

use crate::script::fault::{Failure, GatewayFault, VendorFault};

/// What kind of failure ended a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The request cannot be carried out as it stands: Entra's administrator can act on it.
    Client,
    /// The vendor answered an error, or what cannot be used.
    Vendor,
    /// The vendor could not be reached.
    Unreachable,
    /// The vendor did not confirm a change.
    Unconfirmed,
    /// The vendor asks to wait, or the tenant's own limits do.
    Busy,
    /// The vendor refuses the gateway's credential.
    Credential,
    /// The vendor accepts the credential, which lacks a right.
    Permission,
    /// What the tenant is set up with does not work at the vendor.
    Setup,
    /// The adapter's script is wrong.
    Script,
    /// The store cannot be read or written.
    Store,
    /// The request took longer than it may.
    Late,
    /// The gateway has too much to do.
    Overloaded,
    /// The tenant's files could not be loaded.
    Files,
    /// A defect of the gateway.
    Gateway,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Client,
        Self::Vendor,
        Self::Unreachable,
        Self::Unconfirmed,
        Self::Busy,
        Self::Credential,
        Self::Permission,
        Self::Setup,
        Self::Script,
        Self::Store,
        Self::Late,
        Self::Overloaded,
        Self::Files,
        Self::Gateway,
    ];

    /// The kind of a failure.
    pub fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Client(_) => Self::Client,
            Failure::Script(_) => Self::Script,
            Failure::Vendor(fault, _) => match fault {
                VendorFault::Unreachable => Self::Unreachable,
                VendorFault::UnknownOutcome => Self::Unconfirmed,
                VendorFault::Unusable | VendorFault::Expired => Self::Vendor,
                VendorFault::Busy { .. } => Self::Busy,
                VendorFault::Credential { .. } => Self::Credential,
                VendorFault::Forbidden { .. } => Self::Permission,
                VendorFault::Setup { .. } => Self::Setup,
            },
            Failure::Gateway(fault) => match fault {
                GatewayFault::Overloaded => Self::Overloaded,
                GatewayFault::DeadlineExceeded => Self::Late,
                GatewayFault::StoreUnavailable(_) => Self::Store,
                GatewayFault::TenantUnavailable => Self::Files,
                GatewayFault::Internal => Self::Gateway,
            },
        }
    }

    /// Whose failure it is, in words.
    pub fn whose(self) -> &'static str {
        match self {
            Self::Client => "the request",
            Self::Vendor | Self::Unreachable | Self::Unconfirmed | Self::Busy => "the vendor",
            Self::Credential | Self::Permission => "the tenant's vendor credential",
            Self::Setup => "the tenant's setup",
            Self::Script => "the adapter's script",
            Self::Store => "the gateway's store",
            Self::Files => "the tenant's files",
            Self::Late | Self::Overloaded | Self::Gateway => "the gateway",
        }
    }

    /// What somebody should do about it, in `tenant` of `vendor`.
    pub fn remedy(self, tenant: &str, vendor: &str) -> String {
        let there = format!(
            "in tenants/{tenant}.toml, or with `scimgate tenant change {tenant}` if the tenant is in the store"
        );
        match self {
            Self::Client => {
                "Correct the value in the directory, or the attribute mapping in Entra.".to_owned()
            }
            Self::Vendor => format!(
                "If this started without a change of yours, give the vendor the time of this request. If it always happens, correct the place named in scripts/{vendor}.rhai, or [replies] in adapters/{vendor}.toml."
            ),
            Self::Unreachable => format!(
                "Check that the vendor is up, and the network and proxy on the way. If base_url is wrong, correct it {there}."
            ),
            Self::Unconfirmed => "Nothing at first: before the change is sent again, the gateway checks whether it was made. If this happens often, ask the vendor why its answers get lost.".to_owned(),
            Self::Busy => format!(
                "Nothing if it stops by itself. If it lasts, set limits to what the vendor allows, {there}."
            ),
            Self::Credential => format!(
                "Replace the vendor's credential {there}. The token in Entra is fine."
            ),
            Self::Permission => format!(
                "Give the vendor credential of the tenant {tenant} the rights that adapters/{vendor}.md names. The token in Entra is fine."
            ),
            Self::Setup => format!(
                "Correct it at the vendor, as adapters/{vendor}.md says; or {there}. `scimgate tenant test {tenant}` looks again."
            ),
            Self::Script => format!(
                "Correct scripts/{vendor}.rhai at the place named, and run `scimgate test {vendor}`."
            ),
            Self::Store => {
                "Make the store usable again: check the free space on its disk, its permissions, or the connection to its database. `scimgate status` shows when it works.".to_owned()
            }
            Self::Late => "See in the steps of a request (`scimgate explain`) what took the time: calls to the vendor, waiting for its limits, or other requests for the same object.".to_owned(),
            Self::Overloaded => "Give the gateway more processors or memory, or let Entra send less at once.".to_owned(),
            Self::Files => {
                "`scimgate status` says whether the tenant is disabled, or what is wrong with its files or its adapter.".to_owned()
            }
            Self::Gateway => "This is a defect of the gateway: report it with the log lines of this request id.".to_owned(),
        }
    }
}
