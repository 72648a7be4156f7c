//! From a PATCH body to operations in normal form.

use serde_json::Value;

use super::received::{Received, received};
use super::{MAX_PATH, Op, Operation, PatchRequest};
use crate::scim::compare::same_text;
use crate::scim::path::{is_malformed, sub_name};
use crate::scim::schema::{Attribute, Mutability};
use crate::scim::value::{Place, Shaper};
use crate::scim::{AttrPath, Path, Profile, ResourceType, ScimError};

impl PatchRequest {
    /// Reads a PATCH body.
    ///
    /// # Errors
    /// `invalidSyntax` for a wrong structure or `op`; `invalidPath`, `invalidValue`, `noTarget`,
    /// `mutability` for an operation that can succeed on no resource; 413 beyond the limits.
    pub fn parse(body: Value, types: &ResourceType, profile: Profile) -> Result<Self, ScimError> {
        let mut reader = Reader {
            types,
            shaper: Shaper::new(profile),
            operations: Vec::new(),
        };
        for operation in received(body, profile)? {
            reader.operation(operation)?;
        }
        Ok(Self {
            operations: reader.operations,
            ignored: reader.shaper.ignored,
        })
    }
}

/// How an attribute was named: a readOnly one is refused only where the client meant it.
#[derive(Clone, Copy, PartialEq)]
enum Named {
    ByPath,
    /// As a key of a path-less value; Okta puts the group's `id` there.
    ByKey,
}

struct Reader<'a> {
    types: &'a ResourceType,
    shaper: Shaper,
    operations: Vec<Operation>,
}

/// A path with the definitions behind it.
struct Target<'a> {
    path: Path,
    attribute: &'a Attribute,
    /// The sub-attribute, if the path has one.
    part: Option<&'a Attribute>,
}

impl<'a> Reader<'a> {
    fn operation(&mut self, received: Received) -> Result<(), ScimError> {
        let Received { op, path, value } = received;
        match (path, op) {
            (Some(path), _) => self.pathed(op, &path, value, Named::ByPath),
            (None, Op::Remove) => Err(ScimError::no_target("remove needs a path")),
            (None, _) => self.expand(op, None, value),
        }
    }

    /// A path-less value: one operation for each key. Keys are names, dotted, URN-qualified or
    /// bracketed; extensions may also nest.
    fn expand(&mut self, op: Op, urn: Option<&str>, value: Value) -> Result<(), ScimError> {
        let Value::Object(entries) = value else {
            let what = urn.unwrap_or("the value of an operation without path");
            return Err(ScimError::invalid_value(format!(
                "{what} must be an object"
            )));
        };
        for (key, value) in entries {
            match urn {
                Some(_) if same_text(&key, "schemas") => {} // follows from what is present
                None => self.pathed(op, &key, value, Named::ByKey)?,
                Some(urn) => self.pathed(op, &format!("{urn}:{key}"), value, Named::ByKey)?,
            }
        }
        Ok(())
    }

    fn pathed(&mut self, op: Op, text: &str, value: Value, named: Named) -> Result<(), ScimError> {
        if text.len() > MAX_PATH {
            return Err(ScimError::invalid_path(format!(
                "path longer than {MAX_PATH} bytes"
            )));
        }
        if let Some(urn) = self.schema(text) {
            return self.whole_schema(op, &urn, value);
        }
        let Some(target) = self.target(text, named)? else {
            return Ok(());
        };
        if target.attribute.name == "schemas" {
            return Ok(()); // follows from what is present
        }
        let parts = [Some(target.attribute), target.part];
        if parts
            .into_iter()
            .flatten()
            .any(|part| part.mutability == Mutability::ReadOnly)
        {
            return match named {
                Named::ByKey if self.shaper.profile.skips_read_only_keys() => Ok(()),
                _ => Err(ScimError::mutability(format!(
                    "{} is read-only",
                    target.path
                ))),
            };
        }
        match op {
            Op::Remove => self.remove(target, value),
            Op::Add | Op::Replace => self.assign(op, target, value),
        }
    }

    fn schema(&self, text: &str) -> Option<String> {
        let mut schemas = self.types.schemas();
        schemas
            .find(|schema| schema.id.eq_ignore_ascii_case(text))
            .map(|schema| schema.id.clone())
    }

    /// The URN of a schema as path or key.
    fn whole_schema(&mut self, op: Op, urn: &str, value: Value) -> Result<(), ScimError> {
        if op != Op::Remove {
            return match value {
                Value::Null => Ok(()),
                value => self.expand(op, Some(urn), value),
            };
        }
        let types = self.types;
        let schema = types.extension(urn);
        let schema = schema.ok_or_else(|| ScimError::no_target("name the attribute to remove"))?;
        // What the vendor alone sets is the vendor's to take away.
        let ours = |attribute: &&Attribute| attribute.mutability != Mutability::ReadOnly;
        for attribute in schema.attributes.iter().filter(ours) {
            self.pathed(
                op,
                &format!("{urn}:{}", attribute.name),
                Value::Null,
                Named::ByKey,
            )?;
        }
        Ok(())
    }

