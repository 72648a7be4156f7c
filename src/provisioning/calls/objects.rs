//! What a function of the script gave: objects of the vendor, whole ones of this customer, or a failure that
//! says who is wrong.

use std::borrow::Cow;

use rhai::{Array, Dynamic, Map};
use serde_json::Value;

use super::Vm;
use crate::adapter::keys::NativeId;
use crate::adapter::mapping::{Mapping, Reading, id_in};
use crate::provisioning::trace::mask;
use crate::scim::{ResourceKind, ScimError};
use crate::script::fault::{Failure, ScriptFault, VendorFault};
use crate::script::fiber;
use crate::script::host::{json, shape_of};
use crate::script::origin::Origin;

impl Vm {
    /// What a function gave cannot be used. If it is the vendor's answer as it came, or a part of
    /// it, the vendor answers unusably; else the script is wrong.
    pub(in crate::provisioning) fn misshapen(
        &self,
        function: &str,
        given: &Dynamic,
        expected: &str,
    ) -> Failure {
        self.blamed(function, given, expected, shape_of(given))
    }

    /// The same, where `came` says what about it is wrong.
    fn blamed(&self, function: &str, given: &Dynamic, expected: &str, came: String) -> Failure {
        let place = self.adapter.script.place_of(function);
        let last = self.effects.last().filter(|last| {
            let body = self.adapter.replies.parse(&last.body);
            let given = json::to_value(given);
            body.zip(given)
                .is_some_and(|(body, given)| holds(&body, &given))
        });
        match last {
            Some(last) => {
                let origin = Origin {
                    place: Some(place),
                    call: Some(last.call),
                    what: format!("{expected} is needed, and the vendor answered with {came}"),
                    ..Origin::default()
                };
                Failure::Vendor(VendorFault::Unusable, Some(Box::new(origin)))
            }
            None => {
                let message = format!("{function} must give {expected}, and gave {came}");
                ScriptFault { place, message }.into()
            }
        }
    }

    /// Reads an object that a function gave, out of the vendor's envelope.
    fn read(&self, mapping: &Mapping, function: &str, given: &Dynamic) -> Result<Reading, Failure> {
        let object = given.read_lock::<Map>();
        let found = object.and_then(|object| Some((mapping.key_in(&object)?, object)));
        let (id, object) = found.ok_or_else(|| {
            let expected = format!("an object with its id in `{}`", mapping.key_field());
            let other = given.read_lock::<Map>();
            let other = other.and_then(|object| mapping.key_value_in(&object));
            let came = match other {
                None => shape_of(given),
                Some(text) if text.is_string() => "one where that is empty".to_owned(),
                Some(other) => format!("one where that is {}", shape_of(&other)),
            };
            self.blamed(function, given, &expected, came)
        })?;
        mapping.read(id, &object, &self.closures())
    }

