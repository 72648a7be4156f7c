//! Carrying a bulk request out (RFC 7644 §3.7): one operation after the other, each as if it had
//! come alone.

use tokio::time::Instant;

use crate::scim::{Bulk, Request, Response, ScimError, Service};

/// The part of its time that a bulk request keeps for the operation begun last: one begun too
/// late would be cut off, and its outcome would not be known.
const KEPT: u32 = 8;

/// Carries a bulk request out by `perform`, which does the same for a single request, and answers
/// before `deadline`. Operations that cannot be begun in time are answered 503 each, so that what
/// was done is told. `base_url` is the Tenant URL without a slash at its end.
pub async fn bulk(
    bulk: Bulk,
    service: &Service,
    base_url: &str,
    deadline: Instant,
    perform: impl AsyncFn(Request) -> Result<Response, ScimError>,
) -> Response {
    let begun = Instant::now();
    let last = deadline - deadline.saturating_duration_since(begun) / KEPT;
    let mut run = bulk.run(service, base_url);
    while let Some(request) = run.next_request() {
        if Instant::now() >= last {
            run.abandon(&out_of_time());
            break;
        }
        let result = perform(request).await;
        run.record(result);
    }
    tracing::info!(errors = run.errors(), "bulk request ended");
    run.finish()
}

fn out_of_time() -> ScimError {
    let detail = "The time of the request was up before this operation was begun. Send it again.";
    ScimError::new(503, None, detail)
}
