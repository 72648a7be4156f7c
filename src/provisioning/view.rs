//! Converts what the vendor holds, and what is remembered beside it, into the SCIM response.

use serde_json::{Value, json};

use super::identity::RENAMES;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::run::Run;
use super::trace::Decision;
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::mapping::{Reading, assemble, finish};
use crate::adapter::remembered::Remembered;
use crate::scim::response::Page;
use crate::scim::schema::ENTERPRISE_USER;
use crate::scim::version::{self, Verdict};
use crate::scim::{Body, Object, Preconditions, Projection, ResourceKind, Response, ScimError};
use crate::script::fault::VendorFault;

/// Room for a user, so that writing one moves nothing.
const ENOUGH: usize = 2048;

/// An object as it is now.
enum Latest {
    /// The vendor holds it.
    Held(Reading, Remembered),
    /// The vendor has removed it: it is answered as it was.
    Kept(Object),
}

impl Operation {
    /// A page of resources, in the order of `readings`.
    pub(super) async fn resources(
        &self,
        kind: ResourceKind,
        readings: &[Reading],
        with_members: bool,
    ) -> Outcome<Vec<Object>> {
        let known = self.known_of(kind, readings).await?;
        let mut resources = Vec::with_capacity(known.len());
        for (reading, (id, remembered)) in readings.iter().zip(known) {
            let resource = self.resource(kind, &id, reading, &remembered, with_members);
            resources.push(resource.await?);
        }
        Ok(resources)
    }

    /// Adds resources to a page, in the order of `readings`, reduced to what was asked for.
    pub(super) async fn write_page(
        &self,
        kind: ResourceKind,
        readings: &[Reading],
        projection: &Projection,
        page: &mut Page,
    ) -> Outcome<()> {
        let mapping = self.mapping(kind)?;
        let with_members = self.shows_members(projection);
        let known = self.known_of(kind, readings).await?;
        for (reading, (id, remembered)) in readings.iter().zip(known) {
            let location = self.location(kind, &id);
            let written = page.add(|text| match projection.is_silent() {
                true => mapping.write_text(reading, &remembered, id.as_str(), &location, text),
                false => None,
            });
            if written.is_none() {
                let resource = self.resource(kind, &id, reading, &remembered, with_members);
                let mut resource = resource.await?;
                projection.apply(&mut resource, &mapping.resource_type);
                page.extend([resource]);
            }
        }
        Ok(())
    }

    /// What the gateway knows of objects that were read: their ids, and what it remembers.
    async fn known_of(
        &self,
        kind: ResourceKind,
        readings: &[Reading],
    ) -> Outcome<Vec<(ScimId, Remembered)>> {
        let natives = readings.iter().map(|reading| reading.id.clone()).collect();
        let ids = self.scim_ids(kind, natives).await?;
        let remembered = self
            .memory
            .recall_page(&self.tenant, kind, ids.clone())
            .await?;
        self.intents.load_once(self.asking()).await?;
        for reading in readings {
            self.heard(kind, &reading.id, Some(reading));
        }
        let remembered = remembered.into_iter().map(Option::unwrap_or_default);
        Ok(ids.into_iter().zip(remembered).collect())
    }

    /// One resource as it is now.
    ///
    /// # Errors
    /// 404 if there is none.
    pub(super) async fn current(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        native: &NativeId,
        with_members: bool,
    ) -> Outcome<Object> {
        let mut native = native.clone();
        for _ in 0..RENAMES {
            let (reading, remembered) = match self.latest(kind, id, &native).await? {
                Latest::Held(reading, remembered) => (reading, remembered),
                Latest::Kept(resource) => return Ok(resource),
            };
            let resource = self
                .resource(kind, id, &reading, &remembered, with_members)
                .await;
            match resource {
                // Renamed between the reading of the group and that of its members.
                Err(absent)
                    if self.is_issued(kind)
                        && absent.is_absent(&Subject::native(kind, &reading.id)) =>
                {
                    native = reading.id;
                }
                resource => return resource,
            }
        }
        Err(VendorFault::Busy { retry_after: None }.into())
    }