    /// `None` for an attribute that no schema has: it is skipped.
    fn target(&mut self, text: &str, named: Named) -> Result<Option<Target<'a>>, ScimError> {
        let types = self.types;
        let tolerant = self.shaper.profile.skips_unknown_attributes();
        let path = match Path::read(text, types, self.shaper.profile) {
            Ok(path) => path,
            Err(fault)
                if tolerant
                    && (named == Named::ByKey || fault.is_unknown() && !is_malformed(text)) =>
            {
                self.shaper.ignore(text)?;
                return Ok(None);
            }
            Err(fault) => return Err(fault.invalid_path(types)),
        };
        let Some(attribute) = types.root(&path.attr) else {
            return Ok(None);
        };
        let part = path.sub().and_then(|sub| attribute.sub(sub));
        Ok(Some(Target {
            path,
            attribute,
            part,
        }))
    }

    fn remove(&mut self, target: Target<'_>, value: Value) -> Result<(), ScimError> {
        let Target {
            path,
            attribute,
            part,
        } = target;
        if attribute.required && part.is_none() {
            return Err(ScimError::mutability(format!(
                "{path} is required and stays"
            )));
        }
        if part.is_some_and(|part| part.mutability == Mutability::Immutable) {
            return Err(ScimError::mutability(format!("{path} is immutable")));
        }
        // A value beside a path that already says what goes is the last one known to Entra.
        let listed = attribute.multi_valued && path.filter.is_none() && part.is_none();
        if !listed || value.is_null() {
            self.push(Op::Remove, path, None);
            return Ok(());
        }
        // An empty list removes nothing: it must never become "remove all".
        let place = place(&path);
        if let Some(elements) = self.shaper.whole(attribute, place, value)? {
            self.push(Op::Remove, path, Some(elements));
        }
        Ok(())
    }

    fn assign(&mut self, op: Op, target: Target<'_>, value: Value) -> Result<(), ScimError> {
        let Target {
            path,
            attribute,
            part,
        } = target;
        let Some(part) = part else {
            return match (path.filter.is_some(), attribute.multi_valued) {
                (true, _) => self.assign_element(op, path, attribute, value),
                (false, false) if attribute.is_complex() => {
                    self.assign_parts(op, path, attribute, value)
                }
                (false, _) => self.assign_whole(op, path, attribute, value),
            };
        };
        let value = self.shaper.whole(part, place(&path), value)?;
        self.put(op, path, value);
        Ok(())
    }

    fn assign_whole(
        &mut self,
        op: Op,
        path: Path,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        let value = match op {
            Op::Replace => self.shaper.instead(attribute, place(&path), value)?,
            // RFC 7644 §3.5.2.1: what is added to a list may be one value.
            _ if attribute.multi_valued && value.is_object() => {
                let list = Value::Array(vec![value]);
                self.shaper.whole(attribute, place(&path), list)?
            }
            _ => self.shaper.whole(attribute, place(&path), value)?,
        };
        if attribute.required && value.as_ref().is_none_or(|value| value == "") {
            return Err(ScimError::invalid_value(format!(
                "{path} is required and not empty"
            )));
        }
        if value.is_none() && attribute.multi_valued && op == Op::Add {
            return Ok(());
        }
        self.put(op, path, value);
        Ok(())
    }

    /// A complex attribute is the sum of its parts: those not named stay (RFC 7644 §3.5.2.3),
    /// those that are null or empty go.
    fn assign_parts(
        &mut self,
        op: Op,
        path: Path,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        let value = match value {
            Value::Array(mut list) if list.len() <= 1 => list.pop().unwrap_or_default(),
            other => other,
        };
        if value.is_null() || value.as_str() == Some("") {
            self.put(op, path, None);
            return Ok(());
        }
        let parts = self.shaper.parts(attribute, place(&path), value)?;
        for (name, value) in parts {
            let attr = AttrPath {
                sub: Some(name),
                ..path.attr.clone()
            };
            self.assign_part(op, Path::of(attr), attribute, value)?;
        }
        Ok(())
    }

    /// Elements chosen by a filter. Adding merges, so it is done part by part; replacing puts a
    /// new element in their place.
    fn assign_element(
        &mut self,
        op: Op,
        path: Path,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        if op == Op::Replace || !attribute.is_complex() {
            let value = self.shaper.one(attribute, place(&path), value)?;
            self.put(op, path, value);
            return Ok(());
        }
        if value.is_null() {
            return Ok(());
        }
        let parts = self.shaper.parts(attribute, place(&path), value)?;
        for (name, value) in parts {
            let path = Path {
                sub: Some(name),
                ..path.clone()
            };
            self.assign_part(op, path, attribute, value)?;
        }
        Ok(())
    }

    /// One part of an object; its name is still as received.
    fn assign_part(
        &mut self,
        op: Op,
        mut path: Path,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        let name = path.sub().unwrap_or_default();
        let part = sub_name(attribute, name).and_then(|name| attribute.sub(name));
        let Some(part) = part else {
            return self.shaper.ignore(&path);
        };
        if part.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        let sub = if path.filter.is_some() {
            &mut path.sub
        } else {
            &mut path.attr.sub
        };
        *sub = Some(part.name.clone());
        let value = self.shaper.whole(part, place(&path), value)?;
        self.put(op, path, value);
        Ok(())
    }

    /// Assigning nothing is removing.
    fn put(&mut self, op: Op, path: Path, value: Option<Value>) {
        match value {
            Some(value) => self.push(op, path, Some(value)),
            None => self.push(Op::Remove, path, None),
        }
    }

    fn push(&mut self, op: Op, path: Path, value: Option<Value>) {
        self.operations.push(Operation { op, path, value });
    }
}

fn place(path: &Path) -> Place<'_> {
    Place {
        urn: path.attr.schema.as_deref(),
        attribute: &path.attr.attribute,
        sub: path.sub(),
    }
}
