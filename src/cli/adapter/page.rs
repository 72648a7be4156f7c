//! The attribute tables of `adapters/<vendor>.md`: made of the script, and put between two
//! marks of the page, around which people write what no table can know.

use anyhow::{Context as _, Result};

use crate::adapter::Adapter;
use crate::adapter::mapping::{Described, Mapping};
use crate::scim::ResourceKind;

const END: &str = "<!-- end of the table -->";

/// The tables of an adapter, each with its marks, ready to stand in a page.
pub(super) fn tables(adapter: &Adapter) -> String {
    let tables: Vec<_> = blocks(adapter).iter().map(Block::text).collect();
    tables.join("\n")
}

/// A page with its tables made anew; the rest of it stays.
///
/// # Errors
/// When a table's marks are not in the page.
pub(super) fn renewed(page: &str, adapter: &Adapter) -> Result<String> {
    let blocks = blocks(adapter);
    blocks
        .iter()
        .try_fold(page.to_owned(), |page, block| block.put_into(&page))
}

/// The attributes a page lists: those that Entra can be mapped to.
pub(super) fn told(mapping: &Mapping) -> impl Iterator<Item = Described<'_>> {
    let rows = mapping.described();
    rows.filter(|row| !row.attribute.starts_with("meta.") && !row.write_only)
}

/// One table with its marks.
struct Block {
    begin: String,
    table: String,
}

fn blocks(adapter: &Adapter) -> Vec<Block> {
    let kinds = [
        (ResourceKind::User, "users"),
        (ResourceKind::Group, "groups"),
    ];
    let tables = kinds
        .into_iter()
        .filter_map(|(kind, of)| Some((adapter.mapping(kind)?, of)));
    tables
        .map(|(mapping, of)| Block {
            begin: format!(
                "<!-- attributes of {of}: made by `scimgate adapter show {} --write` -->",
                adapter.name
            ),
            table: format!("{}{}", table(mapping), custom(adapter, mapping.kind)),
        })
        .collect()
}

impl Block {
    fn text(&self) -> String {
        format!("{}\n{}{END}\n", self.begin, self.table)
    }

    fn put_into(&self, page: &str) -> Result<String> {
        let place = page.split_once(&self.begin);
        let place = place.and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = place.with_context(|| self.missing())?;
        Ok(format!("{before}{}{after}", self.text().trim_end()))
    }

    fn missing(&self) -> String {
        let Self { begin, .. } = self;
        format!("it does not say where the table goes; put these two lines there:\n{begin}\n{END}")
    }
}

fn table(mapping: &Mapping) -> String {
    let head = "| Attribute | Type | Supported for filtering | Required |\n|---|---|---|---|\n";
    let yes = |said| if said { " yes " } else { " " };
    let rows = told(mapping).map(|row| {
        let (attribute, kind) = (row.attribute, row.kind);
        let filterable = yes(row.filterable);
        let required = match row.made {
            true => " unless derived from others ",
            false => yes(row.required),
        };
        format!("| {attribute} | {kind} |{filterable}|{required}|\n")
    });
    std::iter::once(head.to_owned()).chain(rows).collect()
}

/// What each customer of the vendor names by itself stands for as one row.
fn custom(adapter: &Adapter, kind: ResourceKind) -> String {
    let custom = adapter.manifest.custom_attributes.as_ref();
    let custom = custom.filter(|_| kind == ResourceKind::User);
    custom.map_or_else(String::new, |custom| {
        format!("| {}:*name* | String | | |\n", custom.schema)
    })
}
