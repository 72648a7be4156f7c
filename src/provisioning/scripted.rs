//! The vendor's functions, called on a fiber. Everything a script gives is
//! turned into plain data before the fiber ends.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Map};
use serde_json::Value;
use tracing::{Instrument, Span};

use super::batch::Crew;
use super::noting::Noted;
use super::trace::{Decision, Step, Story};
use super::{Operation, TRACE_ONLY};
use crate::adapter::Adapter;
use crate::adapter::environment::TenantEnvironment;
use crate::adapter::keys::NativeId;
use crate::adapter::manifest::PagingStyle;
use crate::adapter::mapping::{Change, Closures, Mapping, Purpose, Reading, Refusal, Written};
use crate::scim::compare::fold;
use crate::scim::{Object, ResourceKind};
use crate::script::fault::{Failure, VendorFault};
use crate::script::fiber::{self, Budget};
use crate::script::host::{ScriptContext, json};

/// CPU time of one script; waiting for the vendor is free.
const CPU: Duration = Duration::from_millis(250);

/// Where a page of the vendor's list begins.
pub(super) enum Place {
    /// At a row, from 0.
    Row(usize),
    /// Where the page before ended; at the first row without one.
    Cursor(Option<String>),
}

/// One page of the vendor's list.
pub(super) struct Page {
    pub(super) readings: Vec<Reading>,
    /// Of all pages. A vendor with cursors may not tell.
    pub(super) total: Option<usize>,
    /// Where the next page begins, for a vendor with cursors; `None` after the last.
    pub(super) next: Option<String>,
    /// The vendor no longer knows the cursor: nothing was read.
    pub(super) expired: bool,
}

/// A write that was carried out.
pub(super) struct Done {
    /// What the vendor holds now, if it said so.
    pub(super) reading: Option<Reading>,
    /// What was sent.
    pub(super) written: Vec<Written>,
}

/// What a create came to.
pub(super) enum Made {
    Done(Done),
    /// Nothing was sent: a value is missing or has no native form.
    Unfit(Failure),
}

/// What a write came to.
pub(super) enum WriteEnd {
    Done(Done),
    /// Nothing was sent: a value depends on one that only the vendor knows.
    NeedsRead,
}

impl Operation {
    /// `get_…(id)`; `None` if the vendor says there is no such object.
    pub(super) async fn fetch(
        &self,
        kind: ResourceKind,
        id: &NativeId,
    ) -> Result<Option<Reading>, Failure> {
        let fetched = self.fetch_plain(kind, id).await?;
        self.referring(kind, fetched).await
    }

    /// The same with references as the vendor holds them.
    pub(super) async fn fetch_plain(
        &self,
        kind: ResourceKind,
        id: &NativeId,
    ) -> Result<Option<Reading>, Failure> {
        let (mapping, id) = (Arc::clone(self.mapping(kind)?), id.clone());
        let asked = id.clone();
        let fetched = self
            .run(move |vm| {
                let function = format!("get_{}", kind.snake());
                let found = vm.object(&mapping, &function, (id.to_string(),))?;
                only(&id, found)
            })
            .await;
        self.note_read(&fetched);
        match fetched {
            // RFC 7643 §3.1: an id is compared exactly, however the vendor reads it.
            Ok(Some(reading)) if reading.id != asked && !self.is_issued(kind) => Ok(None),
            Err(failure) if failure.is_absent() => Ok(None),
            other => other,
        }
    }

    /// `find_…(field, value)` for one row of the table. Candidates only: the
    /// caller looks whether they really match.
    ///
    /// # Errors
    /// Never "absent": none found is an empty list.
    pub(super) async fn find(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
    ) -> Result<Vec<Reading>, Failure> {
        let found = self.find_plain(kind, row, value).await?;
        self.referring(kind, found).await
    }

