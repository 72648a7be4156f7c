//! What one endpoint serves: a core schema and its extensions.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use super::{Attribute, Returned, Schema, find};
use crate::scim::compare::{fold, same_text};
use crate::scim::leaf::Leaf;
use crate::scim::path::AttrPath;
use crate::scim::resource::extension;
use crate::scim::{Object, ResourceKind, UNKNOWN};

/// Longest misspelling that is compared with every known spelling, in bytes.
const LONGEST_GUESS: usize = 128;

/// An endpoint's schemas (RFC 7643 §6).
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// User or Group.
    pub kind: ResourceKind,
    /// `User` or `Group`.
    pub name: String,
    /// `/Users` or `/Groups`.
    pub endpoint: String,
    /// For people.
    pub description: String,
    /// The core schema.
    pub schema: Arc<Schema>,
    /// The extensions, in the order of publication.
    pub extensions: Vec<Extension>,
}

/// An extension of a resource type.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Whether every resource must have it.
    pub required: bool,
}

impl ResourceType {
    /// The whole User of RFC 7643 §4.1 with the enterprise extension.
    pub fn user() -> Self {
        let enterprise = Extension {
            schema: Arc::clone(&DATA.enterprise_user),
            required: false,
        };
        Self::new(ResourceKind::User, Arc::clone(&DATA.user), vec![enterprise])
    }

    /// The whole Group of RFC 7643 §4.2.
    pub fn group() -> Self {
        Self::new(ResourceKind::Group, Arc::clone(&DATA.group), Vec::new())
    }

    fn new(kind: ResourceKind, schema: Arc<Schema>, extensions: Vec<Extension>) -> Self {
        Self {
            kind,
            name: kind.as_str().to_owned(),
            endpoint: format!("/{}", kind.endpoint()),
            description: schema.description.clone(),
            schema,
            extensions,
        }
    }

    /// With further extensions.
    #[must_use]
    pub fn with(mut self, extensions: impl IntoIterator<Item = Extension>) -> Self {
        self.extensions.extend(extensions);
        self
    }

