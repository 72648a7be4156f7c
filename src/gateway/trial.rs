//! A dry run of requests on what runs now, asked for at the admin port.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::destination::way_to_vendor;
use super::silence::silently;
use crate::adapter::Adapter;
use crate::dry_run::{Corpus, DryRun, Means, Subject, run_alone};
use crate::script::call::Backend;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::transcript::Requests;
use crate::vendor::TlsOptions;

/// Of a dry run beside what is served; its client has given up by then.
const TIME: Duration = Duration::from_secs(60);

/// All that a dry run needs; it can be taken to another thread.
pub(super) struct Trial {
    pub(super) tenant: Arc<Tenant>,
    /// The tenant's, without what a tenant may add to it.
    pub(super) adapter: Arc<Adapter>,
    pub(super) requests: Requests,
    /// A copy of what is remembered.
    pub(super) memory: Store,
    /// Of the vendor.
    pub(super) transcripts: PathBuf,
    /// Trust towards the vendor, if it may be asked what changes nothing there.
    pub(super) reads: Option<TlsOptions>,
}

impl Trial {
    /// Carries the requests out, with nothing sent but such reads, and without a
    /// line in the log: nothing of it happens to anybody. Blocks, and must be on a
    /// thread without a runtime.
    ///
    /// # Errors
    /// There is no event queue left.
    pub(super) fn play(self) -> io::Result<DryRun> {
        let Self {
            tenant,
            adapter,
            requests,
            memory,
            transcripts,
            reads,
        } = self;
        let subject = Subject::of_tenant(&tenant);
        let means = || Means {
            corpus: Corpus::read(&transcripts, &adapter),
            memory: Arc::new(memory),
            reads: reads.map(|tls| Rc::new(way_to_vendor(&tenant, tls)) as Rc<dyn Backend>),
            time: Some(TIME),
        };
        silently(|| run_alone(&subject, &requests, means))
    }
}
