//! `POST /Users` and `POST /Groups` (RFC 7644 §3.3), so that no fault ever makes
//! a second account.
//!
//! Under locks on the values that name the object: look it up where the vendor
//! would not refuse a second one by itself; create once; and when the outcome
//! is a conflict or not known, look, and never send again. What is found and is
//! ours (the same `externalId` and name) is brought into the wanted state and answered
//! as created, for it is the earlier try of this request.

use serde_json::Value;

use super::Operation;
use super::doubt::{found_done, is_doubtful};
use super::locks::LockKey;
use super::scripted::{Done, Made, WriteEnd};
use super::trace::Decision;
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::manifest::Consistency;
use crate::adapter::mapping::{
    Mapping, Purpose, Reading, Row, Written, extra_of, update_overrides,
};
use crate::adapter::remembered::Remembered;
use crate::scim::compare::fold;
use crate::scim::{Incoming, Object, Projection, ResourceKind, Response, ScimError};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

/// What a look-up before or after a create finds.
enum Existing {
    Ours(Reading),
    /// Somebody else's, by the attribute it was found by.
    Taken(String, Reading),
}

impl Operation {
    pub(super) async fn create(
        &self,
        kind: ResourceKind,
        incoming: Incoming,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        self.mapping(kind)?;
        self.tell_ignored(&incoming.ignored);
        let created = self.create_named(kind, incoming.resource, projection).await;
        // What was there a moment ago is gone: the next try finds it so. A
        // POST names nothing that could be absent.
        created.map_err(|failure| match failure.is_absent() {
            true => VendorFault::UnknownOutcome.into(),
            false => failure,
        })
    }

    async fn create_named(
        &self,
        kind: ResourceKind,
        resource: Object,
        projection: &Projection,
    ) -> Result<Response, Failure> {
        let mapping = self.mapping(kind)?;
        self.note_changes(mapping, &mapping.whole(&resource), &Object::new());
        let _held = self.lock(names(kind, &resource)).await?;
        let done = match self.look_before(kind, &resource).await? {
            Some(Existing::Ours(reading)) => self.converge(kind, &reading.id, &resource).await?,
            Some(Existing::Taken(attribute, _)) => return Err(self.taken(kind, attribute)),
            None => self.make_once(kind, &resource).await?,
        };
        let reading = done.reading.ok_or(VendorFault::Unusable)?;
        let reading = self.activate_new(kind, reading, &resource).await?;
        let (id, remembered) = self.note(kind, &reading, &resource, &done.written).await?;
        if kind == ResourceKind::Group {
            self.fill_new(&id, &resource).await?;
        }
        let answered = self
            .resource(
                kind,
                &id,
                &reading,
                &remembered,
                self.shows_members(projection),
            )
            .await?;
        self.answer(kind, 201, answered, projection)
    }

    /// Looks by the names that the vendor does not keep unique by itself.
    async fn look_before(
        &self,
        kind: ResourceKind,
        resource: &Object,
    ) -> Result<Option<Existing>, Failure> {
        let refuses_a_second = self.adapter.manifest.consistency != Consistency::B;
        let in_doubt = self.is_doubted(kind, resource);
        self.look(kind, resource, |row| {
            in_doubt || !(row.ambiguous || refuses_a_second && row.unique)
        })
        .await
    }

    /// Creates, and looks when the outcome is a conflict or unknown.
    pub(super) async fn make_once(
        &self,
        kind: ResourceKind,
        resource: &Object,
    ) -> Result<Done, Failure> {
        let failure = match self.make(kind, resource).await {
            Ok(Made::Done(Done { reading: None, .. })) => VendorFault::UnknownOutcome.into(),
            Ok(Made::Done(done)) => {
                self.begin_anew(kind, &done).await?;
                return Ok(done);
            }
            Ok(Made::Unfit(failure)) => return self.unfit(kind, resource, failure).await,
            Err(failure) if is_worth_a_look(&failure) => failure,
            Err(failure) => return Err(failure),
        };
        if is_doubtful(&failure) {
            self.claim(kind, resource).await?;
        }
        match self.look(kind, resource, |_| true).await? {
            Some(Existing::Ours(reading)) => self.converge(kind, &reading.id, resource).await,
            Some(Existing::Taken(attribute, reading)) => {
                let made = self
                    .made_in_doubt(kind, reading, resource, &failure)
                    .await?;
                made.ok_or_else(|| self.taken(kind, attribute))
            }
            None => {
                if is_doubtful(&failure) {
                    self.note_doubt(kind, resource);
                }
                Err(failure)
            }
        }
    }