    /// With those of its extensions only that one of these places stands under, and with what is
    /// never shown only if it has a place: nobody but the vendor may keep it.
    #[must_use]
    pub fn serving<'l>(mut self, leaves: impl IntoIterator<Item = &'l Leaf>) -> Self {
        let leaves: Vec<&Leaf> = leaves.into_iter().collect();
        let urns: HashSet<&str> = (leaves.iter())
            .filter_map(|leaf| leaf.schema.as_deref())
            .collect();
        self.retain(|urn, attribute| {
            let is_it =
                |leaf: &&&Leaf| leaf.schema.as_deref() == urn && leaf.attribute == attribute.name;
            !attribute.is_write_only() || leaves.iter().any(|leaf| is_it(&leaf))
        });
        self.extensions
            .retain(|extension| urns.contains(extension.schema.id.as_str()));
        self
    }

    /// Without what is never shown: Entra's validator reads back whatever is published.
    #[must_use]
    pub fn readable(mut self) -> Self {
        self.retain(|_, attribute| !attribute.is_write_only());
        self
    }

    /// With those of its attributes only that `stays` is true of, and the schema they are in:
    /// `None` is the core's.
    fn retain(&mut self, stays: impl Fn(Option<&str>, &Attribute) -> bool) {
        let extensions = self.extensions.iter_mut().map(|it| (true, &mut it.schema));
        for (extends, schema) in std::iter::once((false, &mut self.schema)).chain(extensions) {
            let urn = schema.id.clone();
            let stays = |attribute: &Attribute| stays(extends.then_some(&*urn), attribute);
            if !schema.attributes.iter().all(stays) {
                Arc::make_mut(schema).attributes.retain(stays);
            }
        }
    }

    /// Whether this is one of its extensions, in any case.
    pub fn serves(&self, urn: &str) -> bool {
        self.extension(urn).is_some()
    }

    /// The keys a resource of this type may have: attributes, common ones too, and extensions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let core = self.schema.attributes.iter().chain(&DATA.common);
        let extensions = self.extensions.iter().map(|item| item.schema.id.as_str());
        core.map(|attribute| attribute.name.as_str())
            .chain(extensions)
    }

    /// The attribute or sub-attribute at a path, names in any case. A bare name is looked for in
    /// the core schema, the common attributes and then the extensions.
    pub fn attribute(&self, path: &AttrPath) -> Option<&Attribute> {
        let attribute = self.root(path)?;
        match &path.sub {
            None => Some(attribute),
            Some(sub) => attribute.sub(sub),
        }
    }

    /// The attribute of a path, whatever its sub-attribute.
    pub(in crate::scim) fn root(&self, path: &AttrPath) -> Option<&Attribute> {
        let found = self.resolve(path.schema.as_deref(), &path.attribute);
        found.map(|(_, attribute)| attribute)
    }

    /// An attribute together with the extension it stands under; `None` is the resource itself.
    pub(in crate::scim) fn resolve(
        &self,
        urn: Option<&str>,
        name: &str,
    ) -> Option<(Option<&str>, &Attribute)> {
        let Some(urn) = urn else {
            return self
                .core(name)
                .map(|found| (None, found))
                .or_else(|| self.bare(name));
        };
        if same_text(urn, &self.schema.id) {
            return self.core(name).map(|found| (None, found));
        }
        let schema = self.extension(urn)?;
        schema
            .attribute(name)
            .map(|found| (Some(schema.id.as_str()), found))
    }

    /// The extension of this URN, in any case.
    pub(in crate::scim) fn extension(&self, urn: &str) -> Option<&Schema> {
        let mut schemas = self.extensions.iter().map(|extension| &*extension.schema);
        schemas.find(|schema| same_text(&schema.id, urn))
    }

    /// All schemas, core first.
    pub(in crate::scim) fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        std::iter::once(&self.schema).chain(self.extensions.iter().map(|item| &item.schema))
    }

    fn core(&self, name: &str) -> Option<&Attribute> {
        self.schema
            .attribute(name)
            .or_else(|| find(&DATA.common, name))
    }

    /// Entra writes `manager` without its URN (its documentation, "update user", example 5).
    fn bare(&self, name: &str) -> Option<(Option<&str>, &Attribute)> {
        self.extensions.iter().find_map(|extension| {
            let found = extension.schema.attribute(name)?;
            Some((Some(extension.schema.id.as_str()), found))
        })
    }

    /// Every attribute with the extension it stands under, common ones last.
    pub(in crate::scim) fn attributes(&self) -> impl Iterator<Item = (Option<&str>, &Attribute)> {
        let core = self
            .schema
            .attributes
            .iter()
            .chain(&DATA.common)
            .map(|item| (None, item));
        let extended = self.extensions.iter().flat_map(|extension| {
            let urn = extension.schema.id.as_str();
            extension
                .schema
                .attributes
                .iter()
                .map(move |item| (Some(urn), item))
        });
        core.chain(extended)
    }

    /// Whether nothing of it is left out of an answer that does not ask for certain attributes.
    pub(in crate::scim) fn returns_all(&self) -> bool {
        // What is only written is in no resource that we make.
        let all = self.attributes();
        let mut returned = all.map(|(_, it)| (it.is_write_only(), it.returned));
        returned.all(|(never, it)| never || matches!(it, Returned::Always | Returned::Default))
    }

    /// Sets `schemas` to the core URN and those of the extensions the resource holds.
    pub fn set_schemas(&self, resource: &mut Object) {
        let present = self.extensions.iter().map(|item| item.schema.id.as_str());
        let urns = std::iter::once(self.schema.id.as_str())
            .chain(present.filter(|urn| resource.contains_key(*urn)))
            .collect::<serde_json::Value>();
        match resource.get_mut("schemas") {
            Some(schemas) => *schemas = urns,
            None => {
                resource.shift_insert(0, "schemas".to_owned(), urns);
            }
        }
    }

    /// The same type, knowing also the names of `all` others, whose attributes it never has: what
    /// a query over several resource types is read and judged by, as an attribute that a type
    /// lacks counts there as absent (RFC 7644 §3.4.2.1).
    pub fn widened(&self, all: &[Self]) -> Self {
        let mut widened = self.clone();
        let others = all.iter().filter(|types| types.kind != self.kind);
        for schema in others.flat_map(Self::schemas) {
            if widened.schemas().all(|known| known.id != schema.id) {
                widened.extensions.push(Extension {
                    schema: Arc::clone(schema),
                    required: false,
                });
            }
        }
        widened
    }

    /// A resource of which only the type is known: no attribute of its own is decided.
    pub(in crate::scim) fn undecided(&self) -> Object {
        let mut resource = Object::new();
        for (urn, attribute) in self.attributes() {
            let holder = match urn {
                None => &mut resource,
                Some(urn) => extension(&mut resource, urn),
            };
            holder.insert(attribute.name.clone(), UNKNOWN.into());
        }
        let parts = DATA.common.iter().filter(|item| item.name == "meta");
        let mut meta: Object = parts
            .flat_map(|item| &item.sub_attributes)
            .map(|part| (part.name.clone(), UNKNOWN.into()))
            .collect();
        meta.insert("resourceType".to_owned(), self.name.as_str().into());
        resource.insert("meta".to_owned(), meta.into());
        resource
    }

    /// The known spelling nearest to a wrong one, if any is near.
    pub fn suggest(&self, wrong: &str) -> Option<String> {
        if wrong.len() > LONGEST_GUESS {
            return None;
        }
        let wrong = fold(wrong);
        let length = wrong.chars().count();
        let limit = (length / 3).clamp(1, 4);
        // Comparing costs the product of the lengths; most spellings cannot be near.
        let near = |known: &String| known.chars().count().abs_diff(length) <= limit;
        self.spellings()
            .into_iter()
            .filter(near)
            .map(|known| (strsim::damerau_levenshtein(&fold(&known), &wrong), known))
            .filter(|(distance, _)| *distance <= limit)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, known)| known)
    }

    /// Every way to write an attribute or sub-attribute.
    fn spellings(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (urn, attribute) in self.attributes() {
            let name = match urn {
                None => attribute.name.clone(),
                Some(urn) => format!("{urn}:{}", attribute.name),
            };
            all.extend(
                attribute
                    .sub_attributes
                    .iter()
                    .map(|sub| format!("{name}.{}", sub.name)),
            );
            if urn.is_some() {
                all.push(attribute.name.clone());
            }
            all.push(name);
        }
        all
    }
}

/// `externalId`, which `/Schemas` tells with the core schema's attributes.
pub(super) fn external_id() -> Option<&'static Attribute> {
    DATA.common.iter().find(|item| item.name == "externalId")
}

/// The definitions shipped with the gateway.
struct Data {
    common: Vec<Attribute>,
    user: Arc<Schema>,
    group: Arc<Schema>,
    enterprise_user: Arc<Schema>,
}

static DATA: LazyLock<Data> = LazyLock::new(|| Data {
    common: data(include_str!("common.json")),
    user: Arc::new(data(include_str!("user.json"))),
    group: Arc::new(data(include_str!("group.json"))),
    enterprise_user: Arc::new(data(include_str!("enterprise_user.json"))),
});

#[expect(clippy::expect_used, reason = "compiled in; every test reads them")]
fn data<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("a schema definition of RFC 7643 §8.7")
}
