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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::adapter::compile::Files;
    use crate::adapter::keys::TenantId;
    use crate::script::call::Verb;

    #[derive(Default)]
    struct Counting(Cell<u32>);

    impl Backend for Counting {
        fn call<'a>(
            &'a self,
            _: VendorCall,
            _: Instant,
        ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
            self.0.set(self.0.get() + 1);
            Box::pin(async { Err(CallFault::NotSent("down".into())) })
        }
    }

    #[tokio::test]
    async fn after_so_many_calls_of_one_request_none_is_sent() {
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let adapter = Adapter::compile(Files {
            name: "example".to_owned(),
            manifest: text("m", include_str!("../../tests/data/example.toml")),
            script: text("s", include_str!("../../tests/data/example.rhai")),
        });
        let vendor = Counting::default();
        let story = Story::unheard_of(&TenantId::parse("acme").unwrap());
        let noted = Noted {
            backend: &vendor,
            adapter: &adapter.unwrap(),
            effects: &Effects::default(),
            story: &story,
        };
        let call = VendorCall {
            method: Verb::Get,
            path: "/users/1".to_owned(),
            body: None,
            idempotent: false,
            token: None,
            resource: None,
        };
        for _ in 0..6000 {
            let _ = noted.call(call.clone(), Instant::now()).await;
        }
        assert!(!story.has_called_too_often());
        let refused = noted.call(call, Instant::now()).await;
        assert!(matches!(refused, Err(CallFault::NotSent(why)) if why.contains("too many calls")));
        assert_eq!(vendor.0.get(), 6000);
        assert!(story.has_called_too_often());
    }
}
