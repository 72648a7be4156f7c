//! A backend that notes its calls: in the request's trace, and whether one may have changed
//! something at the vendor.

use bytes::Bytes;
use tokio::time::Instant;

use super::trace::{Story, mask};
use crate::adapter::Adapter;
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::script::effects::{Effects, LastCall};

/// A backend whose calls are noted.
pub(super) struct Noted<'o> {
    pub(super) backend: &'o dyn Backend,
    pub(super) adapter: &'o Adapter,
    pub(super) effects: &'o Effects,
    pub(super) story: &'o Story,
}

impl Backend for Noted<'_> {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        deadline: Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        let writes = !self.adapter.only_reads(&call);
        self.effects.begin(writes);
        Box::pin(async move {
            let path = mask::path(&call.path, |word| self.adapter.writes(word));
            let (method, began) = (call.method.as_str(), Instant::now());
            let result = match self.story.may_call() {
                true => self.backend.call(call, deadline).await,
                false => Err(CallFault::NotSent("the request made too many calls".into())),
            };
            if !matches!(result, Ok(_) | Err(CallFault::Lost(_))) {
                self.effects.refused();
            }
            self.effects.ended(LastCall {
                call: format!("{method} {path}"),
                body: result
                    .as_ref()
                    .map_or_else(|_| Bytes::new(), |reply| reply.body.clone()),
            });
            if self.story.takes_notes() {
                self.story.called(method, path, began.elapsed(), &result);
            }
            result
        })
    }

    fn wait(&self, until: Instant) -> LocalBoxFuture<'_, ()> {
        self.backend.wait(until)
    }
}
