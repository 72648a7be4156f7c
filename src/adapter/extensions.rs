//! `[[extensions]]` of a manifest: extension schemas (RFC 7643 §3.3) as data, so that what a
//! vendor holds beyond the standard attributes is published, checked and filtered like them.

use serde::Deserialize;
use std::sync::Arc;
use toml::Spanned;

use crate::problem::Problem;
use crate::scim::ResourceKind;
use crate::scim::compare::same_text;
use crate::scim::schema::{
    Attribute, ENTERPRISE_USER, Extension, GROUP, Kind, Mutability, Returned, Schema, USER,
    Uniqueness,
};

/// One entry as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionEntry {
    /// What it extends: `"user"` or `"group"`.
    pub resource: ResourceKind,
    /// Whether every resource must have it.
    #[serde(default)]
    pub required: bool,
    /// The schema.
    pub schema: SchemaEntry,
}

/// A schema as written (RFC 7643 §7).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaEntry {
    /// The URN.
    pub id: Spanned<String>,
    /// Name for people, and for clients that make names of types of it: without blanks.
    pub name: Spanned<String>,
    /// What it describes.
    #[serde(default)]
    pub description: String,
    /// At least one.
    pub attributes: Vec<AttributeEntry>,
}

/// An attribute or sub-attribute as written; what is left out has the default of RFC 7643 §2.2.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeEntry {
    /// Canonical spelling.
    pub name: Spanned<String>,
    #[serde(rename = "type", default)]
    kind: Kind,
    #[serde(default)]
    multi_valued: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    canonical_values: Vec<String>,
    #[serde(default)]
    case_exact: bool,
    #[serde(default)]
    mutability: Mutability,
    #[serde(default)]
    returned: Returned,
    #[serde(default)]
    uniqueness: Uniqueness,
    #[serde(default)]
    reference_types: Vec<String>,
    #[serde(default)]
    sub_attributes: Vec<Self>,
}

/// The extensions a manifest adds, each with what it extends.
///
/// # Errors
/// Every entry that is no schema by RFC 7643, with its place in `file`.
pub(super) fn read(
    entries: &[ExtensionEntry],
    file: &str,
) -> Result<Vec<(ResourceKind, Extension)>, Vec<Problem>> {
    let mut reader = Reader {
        file,
        problems: Vec::new(),
    };
    let mut read: Vec<(ResourceKind, Extension)> = Vec::new();
    for entry in entries {
        reader.check_id(&entry.schema.id, &read);
        let extension = Extension {
            schema: Arc::new(reader.schema(&entry.schema)),
            required: entry.required,
        };
        read.push((entry.resource, extension));
    }
    if reader.problems.is_empty() {
        Ok(read)
    } else {
        Err(reader.problems)
    }
}

/// The problem of an extension that no row of the table stands under.
pub(super) fn without_row(entry: &ExtensionEntry, file: &str) -> Problem {
    let id = &entry.schema.id;
    let message = format!("no row of the table has an attribute of `{}`", id.get_ref());
    Problem::error("manifest::unused-extension", file, message)
        .at(id.span().start, id.span().len())
        .label("declared without effect")
        .help(
            "add rows such as attr(`urn:…:name`, \"field\") to the script, or remove the extension",
        )
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn refuse(&mut self, place: &Spanned<String>, why: &str, help: &str) {
        let message = format!("`{}` {why}", place.get_ref());
        let problem = Problem::error("manifest::extension", self.file, message)
            .at(place.span().start, place.span().len())
            .help(help);
        self.problems.push(problem);
    }

    fn check_id(&mut self, id: &Spanned<String>, before: &[(ResourceKind, Extension)]) {
        let text = id.get_ref();
        let is = |known: &str| same_text(known, text);
        if !is_urn(text) {
            let help = "write it like urn:ietf:params:scim:schemas:extension:acme:2.0:User (RFC 7643 §3.3)";
            self.refuse(id, "is not a URN", help);
        } else if [USER, GROUP, ENTERPRISE_USER].into_iter().any(is) {
            let help = "the schemas of RFC 7643 are built in; rows of the table are enough";
            self.refuse(id, "is a schema of RFC 7643", help);
        } else if before.iter().any(|(_, known)| is(&known.schema.id)) {
            self.refuse(
                id,
                "is there twice",
                "a schema extends one resource type; name another",
            );
        }
    }

    fn schema(&mut self, entry: &SchemaEntry) -> Schema {
        if entry.attributes.is_empty() {
            self.refuse(&entry.id, "has no attributes", "give it at least one");
        }
        let name = entry.name.get_ref();
        if name.is_empty() || name.contains(char::is_whitespace) {
            let help = "write it like AcmeUser: clients make names of types of it";
            self.refuse(&entry.name, "is empty or has a blank", help);
        }
        Schema {
            id: entry.id.get_ref().clone(),
            name: name.clone(),
            description: entry.description.clone(),
            attributes: self.attributes(&entry.attributes, false),
        }
    }

    fn attributes(&mut self, entries: &[AttributeEntry], within: bool) -> Vec<Attribute> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(entries.len());
        for entry in entries {
            self.check_attribute(entry, within, &attributes);
            let parts = self.attributes(&entry.sub_attributes, true);
            attributes.push(entry.attribute(parts));
        }
        attributes
    }

    fn check_attribute(&mut self, entry: &AttributeEntry, within: bool, before: &[Attribute]) {
        let name = &entry.name;
        let complex = entry.kind == Kind::Complex;
        if !is_name(name.get_ref()) {
            let help = "a letter, then letters, digits, - and _ (RFC 7643 §2.1)";
            self.refuse(name, "cannot be the name of an attribute", help);
        }
        if before
            .iter()
            .any(|known| same_text(&known.name, name.get_ref()))
        {
            self.refuse(name, "is there twice", "names ignore case (RFC 7643 §2.1)");
        }
        if within && complex {
            let help = "give it a simple type (RFC 7643 §2.3.8)";
            self.refuse(name, "is complex within a complex attribute", help);
        }
        if complex == entry.sub_attributes.is_empty() {
            let help = "a complex attribute has sub_attributes, and only that";
            self.refuse(
                name,
                "has type and sub_attributes that contradict each other",
                help,
            );
        }
    }
}

