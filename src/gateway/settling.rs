//! What goes on beside requests: settling creates that earlier processes left open, and deleting
//! the intents that clients have heard of.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tenants::Entrances;
use crate::provisioning::Operation;
use crate::store::Store;

/// Between two rounds. Whatever a round leaves is taken up by the next.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one tenant may take of a round.
const LIMIT: Duration = Duration::from_secs(30);

/// Tenants at a time: those whose vendors do not answer keep no others waiting.
const AT_A_TIME: usize = 32;

/// Begins the rounds on the first thread that asks, which must be that of a `LocalRuntime`. The
/// tenants without intents, which are nearly all, cost nothing.
pub(super) fn begin(begun: &AtomicBool, store: &Store, entrances: &Rc<Entrances>) {
    if begun.swap(true, Ordering::Relaxed) {
        return;
    }
    let (store, entrances) = (store.clone(), Rc::downgrade(entrances));
    tokio::task::spawn_local(async move {
        while let Some(entrances) = entrances.upgrade() {
            let mut settling = JoinSet::new();
            // `status` and `/readyz` say so if the store cannot be read.
            let tenants = store.tenants_with_intents().await.unwrap_or_default();
            for begin in entrances.beside_requests(&tenants) {
                if settling.len() == AT_A_TIME {
                    settling.join_next().await;
                }
                settling.spawn_local(settle(begin(LIMIT)));
            }
            drop(entrances);
            while settling.join_next().await.is_some() {}
            sleep(PAUSE).await;
        }
    });
}

async fn settle(operation: Operation) {
    if let Err(failure) = operation.settle_intents().await {
        let tenant = &operation.tenant;
        tracing::debug!(%tenant, %failure, "open creates are looked at again later");
    }
}

/// Whether the rounds have begun.
pub(super) type Begun = Arc<AtomicBool>;
