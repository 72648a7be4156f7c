//! `adapters/<vendor>.toml`: what the gateway must know of a vendor beside the
//! mapping script. This is the file as written; [`super::Adapter`] is what it
//! becomes once script and table are compiled and every promise is checked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::extensions::ExtensionEntry;
use crate::problem::version::FormatVersion;
use crate::script::replies::ReplyTable;

mod credential;

pub use credential::{ClientPlace, CredentialKind, GrantKind};

/// A manifest as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form it is written in.
    #[serde(default)]
    pub version: FormatVersion,
    /// The vendor's name for people.
    pub title: String,
    /// What a second write after a lost reply can do; see [`Consistency`].
    pub consistency: Consistency,
    /// How long, at most, look-ups do not see what was written; with `consistency = "C"`. For so
    /// long the gateway keeps its own writes in mind and reads what it wrote by its key.
    pub index_lag_ms: Option<u64>,
    /// How long, at most, a write may still take effect after its reply was lost, beyond
    /// `deadlines.call_ms`. A create of the same name waits for as long.
    pub settles_ms: Option<u64>,
    /// Which Tenant URL its customers are given.
    #[serde(default)]
    pub tenant_url: TenantUrlForm,
    /// What a tenant of this vendor must or may set beside `base_url`.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// How calls are authenticated.
    pub credential: CredentialKind,
    /// Other ways by their names, of which a tenant may choose one with `credential_kind`.
    #[serde(default)]
    pub credentials: BTreeMap<String, CredentialKind>,
    /// The script, where it is another vendor's: the stem of a file in the scripts' directory.
    pub script: Option<String>,
    /// Where a script's `graphql(query, variables)` posts, below the base URL;
    /// `/graphql` if absent.
    pub graphql: Option<String>,
    /// POSTs that change nothing, so that `scimgate dry-run --read` may send them. A GraphQL query
    /// need not be listed.
    #[serde(default)]
    pub reads: Vec<ReadingPost>,
    /// The header by which the vendor knows a POST again that it has carried out: a script's
    /// `post_once(path, body)` sends a random one, the same for each try.
    pub request_token: Option<String>,
    /// Headers of every call; `{name}` stands for a tenant setting.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How much the vendor takes. A tenant may set lower or higher ones.
    #[serde(default)]
    pub limits: Limits,
    /// How long the vendor may take.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Writes that go to the vendor by the batch: `[batch.<name>]`, what a script's
    /// `batch("<name>", item)` hands in and its `run_<name>(items)` carries out.
    #[serde(default)]
    pub batch: BTreeMap<String, BatchRule>,
    /// How lists are read.
    pub paging: Paging,
    /// Who names the resources.
    pub ids: Ids,
    /// How the vendor holds groups.
    #[serde(default)]
    pub groups: Groups,
    /// The vendor's own field names, so that a misspelt one is found at load.
    #[serde(default)]
    pub fields: Fields,
    /// Schemas of its own, beside those of RFC 7643.
    #[serde(default)]
    pub extensions: Vec<ExtensionEntry>,
    /// Attributes that a tenant may add to the table of users.
    pub custom_attributes: Option<CustomAttributes>,
    /// How answers are read.
    #[serde(default)]
    pub replies: ReplyTable,
}

/// A POST that changes nothing: a search, or an API that is asked everything by POST.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingPost {
    /// Its path below the base URL, without the query.
    pub path: String,
    /// What its form, or its JSON object, must say: texts by name. Nothing if absent.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
}

/// Which of the two Tenant URLs a customer is given. Both reach every tenant: the token alone says
/// whose request it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantUrlForm {
    /// `/t/<tenant>/scim/v2`, one for each tenant: a token of another tenant is refused there.
    #[default]
    Tenant,
    /// `/scim/v2`, one for all customers of the vendor.
    Shared,
}

/// What the vendor guarantees about writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Consistency {
    /// The vendor enforces a unique key, so a repeated create is refused.
    A,
    /// No unique key, but a look-up sees own writes at once.
    B,
    /// Look-ups lag behind writes.
    C,
}

/// A tenant setting that the manifest asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What it means, for whoever connects a customer.
    pub description: String,
    /// Used when the tenant does not set it; without one the setting is required.
    pub default: Option<toml::Value>,
    /// The values it may have; any if absent.
    pub one_of: Option<Vec<String>>,
}

impl Manifest {
    /// All ways to authenticate calls, the usual one first.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = &CredentialKind> {
        std::iter::once(&self.credential).chain(self.credentials.values())
    }

    /// The way that a tenant chooses by this name; without one the usual one.
    pub(crate) fn credential_named(&self, name: Option<&str>) -> Option<&CredentialKind> {
        match name {
            Some(name) => self.credentials.get(name),
            None => Some(&self.credential),
        }
    }

    /// The names of the secrets that a tenant with this credential must have.
    pub fn secrets<'c>(&self, credential: &'c CredentialKind) -> Vec<&'c str> {
        let mut names = credential.names();
        names.retain(|name| !self.settings.contains_key(*name));
        names
    }
}

/// What the vendor takes from one tenant. Absent means unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Calls a second, on average.
    pub per_second: Option<u32>,
    /// Calls at once before the average counts.
    pub burst: Option<u32>,
    /// Calls a minute.
    pub per_minute: Option<u32>,
    /// Calls in flight.
    pub concurrency: Option<u32>,
    /// Batches a minute, of each kind.
    pub batches_per_minute: Option<u32>,
}