    /// What stands in the vendor's envelope, if the manifest names one and the object is in it.
    fn unwrapped<'v>(&self, kind: ResourceKind, given: &'v Dynamic) -> Cow<'v, Dynamic> {
        let rule = self.adapter.id_rule(kind);
        let inner = rule
            .and_then(|rule| rule.envelope.as_deref())
            .and_then(|envelope| {
                let outer = given.read_lock::<Map>()?;
                outer.get(envelope).filter(|inner| inner.is_map()).cloned()
            });
        inner.map_or(Cow::Borrowed(given), Cow::Owned)
    }

    /// Whether an object is the tenant's own; `None` if it does not say whose it is.
    fn is_own(&self, given: &Dynamic) -> Option<bool> {
        let Some(fence) = &self.fence else {
            return Some(true);
        };
        let owner = Mapping::text_at(&*given.read_lock::<Map>()?, &fence.field)?;
        Some(!fence.owner.is_empty() && owner == fence.owner)
    }

    /// Looks what an object of the vendor shows. Whose it is comes first: of another customer's,
    /// nothing else matters.
    fn shown(&self, mapping: &Mapping, function: &str, given: &Dynamic) -> Result<Shown, Failure> {
        let given = self.unwrapped(mapping.kind, given);
        let own = self.is_own(&given);
        if own == Some(false) {
            return Ok(Shown::Foreign);
        }
        let reading = self.read(mapping, function, &given)?;
        if let Some(lack) = self.lack(mapping, function, &reading, &given) {
            return Ok(Shown::Half(reading.id, lack));
        }
        match (own, &self.fence) {
            (None, Some(fence)) => {
                let what = format!(
                    "an object lacks `{}`, which tells whose it is: {}",
                    fence.field,
                    shape_of(&given)
                );
                Ok(Shown::Unowned(reading.id, self.unusable(function, what)))
            }
            _ => Ok(Shown::Whole(reading)),
        }
    }

    fn unusable(&self, function: &str, what: String) -> Failure {
        let origin = Origin {
            place: Some(self.adapter.script.place_of(function)),
            call: self.effects.last().map(|last| last.call),
            what,
            ..Origin::default()
        };
        Failure::Vendor(VendorFault::Unusable, Some(Box::new(origin)))
    }

    /// Why an object is not whole: a vendor that shows half of one, as some do to a key without
    /// rights, is not believed.
    fn lack(
        &self,
        mapping: &Mapping,
        function: &str,
        reading: &Reading,
        given: &Dynamic,
    ) -> Option<Failure> {
        let (field, attribute) = mapping.lacking(reading, &*given.read_lock::<Map>()?)?;
        let what = format!(
            "the {} {} lacks `{field}` ({attribute}), which the table says every one has: {}",
            mapping.kind.snake(),
            mask::id(reading.id.as_str()),
            shape_of(given)
        );
        Some(self.unusable(function, what))
    }

    /// Calls a function that gives one object or `()`. A vendor that shows half of one, as some do
    /// to a key without rights, is not believed.
    pub(in crate::provisioning) fn object(
        &self,
        mapping: &Mapping,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Option<Reading>, Failure> {
        let given = self.call(function, arguments)?;
        if given.is_unit() {
            return Ok(None);
        }
        match self.shown(mapping, function, &given)? {
            Shown::Whole(reading) => Ok(Some(reading)),
            Shown::Half(_, lack) | Shown::Unowned(_, lack) => Err(lack),
            Shown::Foreign => Err(ScimError::not_found("another customer's").into()),
        }
    }

    /// The same of a function that writes. What a vendor answers with a part of is read.
    pub(in crate::provisioning) fn written(
        &self,
        mapping: &Mapping,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Option<Reading>, Failure> {
        let given = self.call(function, arguments)?;
        if given.is_unit() {
            return Ok(None);
        }
        let id = match self.shown(mapping, function, &given)? {
            Shown::Whole(reading) => return Ok(Some(reading)),
            Shown::Foreign => {
                let what = "a write was answered with another customer's object";
                return Err(self.unusable(function, what.to_owned()));
            }
            // Only a part came.
            Shown::Half(id, _) | Shown::Unowned(id, _) => id,
        };
        let get = format!("get_{}", mapping.kind.snake());
        match self.object(mapping, &get, (id.to_string(),)) {
            // Nobody asked for that id: the reply is about something else than was written.
            Err(Failure::Client(absent)) if absent.status == 404 => {
                let what = "a write was answered with the id of an object that does not exist";
                Err(self.unusable(function, what.to_owned()))
            }
            whole => whole,
        }
    }

    /// Reads an array of objects that a function gave, which must all be whole.
    pub(in crate::provisioning) fn objects(
        &self,
        mapping: &Mapping,
        function: &str,
        given: &Dynamic,
    ) -> Result<Vec<Reading>, Failure> {
        let rows = self.rows(mapping, function, given)?;
        rows.lacks.into_iter().next().map_or(Ok(rows.whole), Err)
    }

    /// Reads an array of objects that a function gave. What it shows a part of is read by its id,
    /// so that one object stops no list.
    pub(in crate::provisioning) fn rows(
        &self,
        mapping: &Mapping,
        function: &str,
        given: &Dynamic,
    ) -> Result<Rows, Failure> {
        let rows = given.read_lock::<Array>();
        let rows = rows.ok_or_else(|| self.misshapen(function, given, "an array of objects"))?;
        let (mut whole, mut lacks) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows.iter() {
            fiber::rest();
            let id = match self.shown(mapping, function, row)? {
                Shown::Whole(reading) => {
                    whole.push(reading);
                    continue;
                }
                Shown::Foreign => continue,
                Shown::Unowned(_, lack) => return Err(lack),
                Shown::Half(id, _) => id,
            };
            let get = format!("get_{}", mapping.kind.snake());
            let given = match self.call(&get, (id.to_string(),)) {
                Err(Failure::Client(absent)) if absent.status == 404 => continue,
                given => given?,
            };
            if given.is_unit() {
                continue;
            }
            match self.shown(mapping, &get, &given)? {
                Shown::Whole(reading) => whole.push(reading),
                Shown::Half(_, lack) => lacks.push(lack),
                Shown::Unowned(_, lack) => return Err(lack),
                Shown::Foreign => {}
            }
        }
        Ok(Rows { whole, lacks })
    }

    /// Calls a function that gives an array of ids.
    pub(in crate::provisioning) fn ids(
        &self,
        function: &str,
        arguments: impl rhai::FuncArgs,
    ) -> Result<Vec<NativeId>, Failure> {
        let given = self.call(function, arguments)?;
        let ids = given
            .read_lock::<Array>()
            .and_then(|ids| ids.iter().map(id_in).collect::<Option<Vec<_>>>());
        ids.ok_or_else(|| self.misshapen(function, &given, "an array of ids, texts or numbers,"))
    }

    /// The native key in the fields of a write, or what `key_…(fields)` says of them.
    pub(in crate::provisioning) fn key_of(
        &self,
        mapping: &Mapping,
        fields: Map,
    ) -> Result<Option<NativeId>, Failure> {
        let function = format!("key_{}", mapping.kind.snake());
        if fields.is_empty() || self.adapter.script.arity(&function).is_none() {
            return Ok(mapping.key_in(&fields));
        }
        let key = self.call(&function, (fields,))?;
        if key.is_unit() {
            return Ok(None);
        }
        let id = id_in(&key);
        let id =
            id.ok_or_else(|| self.misshapen(&function, &key, "an id, a text or number, or ()"));
        id.map(Some)
    }
}

/// What a function shows of one object.
enum Shown {
    Whole(Reading),
    /// Only a part of it: why that cannot be used.
    Half(NativeId, Failure),
    /// All of it, but not whose it is.
    Unowned(NativeId, Failure),
    /// Another customer's.
    Foreign,
}

/// The objects of an array.
pub(in crate::provisioning) struct Rows {
    pub(in crate::provisioning) whole: Vec<Reading>,
    /// Of each object of which the vendor shows only a part: why that cannot be used.
    pub(in crate::provisioning) lacks: Vec<Failure>,
}

/// Whether `given` is the answer or stands in it. Numbers and the like are too common to tell.
fn holds(answer: &Value, given: &Value) -> bool {
    let same = match given {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(_) | Value::Array(_) | Value::Object(_) => answer == given,
    };
    same || match answer {
        Value::Array(items) => items.iter().any(|item| holds(item, given)),
        Value::Object(members) => members.values().any(|item| holds(item, given)),
        _ => false,
    }
}