    /// The same with references as the vendor holds them.
    pub(super) async fn find_plain(
        &self,
        kind: ResourceKind,
        row: usize,
        value: &Value,
    ) -> Result<Vec<Reading>, Failure> {
        let (mapping, value) = (Arc::clone(self.mapping(kind)?), value.clone());
        let found = self.run(move |vm| {
            let Some((field, native)) = vm.key(&mapping, row, &value)? else {
                return Ok(None);
            };
            let rows = vm.call(
                &format!("find_{}", kind.snake()),
                (field, json::to_dynamic(&native)),
            )?;
            Ok(Some((native, vm.readings(&mapping, rows)?)))
        });
        let found = listed(found.await)?;
        let found = match found {
            Some((native, found)) => self.up_to_date(kind, row, &native, found).await?,
            None => Vec::new(),
        };
        self.note_lookup(kind, row, found.len());
        Ok(found)
    }

    /// `list_…(page)`: rows from `place`, at most `count`.
    pub(super) async fn fetch_page(
        &self,
        kind: ResourceKind,
        place: Place,
        count: usize,
    ) -> Result<Page, Failure> {
        let mapping = Arc::clone(self.mapping(kind)?);
        let style = self.adapter.manifest.paging.style;
        let goes_on = matches!(place, Place::Cursor(Some(_)));
        let fetched = self.run(move |vm| {
            let page = page_argument(style, &place, count);
            let given = vm.call(&format!("list_{}s", kind.snake()), (page,))?;
            let given = given.try_cast::<Map>().ok_or(VendorFault::Unusable)?;
            let total = given.get("total").and_then(count_of);
            if total.is_none() && style != PagingStyle::Cursor {
                return Err(VendorFault::Unusable.into());
            }
            let next = given.get("next").filter(|next| !next.is_unit());
            let rows = given.get("rows").cloned().unwrap_or(Dynamic::UNIT);
            Ok(Page {
                readings: vm.readings(&mapping, rows)?,
                total,
                next: next.map(ToString::to_string),
                expired: false,
            })
        });
        let page = match fetched.await {
            Err(failure) if goes_on && failure.is_absent() => Ok(Page {
                readings: Vec::new(),
                total: None,
                next: None,
                expired: true,
            }),
            fetched => listed(fetched),
        };
        let mut page = page?;
        self.without_gone(kind, &mut page.readings);
        let rows = page.readings.len();
        self.story.note(Step::Page { rows });
        page.readings = self.referring(kind, page.readings).await?;
        Ok(page)
    }

    /// `create_…(object)`.
    pub(super) async fn make(
        &self,
        kind: ResourceKind,
        resource: &Object,
    ) -> Result<Made, Failure> {
        let changes = self.unswitched(kind, self.mapping(kind)?.whole(resource))?;
        let changes = match self.referred(kind, changes).await {
            Ok(changes) => changes,
            Err(failure) if matches!(failure, Failure::Client(_)) => {
                return Ok(Made::Unfit(failure));
            }
            Err(failure) => return Err(failure),
        };
        let (mapping, resource) = (Arc::clone(self.mapping(kind)?), resource.clone());
        let made = self.run(move |vm| {
            let native = mapping.write(&changes, &resource, Purpose::Create, &vm.closures());
            let native = match native.map_err(Refusal::into_failure) {
                Ok(native) => native,
                Err(failure) => return Ok(Made::Unfit(failure)),
            };
            vm.note_fields(&native.fields);
            let function = format!("create_{}", kind.snake());
            let reading = if vm.adapter.script.arity(&function) == Some(2) {
                let asked = mapping.for_script(&resource);
                vm.object(&mapping, &function, (native.fields, asked))?
            } else {
                vm.object(&mapping, &function, (native.fields,))?
            };
            Ok(Made::Done(Done {
                reading,
                written: native.written,
            }))
        });
        Ok(match made.await? {
            Made::Done(done) => Made::Done(self.done(kind, None, done).await?),
            unfit => unfit,
        })
    }