    /// One resource as it is read now.
    async fn latest(&self, kind: ResourceKind, id: &ScimId, native: &NativeId) -> Outcome<Latest> {
        let key = self.key(kind, id);
        let reading = self.fetch_following(&key, native).await?;
        let remembered = self.memory.recall(&key).await?.unwrap_or_default();
        let Some(reading) = reading else {
            let kept = self.kept(kind, id, &remembered);
            if kept.is_some() {
                self.story.decide(Decision::AnsweredFromKept);
            }
            let kept = kept.map(Latest::Kept);
            return kept.ok_or_else(|| NotDone::Absent(Subject::scim(kind, id)));
        };
        self.intents.load_once(self.asking()).await?;
        self.heard(kind, &reading.id, Some(&reading));
        self.note_remembered(self.mapping(kind)?, &reading, &remembered);
        Ok(Latest::Held(reading, remembered))
    }

    /// The answer to whoever reads a user as a whole. Of most the text is written from what was
    /// read, without a tree.
    pub(super) async fn whole_user(&self, id: &ScimId, native: &NativeId) -> Outcome<Response> {
        let kind = ResourceKind::User;
        let everything = Projection::default();
        let (reading, remembered) = match self.latest(kind, id, native).await? {
            Latest::Held(reading, remembered) => (reading, remembered),
            Latest::Kept(resource) => return self.answer(kind, 200, resource, &everything),
        };
        if let Some(response) = self.in_text(200, id, &reading, &remembered)? {
            return Ok(response);
        }
        let resource = self.resource(kind, id, &reading, &remembered, true).await?;
        self.answer(kind, 200, resource, &everything)
    }

    /// An answer with a whole user, where the text can be written from what was read.
    fn in_text(
        &self,
        status: u16,
        id: &ScimId,
        reading: &Reading,
        remembered: &Remembered,
    ) -> Outcome<Option<Response>> {
        let mapping = self.mapping(ResourceKind::User)?;
        let location = self.location(ResourceKind::User, id);
        let mut text = Vec::with_capacity(ENOUGH);
        let version = mapping.write_text(reading, remembered, id.as_str(), &location, &mut text);
        Ok(version.map(|version| Response {
            status,
            body: Some(Body::Text(text)),
            location: Some(location),
            version: Some(version),
        }))
    }

    /// Refuses a write to a resource of another version than it is for. To be called under the
    /// resource's lock. Only a write with conditions costs a read.
    ///
    /// # Errors
    /// 412.
    pub(super) async fn require(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        native: &NativeId,
        conditions: &Preconditions,
    ) -> Outcome<()> {
        if conditions.is_empty() {
            return Ok(());
        }
        let resource = self.current(kind, id, native, true).await?;
        match conditions.of_write(text_in_meta(&resource, "version").unwrap_or_default()) {
            Verdict::Go => Ok(()),
            Verdict::Failed | Verdict::NotModified => Err(changed_since(kind).into()),
        }
    }

    /// Whether members are read for an answer: if it shows them, or its version, which covers
    /// them; and always where they cost no call.
    pub(super) fn shows_members(&self, projection: &Projection) -> bool {
        projection.wants("members") || projection.names("meta") || !self.adapter.holds_memberships()
    }

    /// One resource.
    pub(super) async fn resource(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        reading: &Reading,
        remembered: &Remembered,
        with_members: bool,
    ) -> Outcome<Object> {
        let mut resource = assemble(self.mapping(kind)?, reading, remembered);
        resource.shift_insert(1.min(resource.len()), "id".into(), id.as_str().into());
        if kind == ResourceKind::Group && with_members {
            let members = self.members_of(id, &reading.id).await?;
            if !members.is_empty() {
                resource.insert("members".into(), self.member_values(&members));
            }
        }
        self.set_meta(kind, id, &mut resource);
        self.point(&mut resource);
        if kind == ResourceKind::Group && !with_members {
            without_version(&mut resource);
        }
        Ok(resource)
    }

