//! Verifying tenants' setups beside requests: each one that is new or has changed, and again and
//! again those that did not work, until they do.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::tenants::{Entrances, Unverified};
use crate::provisioning::trace::{Audience, End, Fault};
use crate::script::fault::{Failure, GatewayFault};
use crate::server::error_answer;

/// Between two looks at a setup that did not work.
const AGAIN: Duration = Duration::from_secs(60);

/// How long one verification may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Verifications at a time: those whose vendors do not answer keep no others waiting.
const AT_A_TIME: usize = 128;

/// Begins on the first thread that asks, which must be that of a `LocalRuntime`. `audience` hears
/// what came of it.
pub(super) fn begin(begun: &AtomicBool, entrances: &Rc<Entrances>, audience: Audience) {
    if begun.swap(true, Ordering::Relaxed) {
        return;
    }
    let entrances = Rc::downgrade(entrances);
    let audience = Rc::new(audience);
    tokio::task::spawn_local(async move {
        let mut under_way = JoinSet::new();
        while let Some(there) = entrances.upgrade() {
            let published = there.published();
            for unverified in there.unverified(&audience) {
                if under_way.len() == AT_A_TIME {
                    under_way.join_next().await;
                }
                under_way.spawn_local(verify(unverified));
            }
            drop(there);
            while under_way.try_join_next().is_some() {}
            let _again_or_published = timeout(AGAIN, published).await;
        }
    });
}

async fn verify(unverified: Unverified) {
    let (operation, story) = unverified.begin(LIMIT);
    let verified = timeout(LIMIT, operation.verify()).await;
    let verified = verified.unwrap_or(Err(GatewayFault::DeadlineExceeded.into()));
    if let Err(failure) = &verified {
        let tenant = &operation.tenant;
        tracing::warn!(%tenant, cause = failure.cause(),
            action = "see `scimgate status`; `scimgate tenant test` looks again",
            "what this tenant is set up with does not work at its vendor");
        unverified.look_again();
    }
    story.end(end(verified));
}

fn end(verified: Result<(), Failure>) -> End {
    let Err(failure) = verified else {
        return End::Done { status: 200 };
    };
    let (fault, reason) = (Fault::of(&failure), failure.cause());
    let remedy = failure.action().map(str::to_owned);
    let error = error_answer(failure).error;
    End::Failed {
        status: error.status,
        scim_type: None,
        detail: error.detail,
        fault,
        reason,
        remedy,
    }
}