    /// `update_…(id, changes)`; not called when no native field changes.
    pub(super) async fn alter(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        changes: Vec<Change>,
        resource: &Object,
    ) -> Result<WriteEnd, Failure> {
        let changes = self.referred(kind, changes).await?;
        let (mapping, id, resource) = (
            Arc::clone(self.mapping(kind)?),
            id.clone(),
            resource.clone(),
        );
        let (may_move, altering) = (self.is_issued(kind), id.clone());
        let altered = self.run(move |vm| {
            let native = match mapping.write(&changes, &resource, Purpose::Update, &vm.closures()) {
                Err(Refusal::NeedsRead) => return Ok(WriteEnd::NeedsRead),
                other => other.map_err(Refusal::into_failure)?,
            };
            let reading = if native.fields.is_empty() {
                vm.story.decide(Decision::NothingToTell);
                None
            } else {
                vm.note_fields(&native.fields);
                let function = format!("update_{}", kind.snake());
                let given = vm.object(&mapping, &function, (id.to_string(), native.fields))?;
                if may_move { given } else { only(&id, given)? }
            };
            Ok(WriteEnd::Done(Done {
                reading,
                written: native.written,
            }))
        });
        Ok(match altered.await? {
            WriteEnd::Done(done) => WriteEnd::Done(self.done(kind, Some(&altering), done).await?),
            unread => unread,
        })
    }

    async fn done(
        &self,
        kind: ResourceKind,
        id: Option<&NativeId>,
        done: Done,
    ) -> Result<Done, Failure> {
        let made = done.reading.as_ref().map(|reading| &reading.id);
        if let Some(id) = made.or(id) {
            self.note_write(kind, id, &done.written);
        }
        Ok(Done {
            reading: self.referring(kind, done.reading).await?,
            ..done
        })
    }

    /// Whether the vendor holds all that a write of these changes sent, and then
    /// what that was.
    pub(super) async fn holds(
        &self,
        kind: ResourceKind,
        reading: &Reading,
        changes: Vec<Change>,
        resource: &Object,
        purpose: Purpose,
    ) -> Result<Option<Vec<Written>>, Failure> {
        let changes = self.referred(kind, changes).await?;
        let (mapping, resource) = (Arc::clone(self.mapping(kind)?), resource.clone());
        let held = reading.clone();
        self.run(
            move |vm| match mapping.write(&changes, &resource, purpose, &vm.closures()) {
                Err(_) => Ok(None),
                Ok(native) => Ok(held.has(&native.written, purpose).then_some(native.written)),
            },
        )
        .await
    }

    /// The native key that changes give an object, as `key_…(fields)` tells it where it is not
    /// one of the fields; `None` if they leave it.
    pub(super) async fn new_key(
        &self,
        kind: ResourceKind,
        changes: Vec<Change>,
        resource: &Object,
    ) -> Result<Option<NativeId>, Failure> {
        let changes = self.referred(kind, changes).await?;
        let (mapping, resource) = (Arc::clone(self.mapping(kind)?), resource.clone());
        self.run(move |vm| {
            match mapping.write(&changes, &resource, Purpose::Update, &vm.closures()) {
                Err(Refusal::NeedsRead) => Ok(None),
                other => vm.key_of(&mapping, other.map_err(Refusal::into_failure)?.fields),
            }
        })
        .await
    }

    /// `delete_…(id)`.
    pub(super) async fn remove(&self, kind: ResourceKind, id: &NativeId) -> Result<(), Failure> {
        let key = id.to_string();
        self.run(move |vm| {
            vm.call(&format!("delete_{}", kind.snake()), (key,))
                .map(drop)
        })
        .await?;
        self.note_removal(kind, id);
        Ok(())
    }

    /// `activate_user(id)` or `deactivate_user(id)`.
    pub(super) async fn switch(
        &self,
        id: &NativeId,
        active: bool,
    ) -> Result<Option<Reading>, Failure> {
        let (mapping, id) = (Arc::clone(self.mapping(ResourceKind::User)?), id.clone());
        let function = if active {
            "activate_user"
        } else {
            "deactivate_user"
        };
        let switched =
            self.run(move |vm| only(&id, vm.object(&mapping, function, (id.to_string(),))?));
        self.referring(ResourceKind::User, switched.await?).await
    }

