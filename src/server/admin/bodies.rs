//! What requests bring and answers hold, for programs and for the document that describes them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::adapter::keys::TenantId;
use crate::tenant::stored::{Customer, Service};

/// An object that may hold secrets: nobody prints it by accident.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub Map<String, Value>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(***)")
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mint {
    /// When it ends; null is never, of a client secret two years.
    #[serde(default)]
    pub(super) expires: Option<Timestamp>,
    /// A secret of the tenant's OAuth client instead of a token.
    #[serde(default)]
    pub(super) oauth: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRun {
    /// The text of a file for `scimgate dry-run`.
    pub(super) requests: String,
    /// Whether the vendor may be asked what changes nothing there.
    #[serde(default)]
    pub(super) read: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTenant {
    /// Its name, which it keeps.
    pub(super) name: TenantId,
    /// What a tenant's file would say.
    #[schemars(with = "TenantDocument")]
    pub(super) tenant: Hidden,
}

/// A tenant as an object: the keys of a tenant's file. In a change, null takes a key away.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "only described; the tenant's adapter says what fits"
)]
pub(super) struct TenantDocument {
    /// The adapter's name.
    adapter: Option<String>,
    /// The address of the vendor's API.
    base_url: Option<String>,
    /// Whose dialect of SCIM it speaks.
    profile: Option<String>,
    /// What the adapter asks of a tenant.
    settings: Option<Map<String, Value>>,
    /// By part: the secret itself, which is stored encrypted, or its place.
    credential: Option<BTreeMap<String, Secret>>,
    /// How much the vendor takes.
    limits: Option<BTreeMap<String, u32>>,
    /// How the vendor's groups are dealt with.
    groups: Option<Map<String, Value>>,
    /// Whose assertions its OAuth client may show.
    federation: Option<Map<String, Value>>,
    /// Which tokens that Entra makes itself are good for it.
    entra_tokens: Option<Map<String, Value>>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described")]
enum Secret {
    /// The secret.
    Text(String),
    /// A file below catalog.secrets, or an environment variable that begins with VENDOR_.
    Place(SecretPlace),
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described")]
enum SecretPlace {
    File(String),
    Env(String),
}

/// A token or a client secret that was made. It is in this answer and nowhere else.
#[derive(Serialize, JsonSchema)]
pub struct Minted {
    /// Its key id, to end it by.
    pub key: String,
    /// What to enter in Entra.
    pub tenant_url: String,
    /// The token; of a client, its secret is given instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_token: Option<String>,
    /// The client and its secret.
    #[serde(flatten)]
    pub client: Option<MintedClient>,
    /// Why Entra may not reach the Tenant URL.
    pub warnings: Vec<String>,
}

/// An OAuth client with a secret that was made.
#[derive(Serialize, JsonSchema)]
pub struct MintedClient {
    /// Where it asks for access tokens.
    pub token_endpoint: String,
    /// Its name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// When the secret ends.
    pub expires: Timestamp,
}

/// A customer who wants to be provisioned.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Onboard {
    /// The vendor's own id of the customer: the same one gets the same tenant.
    pub customer: Customer,
    /// The address of this customer's API, if it has one of its own below the template's.
    #[serde(default)]
    pub base_url: Option<String>,
    /// What the adapter asks of a tenant and the template does not say.
    #[serde(default)]
    #[schemars(with = "Map<String, Value>")]
    pub settings: Hidden,
    /// The secrets by part, as texts, that the template does not name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub credential: Hidden,
    /// How Entra is to sign in.
    #[serde(default)]
    pub sign_in: SignIn,
    /// Whose assertions are good, where it signs in by them.
    #[serde(default)]
    pub federation: Option<Federation>,
}

/// How Entra signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// With a secret token.
    #[default]
    Token,
    /// With OAuth client credentials.
    ClientSecret,
    /// With assertions of the customer's Entra: nothing secret is given out.
    Federation,
}

/// What the customer's Entra shows of its federated credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// The tenant id of the customer's Entra.
    pub entra_tenant: String,
    /// The subject of the assertions.
    pub subject: String,
    /// What may be their audience.
    pub audiences: Vec<String>,
}

/// What the customer is shown. The secret is in this answer and nowhere else.
#[derive(Serialize, JsonSchema)]
pub struct Onboarded {
    /// The tenant's name.
    pub tenant: TenantId,
    /// The vendor's own id of the customer.
    pub customer: Customer,
    /// Whether it was made by this request.
    pub created: bool,
    /// The key id of the secret that was made, to end it by; null with federation.
    pub key: Option<String>,
    /// Key ids of secrets that were never used and ended to make room for this one.
    pub ended: Vec<String>,
    /// When the secret ends; null is never.
    pub expires: Option<Timestamp>,
    /// The lines to copy into Entra.
    pub fields: Vec<Field>,
    /// What the customer's administrator does, step by step.
    pub steps: Vec<String>,
    /// Why Entra could not use it, for the operator; empty where nothing speaks against it.
    pub warnings: Vec<String>,
}

/// One line to copy.
#[derive(Serialize, JsonSchema)]
pub struct Field {
    /// What Entra calls it.
    pub label: &'static str,
    /// What to enter there.
    pub value: String,
    /// Whether it is a secret, to be shown once and covered.
    pub secret: bool,
}

/// A customer's tenant as it stands.
#[derive(Serialize, JsonSchema)]
pub struct CustomerStatus {
    /// The tenant's name.
    pub tenant: TenantId,
    /// The vendor's own id of the customer.
    pub customer: Customer,
    /// What an administrator enters into Entra.
    pub tenant_url: String,
    /// Whether it is served: `on` or `off`.
    #[schemars(with = "String")]
    pub service: Service,
    /// Its tokens and client secrets: what is kept of them.
    pub tokens: Vec<TokenStatus>,
}

/// What is kept of one token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenStatus {
    /// The eight characters behind `scg_` or `scs_`.
    pub key: String,
    /// `token`, or `client_secret` of the tenant's OAuth client.
    pub kind: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; null is never.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last used, to within two minutes; null is never.
    #[serde(default)]
    pub used: Option<Timestamp>,
    /// Whether it opens the door now.
    pub works: bool,
}

/// Where a tenant comes from, and what it says.
#[derive(Serialize, JsonSchema)]
pub struct Definition {
    /// `file` or `store`.
    pub source: &'static str,
    /// Whether it is served: `on` or `off`.
    #[schemars(with = "String")]
    pub service: Service,
    /// The vendor's own id of the customer, where its console made it.
    pub customer: Option<Customer>,
    /// When it was changed last, where the store has it.
    pub changed: Option<Timestamp>,
    /// The tenant, without its secrets.
    pub tenant: Value,
}
