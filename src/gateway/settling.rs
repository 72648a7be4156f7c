//! What goes on beside requests: settling creates that earlier processes left open, and deleting
//! the intents that clients have heard of.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::tenants::Entrances;

/// Between two rounds. Whatever a round leaves is taken up by the next.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one tenant may take of a round.
const LIMIT: Duration = Duration::from_secs(30);

/// Begins the rounds on the first thread that asks, which must be that of a `LocalRuntime`.
pub(super) fn begin(begun: &AtomicBool, entrances: &Rc<Entrances>) {
    if begun.swap(true, Ordering::Relaxed) {
        return;
    }
    let entrances = Rc::downgrade(entrances);
    tokio::task::spawn_local(async move {
        while let Some(entrances) = entrances.upgrade() {
            for operation in entrances.beside_requests(Instant::now() + LIMIT) {
                let tenant = operation.tenant.clone();
                if let Err(failure) = operation.settle_intents().await {
                    tracing::debug!(%tenant, %failure, "open creates are looked at again later");
                }
            }
            drop(entrances);
            sleep(PAUSE).await;
        }
    });
}

/// Whether the rounds have begun.
pub(super) type Begun = Arc<AtomicBool>;