    /// `assign_group(user, group)`, for a vendor with one group a user.
    pub(super) async fn assign(
        &self,
        user: &NativeId,
        group: Option<NativeId>,
    ) -> Result<(), Failure> {
        let user = user.to_string();
        let group = group.map_or(Dynamic::UNIT, |group| group.to_string().into());
        self.run(move |vm| vm.call("assign_group", (user, group)).map(drop))
            .await
    }

    /// `add_members(group, users)` or `remove_members(group, users)`.
    pub(super) async fn regroup(
        &self,
        function: &'static str,
        group: &NativeId,
        users: Vec<NativeId>,
    ) -> Result<(), Failure> {
        let group = group.to_string();
        self.run(move |vm| {
            let users: Array = users.iter().map(|user| user.to_string().into()).collect();
            vm.call(function, (group, users)).map(drop)
        })
        .await
    }

    /// `list_members(group)`.
    pub(super) async fn fetch_members(&self, group: &NativeId) -> Result<Vec<NativeId>, Failure> {
        let group = group.to_string();
        self.run(move |vm| ids(vm.call("list_members", (group,))?))
            .await
    }

    /// `list_memberships(user)`: the groups a user is in.
    pub(super) async fn fetch_memberships(
        &self,
        user: &NativeId,
    ) -> Result<Vec<NativeId>, Failure> {
        let user = user.to_string();
        self.run(move |vm| ids(vm.call("list_memberships", (user,))?))
            .await
    }

    async fn run<T: 'static>(
        &self,
        job: impl FnOnce(&Vm) -> Result<T, Failure> + 'static,
    ) -> Result<T, Failure> {
        let adapter = Arc::clone(&self.adapter);
        let crew = (!adapter.manifest.batch.is_empty()).then(|| self.crew());
        let environment = TenantEnvironment::new(&adapter, &self.settings, crew);
        let story = Rc::clone(&self.story);
        let noted = Noted {
            backend: &*self.backend,
            script: &self.adapter.script,
            story: &self.story,
        };
        let budget = Budget {
            cpu: CPU,
            deadline: self.deadline,
        };
        let span = tracing::info_span!(
            target: TRACE_ONLY,
            "script",
            vendor = self.adapter.name.as_str(),
            function = tracing::field::Empty,
        );
        let recording = span.clone();
        fiber::run(
            move |call| {
                let stage = ScriptContext::new(call, environment);
                job(&Vm {
                    adapter,
                    stage,
                    story,
                    span: recording,
                })
            },
            budget,
            &noted,
        )
        .instrument(span)
        .await
    }

    fn crew(&self) -> Crew {
        Crew {
            tenant: self.tenant.clone(),
            adapter: Arc::clone(&self.adapter),
            settings: Arc::clone(&self.settings),
            // A batch's leader may lead for hours; its own request's story must end with it.
            backend: self.backend.apart().unwrap_or(Rc::clone(&self.backend)),
            batches: Arc::clone(&self.batches),
            deadline: self.deadline,
        }
    }
}

/// An array of ids, as a script gives them.
fn ids(given: Dynamic) -> Result<Vec<NativeId>, Failure> {
    let given = given.try_cast::<Array>().ok_or(VendorFault::Unusable)?;
    let ids = given.iter().map(|id| NativeId::new(&id.to_string()));
    Ok(ids.collect())
}

/// A vendor that gives another object than it was asked for is not believed:
/// what it gave is somebody else's. Names may come back in other letter case.
fn only(asked: &NativeId, given: Option<Reading>) -> Result<Option<Reading>, Failure> {
    let same = |reading: &Reading| fold(reading.id.as_str()) == fold(asked.as_str());
    match given {
        Some(reading) if !same(&reading) => Err(VendorFault::Unusable.into()),
        given => Ok(given),
    }
}

/// A list is there, if only an empty one. "Absent" is then said of the path:
/// the base URL is wrong, and Entra must not take that for an empty directory.
fn listed<T>(given: Result<T, Failure>) -> Result<T, Failure> {
    given.map_err(|failure| match failure.is_absent() {
        true => VendorFault::Unusable.into(),
        false => failure,
    })
}