    /// Where the vendor has no place for `externalId`: what stands there after a
    /// lost reply and holds just what was sent is what was made.
    async fn made_in_doubt(
        &self,
        kind: ResourceKind,
        reading: Reading,
        resource: &Object,
        failure: &Failure,
    ) -> Result<Option<Done>, Failure> {
        if !is_doubtful(failure) {
            return Ok(None);
        }
        let sent = self.unswitched(kind, self.mapping(kind)?.whole(resource))?;
        let held = self
            .holds(kind, &reading, sent, resource, Purpose::Create)
            .await?;
        self.story.decide(found_done(held.is_some()));
        Ok(held.map(|written| Done {
            reading: Some(reading),
            written,
        }))
    }

    /// Forgets an earlier object with the key of one just made: a group made
    /// again under its name, an account out of the vendor's archive. The vendor
    /// has the new one without members and in no group.
    async fn begin_anew(&self, kind: ResourceKind, done: &Done) -> Result<(), Failure> {
        let natives = done.reading.iter().map(|reading| reading.id.clone());
        for id in self.scim_ids(kind, natives.collect()).await? {
            let key = self.key(kind, &id);
            let is_new = match kind {
                ResourceKind::User => self.memory.memberships(&self.tenant, &id).await?.is_empty(),
                ResourceKind::Group => self.memory.members(&key).await?.is_empty(),
            };
            if !is_new {
                self.memory.forget(&key).await?;
                self.ids.bump(&self.tenant, kind);
            }
        }
        Ok(())
    }

    /// A collision is told before a value that does not fit: it is what an
    /// administrator can act on, and the look-up Entra makes next finds it. The
    /// names the vendor does not keep unique were looked at before.
    async fn unfit(
        &self,
        kind: ResourceKind,
        resource: &Object,
        failure: Failure,
    ) -> Result<Done, Failure> {
        match self.look(kind, resource, |row| row.unique).await? {
            Some(Existing::Taken(attribute, _)) => Err(self.taken(kind, attribute)),
            Some(Existing::Ours(_)) | None => Err(failure),
        }
    }

    /// Looks for the object by each of its names whose row passes `by`.
    async fn look(
        &self,
        kind: ResourceKind,
        resource: &Object,
        by: impl Fn(&Row) -> bool,
    ) -> Result<Option<Existing>, Failure> {
        let mapping = self.mapping(kind)?;
        for (index, row) in mapping
            .mapped()
            .filter(|(_, row)| row.lookup.is_some() && by(row))
        {
            let Some(value) = row.leaf.get(resource) else {
                continue;
            };
            let candidates = self.find(kind, index, value).await?;
            let views = self.resources(kind, &candidates, false).await?;
            let same = |view: &Object| {
                row.leaf
                    .get(view)
                    .is_some_and(|held| same_value(held, value))
            };
            let found = candidates
                .into_iter()
                .zip(views)
                .find(|(_, view)| same(view));
            if let Some((reading, view)) = found {
                if is_ours(mapping, resource, &view) {
                    return Ok(Some(Existing::Ours(reading)));
                }
                if !row.ambiguous {
                    return Ok(Some(Existing::Taken(row.spelling.clone(), reading)));
                }
            }
        }
        Ok(None)
    }

    /// Brings an object of an earlier try into the wanted state.
    async fn converge(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        resource: &Object,
    ) -> Result<Done, Failure> {
        self.story.decide(Decision::Adopted);
        let ids = self.scim_ids(kind, vec![id.clone()]).await?;
        let objects = ids.iter().map(|id| LockKey::Object(kind, id.to_string()));
        let _held = self.lock(objects.collect()).await?;
        let changes = self.unswitched(kind, self.mapping(kind)?.whole(resource))?;
        match self.alter(kind, id, changes, resource).await? {
            WriteEnd::NeedsRead => Err(GatewayFault::Internal.into()),
            WriteEnd::Done(Done {
                reading: Some(reading),
                written,
            }) => Ok(Done {
                reading: Some(reading),
                written,
            }),
            WriteEnd::Done(Done {
                reading: None,
                written,
            }) => Ok(Done {
                reading: Some(self.reread(kind, id).await?),
                written,
            }),
        }
    }

    fn taken(&self, kind: ResourceKind, attribute: String) -> Failure {
        let text = format!(
            "Another {} already has this {attribute}. Match on it, or remove the other one at the vendor.",
            kind.as_str().to_lowercase()
        );
        self.story.decide(Decision::Taken(attribute));
        ScimError::uniqueness(text).into()
    }

