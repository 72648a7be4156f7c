//! From the rows a script wrote to a [`Mapping`], or to all that is wrong with them.

use std::collections::HashMap;
use std::sync::Arc;

use rhai::Position;

use super::converter::Converter;
use super::field::Field;
use super::row::Row;
use super::table::Mapping;
use super::template::Templates;
use super::write::unknown;
use crate::convert::country::Style;
use crate::problem::{Problem, nearest, offset_of};
use crate::scim::schema::{Attribute, Extension, Kind, Mutability};
use crate::scim::{AttrPath, Leaf, ResourceType};
use crate::script::host::table::{Attr, Conversion};

/// Where a table stands and what it is checked against.
pub(crate) struct Source<'a> {
    /// File name of the script.
    pub(crate) file: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
    /// The vendor's field names; empty means unchecked.
    pub(crate) fields: &'a [String],
    /// The native field of the vendor's id.
    pub(crate) id_field: &'a str,
}

/// Compiles a table. Of the type's extensions those are served that have a row.
///
/// # Errors
/// Every problem there is, in the table's order.
pub(crate) fn compile(
    resource_type: ResourceType,
    table: Vec<Attr>,
    source: &Source<'_>,
) -> Result<Mapping, Vec<Problem>> {
    let compiler = Compiler {
        resource_type: &resource_type,
        source,
    };
    let mut rows: Vec<Row> = Vec::new();
    let mut problems = Vec::new();
    let mut by_leaf = HashMap::new();
    for attr in table {
        match compiler.row(&attr) {
            Ok(row) if by_leaf.contains_key(&row.leaf) => problems.push(compiler.twice(&attr)),
            Ok(row) => {
                by_leaf.insert(row.leaf.clone(), rows.len());
                rows.push(row);
            }
            Err(found) => problems.extend(found),
        }
    }
    let id_field = Field::parse(source.id_field);
    if let (Some(id_field), true) = (id_field, problems.is_empty()) {
        Ok(Mapping {
            kind: resource_type.kind,
            resource_type: resource_type.serving(by_leaf.keys()),
            id_field,
            unknown: unknown(&rows),
            rows,
            by_leaf,
            seen: None,
            templates: Templates::default(),
        })
    } else {
        Err(problems)
    }
}

/// A table with one more row for each attribute of `extension`, whose native field `field` names.
pub(crate) fn with_custom(
    mapping: &Mapping,
    extension: Extension,
    field: impl Fn(&str) -> String,
) -> Result<Mapping, Vec<Problem>> {
    let mut mapping = mapping.clone();
    let schema = Arc::clone(&extension.schema);
    mapping.resource_type.extensions.push(extension);
    for attribute in &schema.attributes {
        let path = format!("{}:{}", schema.id, attribute.name);
        let attr = Attr::new(&path, vec![field(&attribute.name)], Position::NONE);
        let compiler = Compiler {
            resource_type: &mapping.resource_type,
            source: &Source::NONE,
        };
        let row = compiler.row(&attr)?;
        mapping.by_leaf.insert(row.leaf.clone(), mapping.rows.len());
        mapping.rows.push(row);
    }
    mapping.unknown = unknown(&mapping.rows);
    Ok(mapping)
}

impl Source<'static> {
    /// For rows that no script wrote.
    const NONE: Self = Self {
        file: "",
        text: "",
        fields: &[],
        id_field: "",
    };
}

struct Compiler<'a> {
    resource_type: &'a ResourceType,
    source: &'a Source<'a>,
}