/// A count as a number, or as the text that XML has for it.
fn count_of(total: &Dynamic) -> Option<usize> {
    let number = total.as_int().ok();
    number.map_or_else(
        || total.read_lock::<rhai::ImmutableString>()?.parse().ok(),
        |number| usize::try_from(number).ok(),
    )
}

fn page_argument(style: PagingStyle, place: &Place, count: usize) -> Map {
    let number = |n: usize| Dynamic::from(i64::try_from(n).unwrap_or(i64::MAX));
    let first = match place {
        Place::Cursor(after) => (
            "after".into(),
            after.clone().map_or(Dynamic::UNIT, Dynamic::from),
        ),
        Place::Row(row) if style == PagingStyle::Page => {
            ("page".into(), number(row / count.max(1) + 1))
        }
        Place::Row(row) => ("offset".into(), number(*row)),
    };
    Map::from([first, ("size".into(), number(count))])
}

/// A script on its stage.
struct Vm {
    adapter: Arc<Adapter>,
    stage: ScriptContext,
    story: Rc<Story>,
    span: Span,
}

impl Vm {
    fn call(&self, function: &str, arguments: impl rhai::FuncArgs) -> Result<Dynamic, Failure> {
        self.span.record("function", function);
        let adapter = &self.adapter;
        let failure = |fault| adapter.failure_of(fault);
        let calling = self.story.function(function);
        let given = (adapter.script).call(&self.stage, failure, function, arguments);
        calling.ended(given.is_ok());
        given
    }

    fn note_fields(&self, fields: &Map) {
        if !self.story.takes_notes() {
            return;
        }
        let names = fields.keys().map(ToString::to_string).collect();
        self.story.note(Step::Fields { names });
    }

    fn closures(&self) -> Closures<'_> {
        let Adapter {
            script, manifest, ..
        } = &*self.adapter;
        Closures {
            engine: script.engine(),
            ast: &script.ast,
            script: &script.file,
            title: &manifest.title,
        }
    }

    /// Calls a function that gives one object or `()`.
    fn object(
        &self,
        mapping: &Mapping,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Option<Reading>, Failure> {
        let given = self.call(function, arguments)?;
        if given.is_unit() {
            return Ok(None);
        }
        let object = given.read_lock::<Map>().ok_or(VendorFault::Unusable)?;
        mapping.read(&object, &self.closures()).map(Some)
    }

    fn key_of(&self, mapping: &Mapping, fields: Map) -> Result<Option<NativeId>, Failure> {
        let function = format!("key_{}", mapping.kind.snake());
        if fields.is_empty() || self.adapter.script.arity(&function).is_none() {
            return Ok(mapping.key_in(&fields));
        }
        let key = self.call(&function, (fields,))?;
        Ok((!key.is_unit()).then(|| NativeId::new(&key.to_string())))
    }

    fn readings(&self, mapping: &Mapping, rows: Dynamic) -> Result<Vec<Reading>, Failure> {
        let rows = rows.try_cast::<Array>().ok_or(VendorFault::Unusable)?;
        let objects = rows.iter().map(|row| {
            let object = row.read_lock::<Map>().ok_or(VendorFault::Unusable)?;
            mapping.read(&object, &self.closures())
        });
        objects.collect()
    }

    /// The vendor's look-up field and value for a row; `None` for a value that
    /// no object can have.
    fn key(
        &self,
        mapping: &Mapping,
        row: usize,
        value: &Value,
    ) -> Result<Option<(String, Value)>, Failure> {
        let Some(row) = mapping.row(row) else {
            return Ok(None);
        };
        let Some(field) = row.lookup.clone() else {
            return Ok(None);
        };
        match mapping.to_native(row, value, &Object::new(), &self.closures()) {
            Ok(native) if native.is_null() => Ok(None),
            Ok(native) => Ok(Some((field, native))),
            Err(Refusal::Failed(failure)) if !matches!(failure, Failure::Client(_)) => Err(failure),
            Err(_) => Ok(None),
        }
    }
}