impl AttributeEntry {
    fn attribute(&self, sub_attributes: Vec<Attribute>) -> Attribute {
        Attribute {
            name: self.name.get_ref().clone(),
            kind: self.kind,
            multi_valued: self.multi_valued,
            description: self.description.clone(),
            required: self.required,
            canonical_values: self.canonical_values.clone(),
            case_exact: self.case_exact,
            mutability: self.mutability,
            returned: self.returned,
            uniqueness: self.uniqueness,
            reference_types: self.reference_types.clone(),
            sub_attributes,
        }
    }
}

/// `urn:` and at least two parts more, of the characters that need no quoting anywhere.
fn is_urn(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let mut parts = text.split(':');
    parts.next().is_some_and(|first| same_text(first, "urn"))
        && text.split(':').count() > 2
        && parts.all(part)
}

/// The gateway's own marks (`$ref`) are for RFC 7643 only.
fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix(|first: char| first.is_ascii_alphabetic());
    rest.is_some_and(|rest| {
        rest.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Written {
        extensions: Vec<ExtensionEntry>,
    }

    fn told(entries: &str) -> Vec<String> {
        let written: Written = toml::from_str(entries).unwrap();
        let problems = read(&written.extensions, "v.toml")
            .err()
            .unwrap_or_default();
        let place = |problem: &Problem| {
            let (start, length) = problem.span.unwrap();
            entries[start..start + length].to_owned()
        };
        let tell = |problem: &Problem| format!("{} {}", place(problem), problem.message);
        problems.iter().map(tell).collect()
    }

    #[track_caller]
    fn check(id: &str, attributes: &str, expect: &[&str]) {
        let entry = format!(
            r#"[[extensions]]
               resource = "user"
               schema = {{ id = "{id}", name = "X", attributes = [{attributes}] }}"#
        );
        assert_eq!(told(&entry), expect, "{entry}");
    }

    #[test]
    fn what_is_no_schema_is_told_with_its_place() {
        let plain = r#"{ name = "floor", type = "integer" }"#;
        let urn = "urn:example:2.0:User";
        check(urn, plain, &[]);
        check("example", plain, &["\"example\" `example` is not a URN"]);
        check(
            "urn::User",
            plain,
            &["\"urn::User\" `urn::User` is not a URN"],
        );
        check(
            &ENTERPRISE_USER.to_uppercase(),
            plain,
            &[&format!(
                "\"{0}\" `{0}` is a schema of RFC 7643",
                ENTERPRISE_USER.to_uppercase()
            )],
        );
        check(
            urn,
            "",
            &["\"urn:example:2.0:User\" `urn:example:2.0:User` has no attributes"],
        );
        check(
            urn,
            r#"{ name = "a b" }"#,
            &["\"a b\" `a b` cannot be the name of an attribute"],
        );
        check(
            urn,
            r#"{ name = "a" }, { name = "A" }"#,
            &["\"A\" `A` is there twice"],
        );
        let clash = "\"a\" `a` has type and sub_attributes that contradict each other";
        check(urn, r#"{ name = "a", type = "complex" }"#, &[clash]);
        check(
            urn,
            r#"{ name = "a", sub_attributes = [{ name = "b" }] }"#,
            &[clash],
        );
        check(
            urn,
            r#"{ name = "a", type = "complex", sub_attributes = [{ name = "b", type = "complex", sub_attributes = [{ name = "c" }] }] }"#,
            &["\"b\" `b` is complex within a complex attribute"],
        );
    }

    #[test]
    fn the_name_of_a_schema_has_no_blank() {
        for (name, fits) in [("AcmeUser", true), ("Acme User", false), ("", false)] {
            let problems = told(&format!(
                "[[extensions]]\nresource = \"user\"\nschema = {{ id = \"urn:a:b\", name = \"{name}\", attributes = [{{ name = \"c\" }}] }}\n"
            ));
            let refused = format!("\"{name}\" `{name}` is empty or has a blank");
            let expect: &[String] = if fits { &[] } else { &[refused] };
            assert_eq!(problems, expect);
        }
    }

    #[test]
    fn a_schema_extends_one_resource_type() {
        let entry = |resource| {
            format!(
                "[[extensions]]\nresource = \"{resource}\"\nschema = {{ id = \"urn:a:b\", name = \"X\", attributes = [{{ name = \"c\" }}] }}\n"
            )
        };
        let both = [entry("user"), entry("group")].concat();
        assert_eq!(told(&both), ["\"urn:a:b\" `urn:a:b` is there twice"]);
    }
}