    /// A new account is in use unless Entra says otherwise.
    pub(super) async fn activate_new(
        &self,
        kind: ResourceKind,
        reading: Reading,
        resource: &Object,
    ) -> Result<Reading, Failure> {
        if kind != ResourceKind::User || !self.adapter.has_switch() {
            return Ok(reading);
        }
        let wanted = resource
            .get("active")
            .and_then(Value::as_bool)
            .unwrap_or(true);
        if !wanted && !self.is_active(&reading)? {
            return Ok(reading);
        }
        let id = reading.id.clone();
        self.settle(&id, reading, wanted).await
    }

    /// Issues the id and remembers what the vendor cannot.
    pub(super) async fn note(
        &self,
        kind: ResourceKind,
        reading: &Reading,
        resource: &Object,
        written: &[Written],
    ) -> Result<(ScimId, Remembered), Failure> {
        let mapping = self.mapping(kind)?;
        let ids = self.scim_ids(kind, vec![reading.id.clone()]).await?;
        let id = ids.into_iter().next().ok_or(GatewayFault::Internal)?;
        let mut remembered = Remembered {
            extra: extra_of(mapping, resource),
            ..Remembered::default()
        };
        self.note_kept(update_overrides(mapping, &mut remembered, written, reading));
        self.remember_active(kind, &mut remembered, resource, reading)?;
        remembered.suspended =
            kind == ResourceKind::User && self.suspends() && !self.is_active(reading)?;
        self.keep(kind, &mut remembered, reading)?;
        self.memory
            .remember(&self.key(kind, &id), remembered.clone())
            .await?;
        Ok((id, remembered))
    }

    /// While an account is pending, what Entra asked for is the answer.
    pub(super) fn remember_active(
        &self,
        kind: ResourceKind,
        remembered: &mut Remembered,
        resource: &Object,
        reading: &Reading,
    ) -> Result<(), Failure> {
        let mapping = self.mapping(kind)?;
        let Some((index, row)) = mapping.active_row() else {
            return Ok(());
        };
        if !self.adapter.has_switch() || kind != ResourceKind::User {
            return Ok(());
        }
        let Some(asked) = row.leaf.get(resource).filter(|value| value.is_boolean()) else {
            return Ok(());
        };
        let native = reading
            .values
            .iter()
            .find(|value| value.row == index)
            .map(|value| value.native.clone());
        let written = Written {
            row: index,
            value: Some(asked.clone()),
            native: native.unwrap_or(Value::Null),
        };
        update_overrides(mapping, remembered, &[written], reading);
        Ok(())
    }
}

/// The values that name an object: one writer at a time for each.
pub(super) fn names(kind: ResourceKind, resource: &Object) -> Vec<LockKey> {
    let attributes: &[&'static str] = match kind {
        ResourceKind::User => &["userName", "externalId"],
        ResourceKind::Group => &["displayName", "externalId"],
    };
    let value = |name: &&'static str| {
        let text = resource.get(*name)?.as_str()?;
        Some(LockKey::Value(kind, name, fold(text).into_owned()))
    };
    attributes.iter().filter_map(value).collect()
}

/// An object with the same `externalId` and one more name in common (an e-mail
/// address) was made by an earlier try of the same client. Neither alone makes
/// it ours: Entra fills `externalId` from mailNickname unless told otherwise,
/// which two people may share, and one would get the other's account.
fn is_ours(mapping: &Mapping, resource: &Object, view: &Object) -> bool {
    let external = |object: &Object| {
        object
            .get("externalId")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let mut names = mapping
        .mapped()
        .filter(|(_, row)| row.lookup.is_some() && row.leaf.attribute != "externalId");
    let shares_name = names.any(|(_, row)| {
        let (asked, held) = (row.leaf.get(resource), row.leaf.get(view));
        asked.is_some_and(|asked| held.is_some_and(|held| same_value(held, asked)))
    });
    shares_name && external(resource).is_some_and(|mine| external(view) == Some(mine))
}

fn is_worth_a_look(failure: &Failure) -> bool {
    failure.is_conflict() || is_doubtful(failure)
}

fn same_value(held: &Value, asked: &Value) -> bool {
    match (held.as_str(), asked.as_str()) {
        (Some(held), Some(asked)) => fold(held) == fold(asked),
        _ => held == asked,
    }
}
