//! The vendors' pages say what their scripts do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::house::text_of;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The vendors there are: each has a manifest.
fn vendors() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("adapters")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let manifests = paths.filter(|path| path.extension().is_some_and(|it| it == "toml"));
    let mut names: Vec<_> = manifests
        .map(|path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn page(vendor: &str) -> String {
    std::fs::read_to_string(root().join(format!("adapters/{vendor}.md")))
        .unwrap_or_else(|error| panic!("adapters/{vendor}.md: {error}"))
}

/// What `scimgate adapter show VENDOR --markdown` prints: the tables with their marks.
fn tables(vendor: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_scimgate"))
        .args(["adapter", "show", vendor, "--markdown"])
        .current_dir(root())
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    text_of(&output.stdout)
}

/// The first cells of the tables that are about attributes.
fn attributes(text: &str) -> BTreeSet<&str> {
    let tables = columns(text, "| Attribute |", 0);
    tables.into_iter().flatten().collect()
}

/// A column of each table that begins like `head`, from 0.
fn columns<'t>(text: &'t str, head: &str, column: usize) -> Vec<Vec<&'t str>> {
    let mut inside = false;
    let mut found: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if line.starts_with(head) {
            inside = true;
            found.push(Vec::new());
            continue;
        }
        inside = inside && line.starts_with('|');
        let cell = line.split('|').nth(column + 1).unwrap_or_default().trim();
        if let Some(cells) = found
            .last_mut()
            .filter(|_| inside && !cell.starts_with("---"))
        {
            cells.push(cell);
        }
    }
    found
}

#[test]
fn the_tables_of_a_page_are_those_of_its_script() {
    let vendors = vendors();
    assert!(vendors.len() >= 5, "{vendors:?}");
    for vendor in vendors {
        let page = page(&vendor);
        for table in tables(&vendor).split("\n\n") {
            assert!(
                page.contains(table.trim()),
                "adapters/{vendor}.md is not what the script says. Renew it:\n\
                 scimgate adapter show {vendor} --write\n\n{table}"
            );
        }
    }
}

#[test]
fn what_people_write_is_about_attributes_there_are() {
    for vendor in vendors() {
        let (page, tables) = (page(&vendor), tables(&vendor));
        let known = attributes(&tables);
        assert!(known.contains("userName"), "{vendor}: {known:?}");
        let unknown: Vec<_> = attributes(&page).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "adapters/{vendor}.md: {unknown:?}");
    }
}

#[test]
fn a_page_says_what_to_map_to_each_attribute_and_to_no_other() {
    // It is no product: no Entra is connected to it.
    for vendor in vendors().into_iter().filter(|vendor| vendor != "reference") {
        let (page, tables) = (page(&vendor), tables(&vendor));
        let mapped = columns(&page, "| From Entra |", 1);
        assert_eq!(
            mapped,
            columns(&tables, "| Attribute |", 0),
            "adapters/{vendor}.md"
        );
        let sources = columns(&page, "| From Entra |", 0);
        assert!(
            sources.iter().flatten().all(|source| !source.is_empty()),
            "{vendor}"
        );
    }
}

/// Who measures the image's build again writes it everywhere.
#[test]
fn pages_agree_on_what_the_image_takes_to_build() {
    let figure = |file: &str| {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let (before, _) = text.split_once(" minutes of CPU").expect(file);
        before.rsplit(' ').next().unwrap().to_owned()
    };
    let figures = ["README.md", "tests/README.md", ".ci/run"].map(figure);
    let first: u32 = figures[0].parse().unwrap();
    assert!(
        first > 0 && figures.iter().all(|it| *it == figures[0]),
        "{figures:?}"
    );
}
