//! Disabled objects that the vendor removes by itself after a time. For Entra a disabled user
//! stays the same user until Entra deletes it, so the gateway keeps what it held: reading gives
//! that, and enabling creates it again at the vendor under the same SCIM id.
//!
//! What is kept is a person's data. It goes when the user is enabled or deleted.

use serde_json::Value;

use super::intent::Purpose;
use super::making::Making;
use super::operation::Operation;
use super::outcome::Outcome;
use super::plan::{Plan, Step};
use super::run::{Run, Target};
use super::trace::Decision;
use super::wish::Wish;
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::{Reading, assemble};
use crate::adapter::remembered::Remembered;
use crate::scim::{Object, ResourceKind, Stop};
use crate::script::fault::GatewayFault;

impl Operation {
    /// Keeps a disabled object's values, and lets an enabled one's go.
    pub(super) fn keep(
        &self,
        kind: ResourceKind,
        remembered: &mut Remembered,
        reading: &Reading,
    ) -> Outcome<()> {
        if !self.expires(kind) {
            return Ok(());
        }
        let mut resource = assemble(self.mapping(kind)?, reading, remembered);
        resource.shift_remove("meta");
        remembered.kept = match is_disabled(&resource) {
            true => resource,
            false => Object::new(),
        };
        Ok(())
    }

    /// Whether this is a disabled user whom the vendor may have removed by itself: for Entra they
    /// are still there.
    pub(super) async fn is_kept(&self, user: &ScimId) -> Outcome<bool> {
        if !self.expires(ResourceKind::User) {
            return Ok(false);
        }
        let remembered = self
            .memory
            .recall(&self.key(ResourceKind::User, user))
            .await?;
        Ok(remembered.is_some_and(|remembered| !remembered.kept.is_empty()))
    }

    /// A disabled object that the vendor no longer has, as Entra sees it.
    pub(super) fn kept(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        remembered: &Remembered,
    ) -> Option<Object> {
        if remembered.kept.is_empty() {
            return None;
        }
        let mut resource = remembered.kept.clone();
        resource.shift_insert(1.min(resource.len()), "id".into(), id.as_str().into());
        self.set_meta(kind, id, &mut resource);
        Some(resource)
    }

    /// Carries out what is wanted of an object that is gone. While it stays disabled, it is only
    /// kept so.
    pub(super) async fn recreate(
        &self,
        run: &mut Run<'_>,
        mut gone: Target,
        wish: &Wish,
    ) -> Outcome<()> {
        let kind = run.kind;
        let mut after = self.wanted_of_gone(kind, &gone, wish)?;
        // An account is never switched on by silence.
        after.entry("active").or_insert(Value::Bool(false));
        if is_disabled(&after) {
            gone.remembered.kept = after;
            let kept = gone.remembered.clone();
            self.memory.remember(&gone.key, kept).await?;
            run.target = Some(gone);
            return Ok(());
        }
        // Where the key is the name, what is made now has the key of what was seen before.
        self.known.gone(&self.tenant, kind, &gone.native);
        self.story.decide(Decision::MadeAnew);
        let id = gone.key.id.clone();
        let earlier = self.intents.of_recreation(self.asking(), &id).await?;
        let (changes, native) = self.translate_whole(kind, &after).await?;
        let names = self.names_sent(kind, &native)?;
        let mut plan = Plan::default();
        let looked_for = self.names_not_kept_unique(kind, &names)?;
        if earlier.is_none() && !looked_for.is_empty() {
            plan.then(Step::Look(looked_for));
        }
        plan.then(Step::Create(native));
        if self.adapter.has_switch() {
            plan.then(Step::Switch(true));
        }
        plan.then(Step::Remember);
        plan.then(Step::Rejoin);
        run.target = None;
        run.wanted = after;
        run.making = Some(Making {
            purpose: Purpose::Recreate(id),
            names,
            changes,
            intent: None,
        });
        run.create_by(plan, earlier).await
    }

    /// What is wanted of an object that is gone, from what was kept of it.
    fn wanted_of_gone(&self, kind: ResourceKind, gone: &Target, wish: &Wish) -> Outcome<Object> {
        let patch = match wish {
            Wish::Replace(incoming) => return Ok(incoming.resource.clone()),
            Wish::Patch(patch) => patch,
        };
        let mut after = gone.remembered.kept.clone();
        let types = &self.mapping(kind)?.resource_type;
        let applied = patch.apply(&mut after, types, self.service.profile);
        applied.map_err(|stop| match stop {
            Stop::Refused(error) => error.into(),
            Stop::NeedsRead => super::outcome::NotDone::from(GatewayFault::Internal),
        })?;
        Ok(after)
    }
}

fn is_disabled(resource: &Object) -> bool {
    resource.get("active").and_then(Value::as_bool) == Some(false)
}