impl Compiler<'_> {
    fn row(&self, attr: &Attr) -> Result<Row, Vec<Problem>> {
        let mut problems = self.misspelt_fields(attr);
        let leaf = self.leaf(attr, &attr.path);
        problems.extend(
            leaf.as_ref()
                .ok()
                .and_then(|leaf| self.never_kept(attr, leaf)),
        );
        let converter = self.converter(attr);
        problems.extend(
            leaf.as_ref()
                .ok()
                .and_then(|leaf| self.no_boolean(attr, leaf)),
        );
        match (leaf, converter) {
            (Ok(leaf), Ok(converter)) if problems.is_empty() => {
                Ok(self.built(attr, leaf, converter))
            }
            (leaf, converter) => {
                problems.extend(leaf.err());
                problems.extend(converter.err());
                Err(problems)
            }
        }
    }

    /// A list of values for a boolean that names something else than its two.
    fn no_boolean(&self, attr: &Attr, leaf: &Leaf) -> Option<Problem> {
        let Conversion::Values { pairs, reads, .. } = &attr.conversion else {
            return None;
        };
        self.definition(leaf)
            .filter(|attribute| attribute.kind == Kind::Boolean)?;
        let written = pairs.iter().map(|(scim, _)| scim);
        let mut named = written.chain(reads.iter().map(|(_, scim)| scim));
        let wrong = named.find(|word| {
            !word.eq_ignore_ascii_case("true") && !word.eq_ignore_ascii_case("false")
        })?;
        let message = format!("`{}` is true or false, never `{wrong}`", attr.path);
        let problem = self.at(attr, wrong, "table::no-boolean", message);
        Some(problem.help("write \"true\" and \"false\""))
    }

    /// What is never shown and has no field.
    fn never_kept(&self, attr: &Attr, leaf: &Leaf) -> Option<Problem> {
        let is_write_only = self.definition(leaf).is_some_and(Attribute::is_write_only);
        (is_write_only && attr.fields.is_empty()).then(|| {
            let message = format!(
                "`{}` is never shown, and has no field of the vendor",
                attr.path
            );
            let problem = self.at(attr, &attr.path, "table::no-field", message);
            problem
                .help("name the vendor's field, or remove the row: the gateway keeps no passwords")
        })
    }

    fn definition(&self, leaf: &Leaf) -> Option<&Attribute> {
        self.resource_type.attribute(&AttrPath {
            schema: leaf.schema.clone(),
            attribute: leaf.attribute.clone(),
            sub: leaf.sub.clone(),
        })
    }

    fn built(&self, attr: &Attr, leaf: Leaf, converter: Converter) -> Row {
        let attribute = self.definition(&leaf);
        Row {
            spelling: leaf.to_string(),
            place: place(self.source.text, attr.position, &attr.path),
            kind: attribute
                .map(|attribute| attribute.kind)
                .unwrap_or_default(),
            multi_valued: attribute.is_some_and(|attribute| attribute.multi_valued),
            read_only: leaf.attribute == "meta"
                || attribute.is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly),
            write_only: attribute.is_some_and(Attribute::is_write_only),
            leaf,
            fields: (attr.fields.iter())
                .filter_map(|field| Field::parse(field))
                .collect(),
            converter,
            required: attr.required,
            lookup: attr.lookup.clone(),
            unique: attr.unique,
            ambiguous: attr.ambiguous,
            primary: attr.primary,
            lenient: attr.lenient,
            at_most: attr.at_most,
            cut: attr.cut,
            otherwise: attr.otherwise.clone(),
            always_made: false,
            initially: attr.initially.clone(),
            pending: attr.pending.clone(),
            echo: attr.echo.as_deref().and_then(Field::parse),
        }
    }

    fn leaf(&self, attr: &Attr, path: &str) -> Result<Leaf, Problem> {
        Leaf::parse(path, self.resource_type).map_err(|error| {
            let problem = self
                .at(
                    attr,
                    path,
                    "table::unknown-attribute",
                    format!(
                        "`{path}` is not an attribute of a {}",
                        self.resource_type.name
                    ),
                )
                .label("not a SCIM attribute");
            match self.resource_type.suggest(path) {
                Some(meant) if meant == path => problem
                    .help("say which of its elements, as in `addresses[type eq \"work\"].country`"),
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.help(error.detail),
            }
        })
    }

    fn misspelt_fields(&self, attr: &Attr) -> Vec<Problem> {
        let known = self.source.fields;
        let unknown = attr
            .fields
            .iter()
            .chain(&attr.echo)
            .filter(|field| !is_known(known, field) || Field::parse(field).is_none());
        unknown
            .map(|field| {
                if Field::parse(field).is_none() {
                    let message = format!("`{field}` is not the name of a native field");
                    let problem = self.at(attr, field, "table::unknown-field", message);
                    return problem.help(Field::FORM);
                }
                let problem = self
                    .at(
                        attr,
                        field,
                        "table::unknown-field",
                        format!("the manifest lists no native field `{field}`"),
                    )
                    .label("not in the manifest's [fields]");
                match nearest(field, known.iter().map(String::as_str)) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem.help("add it to [fields] in the manifest if the vendor has it"),
                }
            })
            .collect()
    }

    fn converter(&self, attr: &Attr) -> Result<Converter, Problem> {
        Ok(match &attr.conversion {
            Conversion::AsIs => Converter::AsIs,
            Conversion::Lower => Converter::Lower,
            Conversion::Trimmed => Converter::Trimmed,
            Conversion::Values {
                pairs,
                reads,
                other,
            } => Converter::Values {
                pairs: pairs.clone(),
                reads: reads.clone(),
                other: other.clone(),
            },
            Conversion::Language { separator, list } => Converter::Language {
                separator: separator.clone(),
                list: list.clone(),
            },
            Conversion::Country { style } => Converter::Country(self.style(attr, style)?),
            Conversion::Phone { country } => {
                let leaf = country
                    .as_deref()
                    .map(|path| self.leaf(attr, path))
                    .transpose()?;
                Converter::Phone { country: leaf }
            }
            Conversion::TimeZone => Converter::TimeZone,
            Conversion::Reference { to, by } => self.reference(attr, to, by.as_deref())?,
            Conversion::Custom { to, from } => Converter::Custom {
                to: to.clone(),
                from: from.clone(),
            },
        })
    }

    fn reference(&self, attr: &Attr, to: &str, by: Option<&str>) -> Result<Converter, Problem> {
        if to == "User" {
            return Ok(Converter::Reference {
                by: by.map(str::to_owned),
            });
        }
        let message = format!("`{to}` cannot be referred to");
        let problem = self.at(attr, to, "table::unknown-reference", message);
        Err(problem.help("only users can be referred to: .reference(\"User\")"))
    }

    fn style(&self, attr: &Attr, name: &str) -> Result<Style, Problem> {
        const STYLES: [(&str, Style); 5] = [
            ("alpha2", Style::Alpha2),
            ("alpha3", Style::Alpha3),
            ("en", Style::English),
            ("EN", Style::EnglishUpper),
            ("de", Style::German),
        ];
        STYLES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, style)| *style)
            .ok_or_else(|| {
                self.at(
                    attr,
                    name,
                    "table::unknown-style",
                    format!("`{name}` is not a way to write a country"),
                )
                .help("use one of alpha2, alpha3, en, EN, de")
            })
    }

    fn twice(&self, attr: &Attr) -> Problem {
        self.at(
            attr,
            &attr.path,
            "table::duplicate-row",
            format!("`{}` is in the table twice", attr.path),
        )
        .label("this row is never used")
        .help("remove one of the two rows")
    }

    /// A problem at `text` behind the row's `attr(`, or at the row.
    fn at(&self, attr: &Attr, text: &str, code: &'static str, message: String) -> Problem {
        let (start, length) = place(self.source.text, attr.position, text);
        Problem::error(code, self.source.file, message).at(start, length)
    }
}

