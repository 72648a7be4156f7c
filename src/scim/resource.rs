//! A received resource (POST, PUT) brought into canonical form.

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::compare::same_text;
use super::path::is_name;
use super::schema::{Attribute, Extension, Mutability};
use super::value::{Place, Shaper};
use super::{Leaf, Object, Path, Profile, ResourceType, ScimError};

/// A resource as received, in canonical form.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Canonical names, types checked, readOnly attributes gone, nothing empty, `schemas` as
    /// present. Keys in the order of arrival.
    pub resource: Object,
    /// Attributes that no schema has, as they were spelt; told once, never an error except
    /// under the strict profile.
    pub ignored: Vec<String>,
    /// Core attributes that were given as null or as an empty list. That is the same state as
    /// absent (RFC 7643 §2.5), but it was said.
    pub emptied: Vec<String>,
}

impl Incoming {
    /// Whether a core attribute was mentioned, if only to say that it has no value.
    pub fn gives(&self, attribute: &str) -> bool {
        self.resource.contains_key(attribute) || self.emptied.iter().any(|name| name == attribute)
    }
}

/// Brings a resource into canonical form.
///
/// Names match in any case; dotted (`name.givenName`), URN-qualified and bracketed keys nest;
/// null, `[]` and (tolerant profiles) `""` are absent; `"True"` is `true`; `manager` may be a
/// string, a list of one or an object; `roles[].displayName` is `display`.
///
/// # Errors
/// `invalidSyntax` when the body is no object or an attribute stands twice; `invalidValue` for a
/// wrong type or a missing required attribute, naming it and never the value.
pub fn canonicalise(
    body: Value,
    types: &ResourceType,
    profile: Profile,
) -> Result<Incoming, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::invalid_syntax("the body must be a JSON object"));
    };
    let mut intake = Intake {
        types,
        shaper: Shaper::new(profile),
        resource: Object::new(),
        bare: Vec::new(),
        emptied: Vec::new(),
    };
    for (key, value) in body {
        intake.take(key, value)?;
    }
    intake.finish()
}

/// A resource while it is read.
struct Intake<'a> {
    types: &'a ResourceType,
    shaper: Shaper,
    resource: Object,
    /// Extension attributes written without URN: they count only where nothing else is said.
    bare: Vec<(&'a str, &'a Attribute, Value)>,
    emptied: Vec<String>,
}

impl<'a> Intake<'a> {
    fn take(&mut self, key: String, value: Value) -> Result<(), ScimError> {
        if same_text(&key, "schemas") {
            return self.take_schemas(&value);
        }
        if is_name(&key) {
            return match self.types.resolve(None, &key) {
                Some((None, attribute)) => self.put(None, attribute, value),
                Some((Some(urn), attribute)) => {
                    self.bare.push((urn, attribute, value));
                    Ok(())
                }
                None => self.shaper.ignore(key),
            };
        }
        match self.types.extension(&key) {
            Some(schema) => self.take_extension(&schema.id, value),
            None => self.take_path(&key, value),
        }
    }

    /// Only what is present counts: Entra lists the enterprise URN whether or not it sends any
    /// of its attributes. To the letter the core URN is there and none stands twice (RFC 7643 §3).
    fn take_schemas(&mut self, value: &Value) -> Result<(), ScimError> {
        self.resource.insert("schemas".to_owned(), Value::Null);
        if self.shaper.profile.skips_unknown_schemas() {
            return Ok(());
        }
        let mut missing: Vec<&str> = self.types.schemas().map(|schema| &*schema.id).collect();
        for urn in value.as_array().into_iter().flatten() {
            let named = urn.as_str().unwrap_or_default();
            let known = missing.iter().position(|urn| same_text(urn, named));
            let known = known.ok_or_else(wrong_schemas)?;
            missing.swap_remove(known);
        }
        match missing.contains(&self.types.schema.id.as_str()) {
            true => Err(wrong_schemas()),
            false => Ok(()),
        }
    }

    fn take_extension(&mut self, urn: &'a str, value: Value) -> Result<(), ScimError> {
        let inner = match value {
            Value::Object(inner) => inner,
            Value::Null => return Ok(()),
            Value::String(text) if text.is_empty() => return Ok(()),
            _ => return Err(ScimError::invalid_value(format!("{urn} must be an object"))),
        };
        // Some write an extension as a resource, with `schemas` of its own.
        let inner = inner
            .into_iter()
            .filter(|(name, _)| !same_text(name, "schemas"));
        for (name, value) in inner {
            let types = self.types;
            match types.resolve(Some(urn), &name).filter(|_| is_name(&name)) {
                Some((urn, attribute)) => self.put(urn, attribute, value)?,
                None => self.take_path(&format!("{urn}:{name}"), value)?,
            }
        }
        Ok(())
    }