    /// What a user's groups and manager point to (RFC 7643 §4.1.2, §4.3): the vendor knows them
    /// by id only.
    fn point(&self, user: &mut Object) {
        if let Some(Value::Array(groups)) = user.get_mut("groups") {
            let groups = groups.iter_mut();
            groups.for_each(|group| self.point_to(ResourceKind::Group, group));
        }
        if let Some(manager) = user
            .get_mut(ENTERPRISE_USER)
            .and_then(|extension| extension.get_mut("manager"))
        {
            self.point_to(ResourceKind::User, manager);
        }
    }

    fn point_to(&self, kind: ResourceKind, reference: &mut Value) {
        let Some(id) = reference.get("value").and_then(Value::as_str) else {
            return;
        };
        let location = self.location(kind, &ScimId::new(id));
        if let Value::Object(parts) = reference {
            parts.insert("$ref".into(), location.into());
        }
    }

    pub(super) fn member_values(&self, members: &[ScimId]) -> Value {
        let values = members.iter().map(|member| {
            json!({"value": member.as_str(), "$ref": self.location(ResourceKind::User, member), "type": "User"})
        });
        values.collect()
    }

    pub(super) fn set_meta(&self, kind: ResourceKind, id: &ScimId, resource: &mut Object) {
        let version = version::version(resource);
        finish(kind, resource, self.location(kind, id), version);
    }

    pub(super) fn location(&self, kind: ResourceKind, id: &ScimId) -> String {
        format!("{}/{}/{}", self.base_url, kind.endpoint(), id)
    }

    /// The answer to a write, from what the vendor holds after it.
    pub(super) async fn answer_run(
        &self,
        run: &mut Run<'_>,
        status: u16,
        projection: &Projection,
    ) -> Outcome<Response> {
        let (kind, target) = (run.kind, run.target()?.clone());
        let id = &target.key.id;
        if run.reading.is_none()
            && let Some(kept) = self.kept(kind, id, &target.remembered)
        {
            self.story.decide(Decision::AnsweredFromKept);
            return self.answer(kind, status, kept, projection);
        }
        let is_new = run.making.is_some();
        let reading = run.reread().await?;
        if !is_new {
            self.heard(kind, &reading.id, Some(reading));
        }
        // Of what is new, bulk requests and the log read the tree.
        if !is_new
            && kind == ResourceKind::User
            && projection.is_silent()
            && let Some(response) = self.in_text(status, id, reading, &target.remembered)?
        {
            let name = self.mapping(kind)?.user_name(reading, &target.remembered);
            self.story.is_about(id.as_str(), name);
            return Ok(response);
        }
        let with_members = self.shows_members(projection);
        let resource = self
            .resource(kind, id, reading, &target.remembered, with_members)
            .await?;
        self.answer(kind, status, resource, projection)
    }

    /// An answer with one resource, reduced to what was asked for.
    pub(super) fn answer(
        &self,
        kind: ResourceKind,
        status: u16,
        mut resource: Object,
        projection: &Projection,
    ) -> Outcome<Response> {
        let version = text_in_meta(&resource, "version").map(str::to_owned);
        let location = text_in_meta(&resource, "location").map(str::to_owned);
        projection.apply(&mut resource, &self.mapping(kind)?.resource_type);
        Ok(Response {
            status,
            body: Some(Value::Object(resource).into()),
            location,
            version,
        })
    }
}

fn text_in_meta<'r>(resource: &'r Object, name: &str) -> Option<&'r str> {
    resource.get("meta")?.get(name)?.as_str()
}

/// The version of half a group would let somebody overwrite what happened to the other half.
fn without_version(resource: &mut Object) {
    if let Some(Value::Object(meta)) = resource.get_mut("meta") {
        meta.shift_remove("version");
    }
}

/// A condition was not met: 412.
pub(super) fn changed_since(kind: ResourceKind) -> ScimError {
    ScimError::precondition_failed(format!(
        "The {} is not of the version this request is for. Read it again.",
        kind.as_str()
    ))
}