/// Whether a manifest lists a field; of one in a list's element, the list is enough.
fn is_known(known: &[String], field: &str) -> bool {
    let list = field.split('[').next().unwrap_or(field);
    known.is_empty() || known.iter().any(|one| one == field || one == list)
}

/// Where `text` stands after `position`, within the row; else the position itself.
fn place(source: &str, position: Position, text: &str) -> (usize, usize) {
    let row = offset_of(
        source,
        position.line().unwrap_or(1),
        position.position().unwrap_or(1),
    );
    let behind = source.get(row..).unwrap_or_default();
    let end = behind.find("attr(").and_then(|first| {
        behind[first + 5..]
            .find("attr(")
            .map(|next| first + 5 + next)
    });
    let within = &behind[..end.unwrap_or(behind.len())];
    // A field's name may also stand in the attribute's: `emails`, "email".
    let quoted = within.find(&format!("\"{text}\"")).map(|quote| quote + 1);
    match quoted.or_else(|| within.find(text)) {
        Some(found) => (row + found, text.len()),
        None => (row, "attr".len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_pointed_at_where_its_name_is_part_of_the_attributes_too() {
        let source =
            r#"attr(`emails[type eq "work"].value`, "email").required(), attr("x", "email")"#;
        let (start, length) = place(source, Position::new(1, 1), "email");
        assert_eq!((start, length), (38, "email".len()));
    }
}