    /// A dotted, URN-qualified or bracketed key.
    fn take_path(&mut self, key: &str, value: Value) -> Result<(), ScimError> {
        let types = self.types;
        let Ok(path) = Path::read(key, types, self.shaper.profile) else {
            return self.shaper.ignore(key);
        };
        let found = types.resolve(path.attr.schema.as_deref(), &path.attr.attribute);
        let Some((urn, attribute)) = found else {
            return self.shaper.ignore(key);
        };
        match path.sub().and_then(|sub| attribute.sub(sub)) {
            None if path.filter.is_none() => self.put(urn, attribute, value),
            Some(part) if attribute.multi_valued == path.filter.is_some() => {
                self.put_part(&path, attribute, part, value)
            }
            _ => self.shaper.ignore(key),
        }
    }

    fn put_part(
        &mut self,
        path: &Path,
        attribute: &Attribute,
        part: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        if [attribute.mutability, part.mutability].contains(&Mutability::ReadOnly) {
            return Ok(());
        }
        let Some(leaf) = Leaf::of(path) else {
            return self.shaper.ignore(path);
        };
        let urn = path.attr.schema.as_deref();
        let place = Place {
            urn,
            attribute: &attribute.name,
            sub: Some(&part.name),
        };
        if let Some(value) = self.shaper.one(part, place, value)? {
            leaf.set(&mut self.resource, value);
        }
        Ok(())
    }

    /// RFC 7644 §3.3: readOnly attributes are ignored.
    fn put(
        &mut self,
        urn: Option<&str>,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        if attribute.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        let place = Place {
            urn,
            attribute: &attribute.name,
            sub: None,
        };
        let Some(value) = self.shaper.instead(attribute, place, value)? else {
            if urn.is_none() {
                self.emptied.push(attribute.name.clone());
            }
            return Ok(());
        };
        let holder = match urn {
            None => &mut self.resource,
            Some(urn) => extension(&mut self.resource, urn),
        };
        match (holder.get_mut(&attribute.name), value) {
            (None, value) => {
                holder.insert(attribute.name.clone(), value);
            }
            (Some(Value::Object(present)), Value::Object(more)) => present.extend(more),
            (Some(_), _) => {
                return Err(ScimError::invalid_syntax(format!("{place} stands twice")));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Incoming, ScimError> {
        for (urn, attribute, value) in std::mem::take(&mut self.bare) {
            let present = self
                .resource
                .get(urn)
                .and_then(|held| held.get(&attribute.name));
            if present.is_none() {
                self.put(Some(urn), attribute, value)?;
            }
        }
        self.require()?;
        self.types.set_schemas(&mut self.resource);
        Ok(Incoming {
            resource: self.resource,
            ignored: self.shaper.ignored,
            emptied: self.emptied,
        })
    }

    fn require(&self) -> Result<(), ScimError> {
        let unmarked = !self.resource.contains_key("schemas");
        if unmarked && !self.shaper.profile.skips_unknown_schemas() {
            return Err(wrong_schemas());
        }
        let mut required = self
            .types
            .schema
            .attributes
            .iter()
            .filter(|item| item.required);
        let is_missing = |name: &str| self.resource.get(name).is_none_or(|value| value == "");
        if let Some(missing) = required.find(|item| is_missing(&item.name)) {
            let detail = format!("{} is required and missing or empty", missing.name);
            return Err(ScimError::invalid_value(detail));
        }
        if let Some(missing) = self.types.extensions.iter().find_map(|it| self.gap(it)) {
            let detail = format!("{missing} is required and missing");
            return Err(ScimError::invalid_value(detail));
        }
        let mut extensions = self.types.extensions.iter().filter(|item| item.required);
        match extensions.find(|item| !self.resource.contains_key(&item.schema.id)) {
            Some(missing) => {
                let detail = format!("{} is required and missing", missing.schema.id);
                Err(ScimError::invalid_value(detail))
            }
            None => Ok(()),
        }
    }

    /// A required attribute that an extension is sent without.
    fn gap(&self, extension: &Extension) -> Option<String> {
        let urn = &extension.schema.id;
        let held = self.resource.get(urn)?;
        let mut required = extension.schema.attributes.iter().filter(|it| it.required);
        let missing = required.find(|it| held.get(&it.name).is_none())?;
        Some(format!("{urn}:{}", missing.name))
    }
}

fn wrong_schemas() -> ScimError {
    ScimError::invalid_value(
        "schemas must list the URN of the resource type and those of its extensions that are there, each once",
    )
}

/// The object of an extension, made if there is none.
pub(super) fn extension<'r>(resource: &'r mut Object, urn: &str) -> &'r mut Object {
    let slot = resource.entry(urn).or_insert(Value::Null);
    if !slot.is_object() {
        *slot = Value::Object(Object::new());
    }
    match slot {
        Value::Object(object) => object,
        _ => unreachable!("made an object above"),
    }
}
