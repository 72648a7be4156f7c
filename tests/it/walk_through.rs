//! `deploy/walk-through.md`, followed to the letter.

use crate::reader::{Reader, snippets};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_patch_that_comes_for_ever_is_found_and_ended() {
    let page = std::fs::read_to_string(format!("{ROOT}/deploy/walk-through.md")).unwrap();
    let page = snippets(&page);
    assert!(page.len() > 20, "{} snippets", page.len());
    let mut reader = Reader::new();
    reader.variable("SOURCE", ROOT);
    reader.follow(&page);
}
