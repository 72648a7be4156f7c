//! `DELETE` (RFC 7644 §3.6): synchronous, and forgotten only when the vendor
//! says it is gone.

use super::locks::LockKey;
use super::trace::Decision;
use super::{Operation, no_such};
use crate::adapter::keys::ScimId;
use crate::scim::{Preconditions, ResourceKind, Response};
use crate::script::fault::Failure;

impl Operation {
    pub(super) async fn delete(
        &self,
        kind: ResourceKind,
        id: &str,
        conditions: &Preconditions,
    ) -> Result<Response, Failure> {
        let id = ScimId::new(id);
        let _held = self
            .lock(vec![LockKey::Object(kind, id.to_string())])
            .await?;
        let native = self.native_id(kind, &id).await?;
        self.require(kind, &id, &native, conditions).await?;
        if kind == ResourceKind::Group {
            self.empty(&id, &native).await?;
        }
        let removed = self.remove(kind, &native).await;
        let absent = matches!(&removed, Err(failure) if failure.is_absent());
        match absent {
            true => self.story.decide(Decision::AlreadyGone),
            false => removed?,
        }
        self.memory.forget(&self.key(kind, &id)).await?;
        self.ids.bump(&self.tenant, kind);
        // What the vendor removes by itself was to go anyway.
        if absent && !self.expires(kind) {
            Err(no_such(kind))
        } else {
            Ok(Response::no_content())
        }
    }
}