impl Limits {
    /// These limits where set, else `fallback`'s.
    pub fn or(self, fallback: Self) -> Self {
        Self {
            per_second: self.per_second.or(fallback.per_second),
            burst: self.burst.or(fallback.burst),
            per_minute: self.per_minute.or(fallback.per_minute),
            concurrency: self.concurrency.or(fallback.concurrency),
            batches_per_minute: self.batches_per_minute.or(fallback.batches_per_minute),
        }
    }
}

/// How writes are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchRule {
    /// How long the first item waits for others.
    pub window_ms: u64,
    /// Most items of one batch.
    pub max_items: usize,
    /// Most bytes of its items as JSON.
    pub max_bytes: usize,
    /// Batches at once.
    pub in_flight: u32,
    /// A batch that takes longer is given up: nobody knows what became of it.
    pub longest_ms: u64,
}

impl Default for BatchRule {
    fn default() -> Self {
        Self {
            window_ms: 100,
            max_items: 100,
            max_bytes: 512 << 10,
            in_flight: 1,
            longest_ms: 30_000,
        }
    }
}

impl BatchRule {
    /// How long the first item waits for others.
    pub fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms)
    }

    /// How long a batch may take.
    pub fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_ms)
    }
}

/// Time limits of one call, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// TCP and TLS together.
    pub connect_ms: u64,
    /// From the first byte sent to the last byte read.
    pub call_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect_ms: 2_000,
            call_ms: 20_000,
        }
    }
}

impl Deadlines {
    /// TCP and TLS together.
    pub fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    /// The whole call.
    pub fn call(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }
}

/// How the vendor pages its lists.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// What `list_…(page)` gets and gives.
    pub style: PagingStyle,
    /// The most rows of one page.
    pub size: u32,
}

/// The styles of paging the gateway speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PagingStyle {
    /// Page number from 1 and page size; the answer tells the total.
    Page,
    /// Offset from 0 and size; the answer tells the total.
    Offset,
    /// A cursor that the page before gave, and size. The answer may tell the total.
    Cursor,
}

/// How resources of each type are named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    /// Users.
    pub user: IdRule,
    /// Groups; absent for a vendor that has none.
    pub group: Option<IdRule>,
    /// By what users and groups of this tenant are told from those of other customers, whom the
    /// same credential sees.
    pub owner: Option<OwnerRule>,
}

/// By what a tenant's objects are told from other customers'.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRule {
    /// The native field that says whose an object is.
    pub field: String,
    /// The tenant setting that holds what stands in it.
    pub setting: String,
}

/// How resources of one type are named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRule {
    /// The native field that holds the vendor's own id.
    pub field: String,
    /// The gateway issues random SCIM ids, because the native ones change or
    /// are unsafe in a URL. Otherwise the vendor's id is the SCIM id and
    /// nothing is stored.
    #[serde(default)]
    pub issued: bool,
    /// The vendor removes disabled objects by itself after a time. The gateway
    /// then keeps what a disabled one held, so that enabling makes it anew under
    /// the same SCIM id. Only with `issued`.
    #[serde(default)]
    pub expires: bool,
    /// The member in which the vendor wraps an object: `user` for `{"user": {…}}`. Fields of a
    /// write come to the script so, and what a function gives may be wrapped or not.
    pub envelope: Option<String>,
    /// What the vendor's ids look like. A vendor that reads `018` as 18 would
    /// else have two names for one object.
    #[serde(default)]
    pub form: IdForm,
}

/// What a vendor's ids look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// Any text; compared exactly.
    #[default]
    Text,
    /// A whole number without sign and leading zeros.
    Number,
}

impl IdForm {
    /// Whether the vendor could have given out this id.
    pub fn fits(self, id: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Number => {
                !id.is_empty()
                    && id.bytes().all(|byte| byte.is_ascii_digit())
                    && (id == "0" || !id.starts_with('0'))
            }
        }
    }
}

/// How the vendor holds groups.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Groups {
    /// Who holds the truth about members.
    pub membership: MembershipModel,
    /// What becomes of the memberships of a user who is switched off.
    pub inactive: InactiveMembers,
}

/// What becomes of the memberships of a user who is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InactiveMembers {
    /// Nothing: the vendor knows who is switched off.
    #[default]
    Stay,
    /// They end, for the vendor goes on with whoever is in a group. The gateway keeps them
    /// and puts them back. Only with `membership = "vendor"`.
    Leave,
}

/// Who holds the truth about members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipModel {
    /// The vendor: any number of groups a user.
    #[default]
    Vendor,
    /// The gateway, because the vendor takes one group a user: the vendor is
    /// told each user's foremost group (`assign_group`).
    Exclusive,
}

/// Attributes of users that each customer of the vendor defines for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomAttributes {
    /// The tenant setting that lists their names: an array of texts, or one text with commas.
    pub setting: String,
    /// The URN of the extension they stand under.
    pub schema: String,
    /// The native field; `{name}` stands for the attribute's name.
    pub field: String,
}

/// The vendor's field names by resource type; empty means unchecked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Of a user.
    pub user: Vec<String>,
    /// Of a group.
    pub group: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for (id, fits) in [
            ("18001", true),
            ("0", true),
            ("018001", false),
            ("-1", false),
            ("1e3", false),
            ("", false),
        ] {
            assert_eq!(IdForm::Number.fits(id), fits, "{id}");
            assert!(IdForm::Text.fits(id));
        }
    }
}
