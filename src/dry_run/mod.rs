//! What would happen: requests of Entra carried out by the whole gateway, with nothing sent.
//!
//! The vendor is put together from what is known of it. A call is answered, in this order:
//! - as the file of requests says (`### Vendor answers`);
//! - by the vendor itself, if the call only reads and reading was allowed;
//! - from the objects that earlier calls of the same dry run made or changed ([`ledger`]);
//! - in the form that the adapter's own transcripts show for such a call ([`corpus`]), with the
//!   call's values and a virtual id put in ([`fill`]). A look-up by a value that nothing known
//!   has finds nothing.
//!
//! What a vendor only takes in, to carry it out later ([`deferred`]), is over at the first look.
//!
//! A call of which none of this tells the answer ends the dry run: what follows would be invented.
//!
//! What the gateway remembers is a copy in memory and forgotten afterwards; nothing of a running
//! gateway is touched.

mod address;
mod assume;
mod changed;
mod corpus;
mod deferred;
mod fill;
mod ledger;
mod overlay;
mod parts;
mod play;
mod report;
mod secrets;
mod text;
mod trees;
mod understood;
mod vendor;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use changed::{ChangedRequest, changed};
pub use corpus::Corpus;
pub use report::{Answered, Asked, Call, DryRun, Exchange};

use tokio::time::Instant;

use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::settings::Settings;
use crate::provisioning::memory::Memory;
use crate::scim::Service;
use crate::script::call::Backend;
use crate::script::printed;
use crate::tenant::Tenant;
use crate::transcript::{self, Requests};

/// Whose requests are tried, on which version of the adapter.
#[derive(Clone, Debug)]
pub struct Subject {
    tenant: TenantId,
    /// Whether there is such a tenant.
    is_real: bool,
    adapter: Arc<Adapter>,
    service: Arc<Service>,
    settings: Arc<Settings>,
    group_priority: Arc<BTreeMap<String, i64>>,
}

impl Subject {
    /// A tenant of the catalog.
    pub fn of_tenant(tenant: &Tenant) -> Self {
        Self {
            tenant: tenant.id.clone(),
            is_real: true,
            adapter: Arc::clone(&tenant.adapter),
            service: Arc::clone(&tenant.service),
            settings: Arc::clone(&tenant.settings),
            group_priority: Arc::clone(&tenant.group_priority),
        }
    }

    /// The same tenant on another version of its adapter.
    ///
    /// # Errors
    /// What the other version does not take of the settings.
    pub fn on(&self, adapter: &Arc<Adapter>) -> Result<Self, String> {
        let adapter = adapter.for_tenant(&self.settings)?;
        Ok(Self {
            service: adapter.service(self.service.profile),
            adapter,
            ..self.clone()
        })
    }

    /// Nobody's: the settings are those of the file, the manifest's defaults, and their own names
    /// for the rest, as in transcripts.
    ///
    /// # Errors
    /// What the settings are wrong about.
    pub fn of_adapter(adapter: &Arc<Adapter>, requests: &Requests) -> Result<Self, String> {
        let settings = transcript::settings(&requests.settings, adapter);
        let adapter = adapter.for_tenant(&settings)?;
        Ok(Self {
            tenant: TenantId::parse("dry-run").ok_or(TenantId::FORM)?,
            is_real: false,
            service: adapter.service(requests.profile),
            adapter,
            settings: Arc::new(settings),
            group_priority: Arc::new(requests.priority.clone()),
        })
    }
}

/// What a dry run may use.
pub struct Means {
    /// The answers the vendor is known to give.
    pub corpus: Corpus,
    /// A copy of what is remembered, which the dry run may change.
    pub memory: Arc<dyn Memory>,
    /// The vendor itself, asked only what changes nothing; `None` asks it nothing.
    pub reads: Option<Rc<dyn Backend>>,
    /// How long all requests together may take; `None` where nobody else waits for it.
    pub time: Option<Duration>,
}

/// Carries `requests` out, one after the other, and tells all of it. It ends early at a call whose
/// answer is not known, and when its time is up.
///
/// The future stays on its thread, as fibers do, and needs a [`LocalSet`](tokio::task::LocalSet)
/// around it, for batches are gathered by tasks; [`run_alone`] brings both along.
pub async fn run(subject: &Subject, requests: &Requests, means: Means) -> DryRun {
    let ends = means.time.map(|time| Instant::now() + time);
    play::Player::new(subject, means).play(requests, ends).await
}

/// The same on this thread, which must have no runtime of its own; `means` is called on it.
///
/// # Errors
/// No event loop could be made.
pub fn run_alone(
    subject: &Subject,
    requests: &Requests,
    means: impl FnOnce() -> Means,
) -> std::io::Result<DryRun> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    let played = || local.block_on(&runtime, async { run(subject, requests, means()).await });
    let (told, _) = printed::collect(played);
    Ok(told)
}
