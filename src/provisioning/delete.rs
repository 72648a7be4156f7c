//! `DELETE` (RFC 7644 §3.6): synchronous, and forgotten only when the vendor
//! says it is gone.

use super::locks::LockKey;
use super::operation::Operation;
use super::outcome::Outcome;
use super::plan::{Plan, Step};
use super::run::Run;
use crate::adapter::keys::ScimId;
use crate::scim::{Object, Preconditions, ResourceKind, Response};
use crate::script::fault::Failure;

impl Operation {
    pub(super) async fn delete(
        &self,
        kind: ResourceKind,
        id: &str,
        conditions: &Preconditions,
    ) -> Result<Response, Failure> {
        let mut run = Run::new(self, kind, Object::new());
        let deleted = self
            .delete_in(&mut run, &ScimId::new(id), conditions)
            .await
            .map(|()| Response::no_content());
        run.end(id, deleted)
    }

    async fn delete_in(
        &self,
        run: &mut Run<'_>,
        id: &ScimId,
        conditions: &Preconditions,
    ) -> Outcome<()> {
        let kind = run.kind;
        self.mapping(kind)?;
        run.locks.take(vec![LockKey::changes(kind, id)]).await?;
        self.memory.ready_to_write().await?;
        self.wait_for_earlier_creates(kind, id, None).await?;
        run.locks
            .take(vec![LockKey::object(kind, id.as_str())])
            .await?;
        let target = self.target(kind, id).await?;
        self.require(kind, id, &target.native, conditions).await?;
        self.wait_for_creates(&target, None).await?;
        self.heard(kind, &target.native, None);
        run.target = Some(target);
        let mut plan = Plan::default();
        if kind == ResourceKind::Group && !self.adapter.holds_memberships() {
            plan.then(Step::Empty);
        }
        plan.then(Step::Delete);
        run.carry_out(plan).await
    }
}
