//! Pages followed to the letter: `adapters/add-a-vendor.md`, with a product called Desk, and
//! `README.md`.

mod desk;
mod readme;

use crate::reader::{Reader, snippets};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/add-a-vendor.md");
const KEY: &str = "desk-key";

#[test]
fn whoever_follows_the_guide_gets_where_it_says() {
    let page = snippets(&std::fs::read_to_string(GUIDE).unwrap());
    assert!(page.len() > 20, "{} snippets", page.len());
    let mut reader = Reader::new();
    reader.house().write("desk-key", KEY);
    let key = reader.house().path().join("desk-key").display().to_string();
    reader.means("/run/secrets/acme-desk-key", &key);
    reader.means(
        "https://desk.example",
        &format!("http://{}", desk::start(KEY)),
    );
    reader.follow(&page);
}
