//! From what the vendor holds and what is remembered to what Entra sees.

use serde_json::{Value, json};

use super::Operation;
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::{Reading, assemble};
use crate::adapter::memory::Remembered;
use crate::adapter::outcome::Failure;
use crate::scim::{Object, Projection, ResourceKind, Response, version};

impl Operation {
    /// A page of resources, in the order of `readings`.
    pub(super) async fn resources(
        &self,
        kind: ResourceKind,
        readings: &[Reading],
        with_members: bool,
    ) -> Result<Vec<Object>, Failure> {
        let natives = readings.iter().map(|reading| reading.id.clone()).collect();
        let ids = self.scim_ids(kind, natives).await?;
        let remembered = self
            .memory
            .recall_page(&self.tenant, kind, ids.clone())
            .await?;
        let mut resources = Vec::with_capacity(ids.len());
        for ((reading, id), remembered) in readings.iter().zip(&ids).zip(remembered) {
            let remembered = remembered.unwrap_or_default();
            resources.push(
                self.resource(kind, id, reading, &remembered, with_members)
                    .await?,
            );
        }
        Ok(resources)
    }

    /// One resource.
    pub(super) async fn resource(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        reading: &Reading,
        remembered: &Remembered,
        with_members: bool,
    ) -> Result<Object, Failure> {
        let mut resource = assemble(self.mapping(kind)?, reading, remembered);
        resource.shift_insert(1.min(resource.len()), "id".into(), id.as_str().into());
        if kind == ResourceKind::Group && with_members {
            let members = self.members_of(id, &reading.id).await?;
            if !members.is_empty() {
                resource.insert("members".into(), self.member_values(&members));
            }
        }
        self.set_meta(kind, id, &mut resource);
        Ok(resource)
    }

    pub(super) fn member_values(&self, members: &[ScimId]) -> Value {
        let values = members.iter().map(|member| {
            json!({"value": member.as_str(), "$ref": self.location(ResourceKind::User, member), "type": "User"})
        });
        values.collect()
    }

    pub(super) fn set_meta(&self, kind: ResourceKind, id: &ScimId, resource: &mut Object) {
        let version = version::version(resource);
        let held = resource.shift_remove("meta");
        let mut meta = Object::new();
        meta.insert("resourceType".into(), kind.as_str().into());
        if let Some(Value::Object(held)) = held {
            meta.extend(held);
        }
        meta.insert("location".into(), self.location(kind, id).into());
        meta.insert("version".into(), version.into());
        resource.insert("meta".into(), Value::Object(meta));
    }

    pub(super) fn location(&self, kind: ResourceKind, id: &ScimId) -> String {
        format!("{}/{}/{}", self.base_url, kind.endpoint(), id)
    }

    /// An answer with one resource, reduced to what was asked for.
    pub(super) fn answer(
        &self,
        kind: ResourceKind,
        status: u16,
        mut resource: Object,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        let version = resource
            .get("meta")
            .and_then(|meta| meta.get("version"))
            .and_then(Value::as_str);
        let version = version.map(str::to_owned);
        let location = resource
            .get("meta")
            .and_then(|meta| meta.get("location"))
            .and_then(Value::as_str);
        let location = location.map(str::to_owned);
        projection.apply(&mut resource, &self.mapping(kind)?.resource_type);
        Ok(Response {
            status,
            body: Some(Value::Object(resource)),
            location,
            version,
        })
    }
}
