//! What `scripts/rhai.md` says of the language is true, and its recipes can be used.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::manual::evaluate;
use crate::adapter::Adapter;
use crate::adapter::compile::Files;

const PAGE: &str = include_str!("../../../../scripts/rhai.md");

/// What recipes are parts of.
const MANIFEST: &str = r#"
title = "Recipe"
consistency = "A"
credential = { kind = "bearer" }
paging = { style = "offset", size = 50 }
ids = { user = { field = "id" } }
"#;

const FUNCTIONS: [(&str, &str); 7] = [
    (
        "user_attributes",
        r#"fn user_attributes() { [attr("userName", "login").required().lookup("login").unique()] }"#,
    ),
    (
        "find_user",
        r#"fn find_user(field, value) { get("/users", query(field, value)) }"#,
    ),
    ("get_user", "fn get_user(id) { get(`/users/${id}`) }"),
    (
        "list_users",
        r#"fn list_users(page) { get("/users", #{ limit: page.size }) }"#,
    ),
    (
        "create_user",
        r#"fn create_user(user) { post("/users", user) }"#,
    ),
    (
        "update_user",
        "fn update_user(id, changes) { patch(`/users/${id}`, changes) }",
    ),
    (
        "delete_user",
        "fn delete_user(id) { delete(`/users/${id}`) }",
    ),
];

/// What stands in the cells of the tables of examples: what is written, and its result.
fn examples() -> Vec<(String, String)> {
    let tables = PAGE.split("<!-- examples -->").skip(1);
    let rows = tables.flat_map(|table| {
        let table = table.split_once("<!-- end").map_or("", |(table, _)| table);
        table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect::<Vec<_>>()
    });
    rows.map(|row| {
        let cells = row.replace("\\|", "\u{1}");
        let mut cells = cells
            .split('|')
            .skip(1)
            .map(|cell| code(cell).replace('\u{1}', "|"));
        (cells.next().unwrap(), cells.next().unwrap())
    })
    .collect()
}

/// A code span without its quotes.
fn code(cell: &str) -> &str {
    let cell = cell.trim();
    let double = cell
        .strip_prefix("`` ")
        .and_then(|cell| cell.strip_suffix(" ``"));
    double.unwrap_or_else(|| cell.trim_matches('`'))
}

/// The fenced parts of a text in a language.
fn fenced(text: &str, language: &str) -> String {
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts
        .filter_map(|part| part.split_once("\n```").map(|(part, _)| part))
        .map(|part| format!("{part}\n"))
        .collect()
}

#[test]
fn every_example_gives_what_the_page_says() {
    let examples = examples();
    assert!(examples.len() > 20, "{}", examples.len());
    let wrong = examples.iter().filter_map(|(written, said)| {
        let (comes, said) = (evaluate(written).0, evaluate(said).0);
        (comes != said).then(|| format!("{written}\n  said:  {said}\n  comes: {comes}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recipe_is_part_of_an_adapter_that_compiles() {
    let recipes: Vec<&str> = PAGE.split("\n### ").skip(1).collect();
    assert_eq!(recipes.len(), 12);
    let delete = PAGE.split("## What `catch` catches").nth(1).unwrap();
    let delete = delete.split("\n## ").next().unwrap();
    for recipe in recipes.into_iter().chain([delete]) {
        let own: BTreeMap<String, toml::Value> = toml::from_str(&fenced(recipe, "toml")).unwrap();
        let mut manifest: toml::Table = MANIFEST.parse().unwrap();
        manifest.extend(own);
        let script = fenced(recipe, "rhai");
        assert!(!script.is_empty() || recipe.contains("```toml"), "{recipe}");
        let missing = FUNCTIONS
            .iter()
            .filter(|(name, _)| !script.contains(&format!("fn {name}(")));
        let script: String = missing
            .map(|(_, text)| format!("{text}\n"))
            .collect::<String>()
            + script.as_str();
        let files = Files {
            name: "recipe".to_owned(),
            manifest: ("recipe.toml".to_owned(), manifest.to_string()),
            script: ("recipe.rhai".to_owned(), script.clone()),
        };
        let title = recipe.lines().next().unwrap();
        let adapter = Adapter::compile(files);
        assert!(adapter.is_ok(), "{title}\n{:?}\n{script}", adapter.err());
    }
}
