//! `POST /Users` and `POST /Groups` (RFC 7644 §3.3).
//!
//! A name that another object has is 409 and changes nothing, also when the request is the
//! identical one again. Only an intent makes an object that is there this request's own.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::timeout_at;

use super::intent::Purpose;
use super::intents::Live;
use super::making::Making;
use super::members::member_ids;
use super::name::Name;
use super::names::locks_of;
use super::operation::Operation;
use super::outcome::Outcome;
use super::plan::{Plan, Step};
use super::run::Run;
use crate::adapter::keys::ScimId;
use crate::adapter::manifest::Consistency;
use crate::adapter::mapping::{Change, Native};
use crate::scim::{Incoming, Object, Projection, ResourceKind, Response};
use crate::script::fault::{Failure, GatewayFault};

impl Operation {
    pub(super) async fn create(
        &self,
        kind: ResourceKind,
        incoming: Incoming,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        self.tell_ignored(&incoming.ignored);
        let created = self.post(kind, incoming.resource, projection).await;
        created.map_err(|not_done| not_done.into_failure(None))
    }

    async fn post(
        &self,
        kind: ResourceKind,
        mut resource: Object,
        projection: &Projection,
    ) -> Outcome<Response> {
        let mapping = self.mapping(kind)?;
        mapping.begin(&mut resource);
        let whole = mapping.whole(&resource);
        self.note_changes(mapping, &whole, &Object::new());
        self.memory.ready_to_write().await?;
        let translated = self.translate_whole(kind, &resource).await;
        let names = match &translated {
            Ok((_, native)) => self.names_sent(kind, native)?,
            Err(refusal) if refusal.is_refusal() => {
                self.names_in_changes(kind, whole, &resource).await?
            }
            Err(other) => return Err(other.clone()),
        };
        let live = self.begin_live(kind, &names).await?;
        let mut run = Run::new(self, kind, resource);
        run.locks.take(locks_of(&names).collect()).await?;
        let (changes, native) = match translated {
            Ok(translated) => translated,
            // A collision is told before a value that does not fit: it is what an administrator
            // can act on, and the look-up Entra makes next finds it.
            Err(refusal) => {
                self.refuse_taken(kind, &names, None).await?;
                return Err(refusal);
            }
        };
        self.create_planned(&mut run, names, changes, native)
            .await?;
        let response = self.answer_run(&mut run, 201, projection).await?;
        if let Some(intent) = run.making.and_then(|making| making.intent) {
            self.supersede(&intent);
            if self.story.is_awaited() {
                live.created();
                let intents = Arc::clone(&self.intents);
                self.story.when_taken(move || {
                    intents.close(&intent.id);
                    drop(live);
                });
            }
        }
        Ok(response)
    }

    /// Waits for a create of the same name that runs. If it is answered 2xx, this one is refused
    /// by that alone.
    async fn begin_live(&self, kind: ResourceKind, names: &[Name]) -> Outcome<Live> {
        let name = names.first();
        let live = timeout_at(self.deadline, self.intents.begin_live(name)).await;
        let live = live.map_err(|_| GatewayFault::DeadlineExceeded)?;
        live.map_err(|_| self.taken(kind, name.map_or("name", |name| &name.attribute)))
    }

    async fn create_planned(
        &self,
        run: &mut Run<'_>,
        names: Vec<Name>,
        changes: Vec<Change>,
        native: Native,
    ) -> Outcome<()> {
        let kind = run.kind;
        let external_id = run.wanted.get("externalId").and_then(Value::as_str);
        let earlier = self
            .intents
            .earlier(self.asking(), kind, &names, external_id)
            .await?;
        if let (Some(earlier), Some(name)) = (&earlier, names.first())
            && self.intents.is_being_answered(earlier)
        {
            return Err(self.taken(kind, &name.attribute));
        }
        let mut plan = Plan::default();
        if earlier.is_none() {
            let looked_for = self.names_not_kept_unique(kind, &names)?;
            if !looked_for.is_empty() {
                plan.then(Step::Look(looked_for));
            }
        }
        let members = match kind {
            ResourceKind::Group => member_ids(&run.wanted),
            ResourceKind::User => Vec::new(),
        };
        let members: Vec<_> = members.iter().map(|id| ScimId::new(id)).collect();
        if let Some(earlier) = earlier.as_ref().filter(|_| !members.is_empty()) {
            // It may take long, and nobody is to wait for these people meanwhile.
            run.earlier_object(earlier).await?;
        }
        run.lock_members(members.iter()).await?;
        plan.then_for(members.clone(), Step::Resolve);
        plan.then(Step::Create(native));
        if kind == ResourceKind::User && self.adapter.has_switch() {
            // A new account is in use unless Entra says otherwise.
            let active = run.wanted.get("active").and_then(Value::as_bool);
            plan.then(Step::Switch(active.unwrap_or(true)));
        }
        plan.then(Step::Remember);
        plan.then_for(members, Step::AddMembers);
        run.making = Some(Making {
            purpose: Purpose::Post,
            names,
            changes,
            intent: None,
        });
        run.create_by(plan, earlier).await
    }

    /// The names of which the vendor would take a second object.
    pub(super) fn names_not_kept_unique(
        &self,
        kind: ResourceKind,
        names: &[Name],
    ) -> Outcome<Vec<Name>> {
        let refuses_a_second = self.adapter.manifest.consistency != Consistency::B;
        let mapping = self.mapping(kind)?;
        let is_open = |name: &&Name| {
            let mut rows = mapping.mapped();
            let row = rows.find(|(_, row)| row.spelling == name.attribute);
            !(refuses_a_second && row.is_some_and(|(_, row)| row.unique))
        };
        Ok(names.iter().filter(is_open).cloned().collect())
    }
}
